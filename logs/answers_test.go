package logs

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"qtune/schedules"
)

func bestOf(t *testing.T, l *Log, w ...schedules.Workload) string {
	t.Helper()
	var b bytes.Buffer
	if err := l.ExportBestOf(t.Context(), &b, w, schedules.AVX512VNNI, ""); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Whoever writes, and whatever: the next answer is what a log says that remembers none.
// Only what was written about a workload has it forgotten.
func TestAnswers(t *testing.T) {
	l := choiceLog(t)
	other, err := Open(l.Path(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	from := newLog(t)
	add(t, from, measured(t, convB, zen4, copy5, 20))
	final := func(w schedules.Workload, text string) Final {
		r := measured(t, w, zen4, text, 5)
		return Final{Workload: w, Target: r.Target, Schedule: r.Schedule, Generator: r.Generator, Protocol: r.Protocol, TunedNS: 5,
			DefaultSchedule: schedule(copy5), DefaultNS: 1000, CodeHash: r.CodeHash, Time: r.Time.AddDate(1, 0, 0)}
	}
	nothing := func(context.Context, *sql.Tx) error { return nil }
	asked := []schedules.Workload{convC, convB, convA, convB}
	for _, c := range []struct {
		name    string
		write   func() error
		changes bool
		kept    int // answers of three
	}{
		{"nothing", func() error { return nil }, false, 3},
		{"a trial", func() error { return l.Append(t.Context(), []Trial{measured(t, convA, icx, halo6, 50)}) }, true, 2},
		{"a trial again", func() error { return l.Append(t.Context(), []Trial{measured(t, convA, icx, halo6, 50)}) }, false, 2},
		{"tables of others", func() error { return l.Update(t.Context(), nothing) }, false, 3},
		{"a session", func() error { _, err := l.BeginSession(t.Context(), "x", 1); return err }, false, 3},
		{"a final", func() error { return l.RecordFinal(t.Context(), final(convB, halo6)) }, true, 2},
		{"another log's", func() error { return other.RecordFinal(t.Context(), final(convA, copy6)) }, true, 0},
		{"a merge", func() error { _, err := l.Merge(t.Context(), from); return err }, true, 2},
		{"an import", func() error {
			_, err := l.Import(t.Context(), strings.NewReader(export(t, from)))
			return err
		}, false, 2},
		{"a prune", func() error { _, err := l.Prune(t.Context(), 1); return err }, false, 0},
	} {
		before := bestOf(t, l, asked...)
		if err := c.write(); err != nil {
			t.Fatal(c.name, err)
		}
		kept := 0
		l.answers.refresh()
		for _, w := range []schedules.Workload{convA, convB, convC} {
			if _, ok, _ := l.answers.get(answerKey{w, schedules.AVX512VNNI, ""}); ok {
				kept++
			}
		}
		fresh, err := Open(l.Path(), Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		got, want := bestOf(t, l, asked...), bestOf(t, fresh, asked...)
		if got != want || (got != before) != c.changes || kept != c.kept {
			t.Errorf("after %s (before was the same: %v, %d answers kept, want %d):\n%s\nwant:\n%s", c.name, got == before, kept, c.kept, got, want)
		}
		fresh.Close()
	}
}

// What Append has returned for is in every answer from then on, whoever asks meanwhile.
func TestAnswersBesideWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tune.db")
	var logs []*Log
	for range 2 {
		l, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		logs = append(logs, l)
	}
	var all sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for _, l := range logs {
		for range 2 {
			all.Go(func() {
				for ctx.Err() == nil {
					bestOf(t, l, convA, convB)
				}
			})
		}
	}
	for i := range 60 {
		ns := float64(1000 - i)
		writer := logs[i%2]
		if err := writer.Append(t.Context(), []Trial{measured(t, convA, zen4, halo6, ns)}); err != nil {
			t.Fatal(err)
		}
		for n, l := range logs {
			if text := bestOf(t, l, convA); !strings.Contains(text, fmt.Sprintf(`"center_ns":%v,`, ns)) {
				t.Errorf("log %d does not know trial %d of log %d:\n%s", n, i, i%2, text)
			}
		}
	}
	cancel()
	all.Wait()
}
