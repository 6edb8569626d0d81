package logs

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qtune/schedules"
)

// addGuest makes a table of somebody else.
func addGuest(t *testing.T, l *Log) {
	t.Helper()
	err := l.Update(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "CREATE TABLE guests (id INTEGER PRIMARY KEY, name TEXT) STRICT; INSERT INTO guests VALUES (7, 'one')")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func guests(t *testing.T, l *Log) int {
	t.Helper()
	rows, err := l.Query(t.Context(), "SELECT id FROM guests")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		n++
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}

// Tables of others change nothing of what a log does.
func TestGuests(t *testing.T) {
	l := choiceLog(t)
	want, best := export(t, l), exportBest(t, l)
	addGuest(t, l)
	if err := l.Update(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO guests VALUES (8, 'two')"); err != nil {
			return err
		}
		return errors.New("not after all")
	}); err == nil || guests(t, l) != 1 {
		t.Errorf("an update that fails: %v, %d rows", err, guests(t, l))
	}
	if export(t, l) != want || exportBest(t, l) != best {
		t.Error("the exports differ")
	}
	if damage, err := l.Verify(t.Context()); err != nil || len(damage) != 0 {
		t.Errorf("verify: %v, %v", damage, err)
	}
	other := newLog(t)
	if _, err := other.Merge(t.Context(), l); err != nil || export(t, other) != want {
		t.Errorf("merged: %v", err)
	}
	if _, err := l.Prune(t.Context(), 1); err != nil || guests(t, l) != 1 {
		t.Errorf("prune: %v, %d rows left", err, guests(t, l))
	}
	l.Close()
	if l = open(t, l.Path(), Options{}); guests(t, l) != 1 {
		t.Error("opened again it has lost them")
	}
}

func TestBackup(t *testing.T) {
	l := choiceLog(t)
	addGuest(t, l)
	dir := t.TempDir()
	reader := open(t, l.Path(), Options{ReadOnly: true})
	for name, from := range map[string]*Log{"writer.db": l, "reader.db": reader} {
		path := filepath.Join(dir, name)
		if err := from.Backup(t.Context(), path); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		copied := open(t, path, Options{ReadOnly: true})
		if export(t, copied) != export(t, l) || guests(t, copied) != 1 {
			t.Errorf("%s: the copy differs", name)
		}
		if err := from.Backup(t.Context(), path); err == nil || !strings.Contains(err.Error(), path+": file already exists") {
			t.Errorf("%s: over another: %v", name, err)
		}
		copied.Close()
	}
	if err := reader.Append(t.Context(), nil); err == nil {
		t.Error("the reader can write now")
	}
	if err := l.Backup(t.Context(), filepath.Join(dir, "no", "where.db")); err == nil || !strings.Contains(err.Error(), "where.db: no such file") {
		t.Errorf("into a folder that is not there: %v", err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 2 {
		t.Errorf("files beside the copies: %v, %v", files, err)
	}
}

func exportSlice(t *testing.T, l *Log, s Slice) string {
	t.Helper()
	var b bytes.Buffer
	if err := l.ExportSlice(t.Context(), &b, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// linesOf returns the lines of an export that have all of some texts, and those of
// its frame.
func linesOf(text string, parts ...string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		has := true
		for _, p := range parts {
			has = has && strings.Contains(line, p)
		}
		if has || strings.HasPrefix(line, `{"kind":"log"`) || strings.HasPrefix(line, `{"kind":"end"`) {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestSlices(t *testing.T) {
	l := choiceLog(t)
	all := export(t, l)
	for name, c := range map[string]struct {
		slice Slice
		parts []string
	}{
		"all":      {Slice{}, nil},
		"workload": {Slice{Workload: convA}, []string{convA.String()}},
		"machine":  {Slice{Machine: "amd-25-17"}, []string{zen4.String()}},
		"whole":    {Slice{Machine: icx.String()}, []string{icx.String()}},
		"target":   {Slice{ISA: schedules.AVX2}, []string{`"isa":"avx2"`}},
		"no start": {Slice{Machine: "amd-25-1"}, []string{"amd-25-1 "}},
		"both":     {Slice{Workload: convA, ISA: schedules.AVX512VNNI, Machine: "intel-6-106"}, []string{convA.String(), icx.String()}},
	} {
		if got, want := exportSlice(t, l, c.slice), linesOf(all, c.parts...); got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
		}
	}
	best := func(machine string, w ...schedules.Workload) string {
		var b bytes.Buffer
		if err := l.ExportBestOf(t.Context(), &b, w, schedules.AVX512VNNI, machine); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if got, want := best("", convA, convB, convC, fc), exportBest(t, l); got != want {
		t.Errorf("best of all:\n%s\nwant:\n%s", got, want)
	}
	if got, want := best("amd-25-17", convB), linesOf(exportBest(t, l), convB.String(), zen4.String()); got != want {
		t.Errorf("best of one:\n%s\nwant:\n%s", got, want)
	}
}
