package logs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	foreign := filepath.Join(dir, "foreign.db")
	damage(t, foreign, "CREATE TABLE pictures (id INTEGER)")
	newer := filepath.Join(dir, "newer.db")
	open(t, newer, Options{}).Close()
	damage(t, newer, "PRAGMA user_version = 99")
	for _, c := range []struct {
		path, message string
		readOnly      bool
	}{
		{write("text.db", strings.Repeat("no database\n", 100)), "not an SQLite file", false},
		{write("text.db", strings.Repeat("no database\n", 100)), "not an SQLite file", true},
		{write("short.db", "SQLite"), "not an SQLite file", false},
		{write("head.db", "SQLite format 3\x00"+strings.Repeat("x", 200)), "damaged", false},
		{write("head.db", "SQLite format 3\x00"+strings.Repeat("x", 200)), "damaged", true},
		{foreign, "not a log", false},
		{foreign, "not a log", true},
		{newer, "newer version of this program wrote it (schema 99, this one knows 3)", false},
		{newer, "newer version", true},
		{dir, "is a folder", false},
		{filepath.Join(dir, "none.db"), "does not exist", true},
		{filepath.Join(dir, "none", "tune.db"), "no such file or directory", false},
		{filepath.Join(dir, "text.db", "tune.db"), "not a directory", false},
	} {
		l, err := Open(c.path, Options{ReadOnly: c.readOnly})
		if err == nil {
			l.Close()
			t.Errorf("%s is opened", c.path)
			continue
		}
		checkOneLine(t, err, c.path)
		if !strings.Contains(err.Error(), c.message) {
			t.Errorf("%v, want %q", err, c.message)
		}
	}
	if _, err := Open(filepath.Join(dir, "none.db"), Options{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

// An empty file is what a process leaves that was killed while it made the log.
func TestOpenEmptyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tune.db")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	add(t, open(t, path, Options{}), trial(convA, zen4, 1, 1))
}

// Two that have the log open for writing take turns.
func TestTwoWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tune.db")
	first, second := open(t, path, Options{}), open(t, path, Options{})
	add(t, first, trial(convA, zen4, 1, 1))
	add(t, second, trial(convA, zen4, 2, 2))
	add(t, first, trial(convA, zen4, 3, 3))
	if got := allTrials(t, open(t, path, Options{ReadOnly: true})); len(got) != 3 {
		t.Errorf("a reader beside the writers sees %d trials", len(got))
	}
	done, err := first.turn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := second.Append(ctx, []Trial{trial(convA, zen4, 4, 4)}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while the other has its turn: %v", err)
	}
	if want := fmt.Sprintf("process %d", os.Getpid()); holder(path+".lock") != want {
		t.Errorf("the holder is %s, want %s", holder(path+".lock"), want)
	}
}

// One file is left behind, as a log that is checked in must be.
func TestCloseLeavesOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tune.db")
	l := open(t, path, Options{})
	add(t, l, trial(convA, zen4, 1, 1))
	l.Close()
	open(t, path, Options{ReadOnly: true}).Close()
	for _, suffix := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(path + suffix); err == nil {
			t.Errorf("%s is left", suffix)
		}
	}
}

// Only this keeps a commit over a power failure, which no test can make.
func TestCommitsAreSynced(t *testing.T) {
	var mode string
	var synchronous int
	const full = 2
	err := newLog(t).db.QueryRow("SELECT journal_mode, synchronous FROM pragma_journal_mode, pragma_synchronous").Scan(&mode, &synchronous)
	if err != nil || mode != "wal" || synchronous != full {
		t.Errorf("journal %s, synchronous %d, %v", mode, synchronous, err)
	}
}

func TestReadersBesideWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tune.db")
	w := open(t, path, Options{})
	add(t, w, trial(convA, zen4, 1, 1))
	const n = 60
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			l, err := Open(path, Options{ReadOnly: true, Warn: func(err error) { t.Error(err) }})
			if err != nil {
				t.Error(err)
				return
			}
			defer l.Close()
			for last := 0; last < n; {
				got := 0
				for _, err := range l.AllTrials(t.Context()) {
					if err != nil {
						t.Error(err)
						return
					}
					got++
				}
				if got < last {
					t.Errorf("%d trials after %d", got, last)
					return
				}
				last = got
			}
		})
	}
	for i := 1; i < n; i++ {
		add(t, w, trial(convA, zen4, i+1, float64(i)))
	}
	wg.Wait()
}
