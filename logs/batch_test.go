package logs

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// killedWriter is the environment variable that makes this test binary append
// to the log it names, until it is killed.
const killedWriter = "QTUNE_TEST_KILLED_WRITER"

func TestMain(m *testing.M) {
	if path := os.Getenv(killedWriter); path != "" {
		appendForever(path)
	}
	if path := os.Getenv(sharedWriter); path != "" {
		if err := writeShared(path); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// appendForever prints the number of each trial once it is stored.
func appendForever(path string) {
	l, err := Open(path, Options{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	from, err := strconv.Atoi(os.Getenv(killedWriter + "_FROM"))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	b := NewBatch(l, time.Millisecond, func(stored []Trial) {
		for _, t := range stored {
			fmt.Println(t.Schedule.Int("mr", 0))
		}
	})
	for i := from; ; i++ {
		if err := b.Add(trial(convA, zen4, i, float64(i))); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		time.Sleep(50 * time.Microsecond)
	}
}

func TestKilledWriterLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tune.db")
	stored := map[int]bool{}
	for round := range 4 {
		for _, n := range runAndKill(t, path, 1+round*100_000, 50+30*round) {
			stored[n] = true
		}
		l := open(t, path, Options{})
		found := map[int]bool{}
		for _, tr := range allTrials(t, l) {
			found[tr.Schedule.Int("mr", 0)] = true
		}
		for n := range stored {
			if !found[n] {
				t.Fatalf("round %d: trial %d was reported stored, but is lost", round, n)
			}
		}
		if damage, err := l.Verify(t.Context()); err != nil || len(damage) > 0 {
			t.Fatalf("round %d: %v, %v", round, damage, err)
		}
		l.Close()
	}
	if len(stored) < 4*50 {
		t.Errorf("only %d trials", len(stored))
	}
}

// runAndKill starts a writer, kills it after it reported n trials, and returns
// those that it reported.
func runAndKill(t *testing.T, path string, from, n int) []int {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killedWriter+"="+path, fmt.Sprintf("%s_FROM=%d", killedWriter, from))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var reported []int
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		i, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Errorf("the writer says %s", lines.Text())
			break
		}
		if reported = append(reported, i); len(reported) == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the writer ended by itself")
	}
	return reported
}

func TestBatch(t *testing.T) {
	l := newLog(t)
	done := make(chan int, 10)
	b := NewBatch(l, 300*time.Millisecond, func(stored []Trial) { done <- len(stored) })
	for i := range 5 {
		if err := b.Add(trial(convA, zen4, i+1, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if n := <-done; n != 5 {
		t.Errorf("the timer stored %d trials", n)
	}
	bad := trial(convA, zen4, 9, 1)
	bad.Status = ""
	if err := b.Add(bad); err == nil {
		t.Error("a trial that cannot be stored is accepted")
	}
	if err := b.Add(trial(convA, zen4, 7, 1)); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(allTrials(t, l)); n != 6 {
		t.Errorf("%d trials are stored", n)
	}
}

// Trials of a commit that failed are stored by a later one.
func TestBatchTriesAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tune.db")
	l := open(t, path, Options{})
	damage(t, path, "ALTER TABLE trials RENAME TO hidden")
	b := NewBatch(l, time.Hour, nil)
	if err := b.Add(trial(convA, zen4, 1, 1)); err != nil {
		t.Fatal(err)
	}
	if err := b.Flush(); err == nil {
		t.Fatal("the commit did not fail")
	}
	damage(t, path, "ALTER TABLE hidden RENAME TO trials")
	if err := b.Add(trial(convA, zen4, 2, 1)); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(allTrials(t, l)); n != 2 {
		t.Errorf("%d trials are stored", n)
	}
}
