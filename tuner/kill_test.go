//go:build unix

package tuner

import (
	"bufio"
	"context"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"qtune/logs"
	"qtune/measure"
	"qtune/measure/local"
	"qtune/measure/sim"
	"qtune/schedules"
)

// The test binary is also the program that the tests kill. As "tuner" it tunes
// the small network on a simulated machine with the log at the path that
// follows, up to the number of trials after it, and prints how many are
// committed whenever it is told; as "real" it does so with local's children,
// which are the test binary as "child". As "hub", "worker" and "fleet" it is the
// parts of a fleet; see fleetkill_test.go.
const (
	roleEnv  = "QTUNE_TEST_ROLE"
	ownerEnv = "QTUNE_TEST_OWNER" // of a child: its tuner's log
)

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(roleEnv) {
	case "":
		os.Exit(m.Run())
	case "child":
		err = local.Child(os.Stdin, os.Stdout)
	case "faulty":
		err = local.Child(os.Stdin, os.Stdout, faults)
	case "hub":
		err = hubProgram(os.Args[1], os.Args[2])
	case "worker":
		err = workerProgram(os.Args[1], os.Args[2])
	case "fleet":
		err = fleetProgram(os.Args[1], os.Args[2], os.Args[3])
	default:
		err = tunerProgram(os.Getenv(roleEnv) == "real", os.Args[1], os.Args[2])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func tunerProgram(real bool, path, trials string) error {
	log, err := logs.Open(path, logs.Options{Warn: func(err error) { fmt.Println("damaged:", err) }})
	if err != nil {
		return err
	}
	total, err := strconv.Atoi(trials)
	if err != nil {
		return err
	}
	cfg := testConfig(&testing.T{}, log, total)
	cfg.Runner = sim.New(sim.Config{Seed: 3, Delay: time.Millisecond})
	cfg.Batch = 3
	cfg.Strategy = "evolve" // which never finds a task flat
	if real {
		exe, err := os.Executable()
		if err != nil {
			return err
		}
		r, err := local.New(local.Config{Argv: []string{exe}, Env: []string{roleEnv + "=child", ownerEnv + "=" + path}})
		if err != nil {
			return err
		}
		defer r.Close()
		cfg.Runner = r
	}
	cfg.Listen = tellCommitted
	if _, err := Tune(context.Background(), cfg); err != nil {
		return err
	}
	return log.Close()
}

func tellCommitted(e Event) {
	switch e := e.(type) {
	case Resumed:
		fmt.Println("committed", e.Trials)
	case Progress:
		fmt.Println("committed", e.Done)
	}
}

// start runs the program; its lines come through the returned channel, which is
// closed at its end.
func start(t *testing.T, role string, args ...string) (*exec.Cmd, <-chan string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), roleEnv+"="+role)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	return cmd, lines
}

// committed returns what the last line says, at least atLeast.
func committed(t *testing.T, lines <-chan string, atLeast int) int {
	t.Helper()
	for l := range lines {
		text, ok := strings.CutPrefix(l, "committed ")
		n, err := strconv.Atoi(text)
		if !ok || err != nil {
			t.Errorf("the program says %q", l)
			continue
		}
		atLeast = max(atLeast, n)
	}
	return atLeast
}

// stored opens the log, as the next run will, and counts its trials.
func stored(t *testing.T, path string) int {
	t.Helper()
	trials := rows(t, path)
	seen := map[string]bool{}
	for _, r := range trials {
		key := r.Workload.String() + "|" + r.Schedule.String()
		if seen[key] {
			t.Errorf("tried twice: %s", key)
		}
		seen[key] = true
	}
	return len(trials)
}

// rows reads the trials of a log, oldest first.
func rows(t *testing.T, path string) []logs.Trial {
	t.Helper()
	log, err := logs.Open(path, logs.Options{Warn: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var trials []logs.Trial
	for row, err := range log.AllTrials(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		trials = append(trials, row)
	}
	slices.SortStableFunc(trials, func(a, b logs.Trial) int { return a.Time.Compare(b.Time) })
	return trials
}

// faults has every ninth schedule or so misbehave in one way or another; the
// default schedules are spared.
func faults(j measure.Job) local.Fault {
	space, err := schedules.SpaceFor(j.Workload, j.ISA)
	if err != nil || j.Schedule == space.Start() {
		return local.NoFault
	}
	switch h := crc32.ChecksumIEEE([]byte(j.Schedule.String())); {
	case h%13 == 0:
		return local.CrashFault
	case h%13 == 1:
		return local.WrongFault
	case h%41 == 2:
		return local.HangFault
	}
	return local.NoFault
}

// TestFaults tunes with candidates that crash, loop for ever and give wrong
// answers: each is recorded as what it is, and the budget is spent all the same.
func TestFaults(t *testing.T) {
	if testing.Short() || !slices.Contains(schedules.HostISAs(), testTarget.ISA) {
		t.Skip("measures " + testTarget.ISA)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r, err := local.New(local.Config{Argv: []string{exe}, Env: []string{roleEnv + "=faulty"}, Grace: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	store := &memory{}
	cfg := testConfig(t, store, 80)
	cfg.Tasks = slices.Delete(cfg.Tasks, 1, 2) // the large one: its reference takes long
	cfg.Runner = r
	report := tune(t, cfg)
	want := map[local.Fault]measure.Status{local.NoFault: measure.OK, local.CrashFault: measure.Crash,
		local.HangFault: measure.Timeout, local.WrongFault: measure.WrongAnswer}
	for _, row := range store.trials {
		f := faults(measure.Job{Workload: row.Workload, Schedule: row.Schedule, ISA: row.Target.ISA})
		if row.Status != want[f].String() {
			t.Errorf("%v: %s %q, want %v", row.Schedule, row.Status, row.Message, want[f])
		}
	}
	if report.Counts.New != 80 || len(store.finals) != len(cfg.Tasks) || report.Counts.ByStatus[measure.OK] > 79 {
		t.Errorf("%+v, %d finals", report.Counts, len(store.finals))
	}
	for _, f := range store.finals {
		if faults(measure.Job{Workload: f.Workload, Schedule: f.Schedule, ISA: f.Target.ISA}) != local.NoFault {
			t.Errorf("a faulty schedule won: %+v", f)
		}
	}
}

// children counts the measuring children of the tuner with a log. Without /proc
// it sees none.
func children(path string) int {
	n := 0
	environs, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is right
	for _, e := range environs {
		if env, err := os.ReadFile(e); err == nil && strings.Contains(string(env), ownerEnv+"="+path) {
			n++
		}
	}
	return n
}

// TestKilled kills tuners at random moments: after each death the log opens and
// has what was reported as committed, and the same command, run once more to
// its end, makes the trials that are missing.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tune.db")
	const total = 2500
	rng := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	reported, deaths := 0, 0
	for range 12 {
		cmd, lines := start(t, "tuner", path, strconv.Itoa(total))
		timer := time.AfterFunc(time.Duration(50+rng.IntN(250))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		reported = committed(t, lines, reported)
		timer.Stop()
		if cmd.Wait() != nil {
			deaths++
		}
		if n := stored(t, path); n < reported {
			t.Fatalf("%d trials in the log, %d were reported", n, reported)
		}
	}
	t.Logf("%d deaths, %d of %d trials before the last run", deaths, stored(t, path), total)
	cmd, lines := start(t, "tuner", path, strconv.Itoa(total))
	reported = committed(t, lines, 0)
	if err := cmd.Wait(); err != nil || reported != total || stored(t, path) != total {
		t.Errorf("the last run: %v; %d reported and %d stored, want %d", err, reported, stored(t, path), total)
	}
}

// TestKilledWithChildren does it once with real children, which must not
// outlive the tuner.
func TestKilledWithChildren(t *testing.T) {
	if testing.Short() || !slices.Contains(schedules.HostISAs(), testTarget.ISA) {
		t.Skip("measures " + testTarget.ISA)
	}
	path := filepath.Join(t.TempDir(), "tune.db")
	const total = 120
	cmd, lines := start(t, "real", path, strconv.Itoa(total))
	reported := 0
	for l := range lines { // until it measures
		if _, err := fmt.Sscanf(l, "committed %d", &reported); err != nil {
			t.Errorf("the program says %q", l)
		}
		if reported > 0 {
			if runtime.GOOS == "linux" && children(path) == 0 {
				t.Error("its children are not seen")
			}
			_ = cmd.Process.Kill()
			break
		}
	}
	reported = committed(t, lines, reported)
	_ = cmd.Wait() // it was killed
	if n := stored(t, path); n < reported {
		t.Fatalf("%d trials in the log, %d were reported", n, reported)
	}
	for deadline := time.Now().Add(10 * time.Second); children(path) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d children outlive the tuner", children(path))
		}
	}
	cmd, lines = start(t, "real", path, strconv.Itoa(total))
	if n := committed(t, lines, 0); n != total || stored(t, path) != total {
		t.Errorf("%d reported and %d stored, want %d", n, stored(t, path), total)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
