package logs

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"qtune/schedules"
)

var rewrite = flag.Bool("rewrite", false, "rewrite golden files")

// sampleLog holds rows of every kind, stored in no order.
func sampleLog(t testing.TB) *Log {
	t.Helper()
	l := newLog(t)
	err := l.write(t.Context(), func(w *writer) error {
		for _, s := range []Session{
			{Key: "bb", Command: "tune --model <b>", Seed: 1<<64 - 1, Started: time.Date(2026, 3, 5, 0, 0, 0, 1, time.UTC)},
			{Key: "aa", Command: "tune", Seed: 2, Started: time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC), Ended: time.Date(2026, 3, 4, 1, 0, 0, 0, time.UTC)},
		} {
			if _, _, err := w.session(s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b := trial(fc, icx, 4, 1e-3/3)
	b.LoNS, b.Session = 0, 2
	lost := failure(convA, zen4, 8, "worker-lost")
	lost.Message, lost.CodeHash = "line 1\nline 2 <é>", ""
	a := trial(convA, zen4, 8, 100)
	a.Session = 1
	add(t, l, trial(convC, zen3, 5, 123456.75), b, a, lost)
	recordFinal(t, l, convC, zen3, 50, 70)
	recordFinal(t, l, convA, zen4, 50, 0)
	return l
}

func export(t testing.TB, l *Log) string {
	t.Helper()
	var b bytes.Buffer
	if err := l.Export(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func importText(t testing.TB, l *Log, text string) ImportStats {
	t.Helper()
	stats, err := l.Import(t.Context(), strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return stats
}

func TestExportGolden(t *testing.T) {
	const golden = "testdata/export.jsonl"
	got := export(t, sampleLog(t))
	if *rewrite {
		if err := os.WriteFile(golden, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestImportRoundTrip(t *testing.T) {
	text := export(t, sampleLog(t))
	l := newLog(t)
	if s := importText(t, l, text); s.Added != 8 || s.Known != 0 || s.Bad != 0 || len(s.Notes) != 0 {
		t.Errorf("first import: %+v", s)
	}
	if s := importText(t, l, text); s.Added != 0 || s.Known != 8 || s.Bad != 0 {
		t.Errorf("second import: %+v", s)
	}
	if got := export(t, l); got != text {
		t.Errorf("got:\n%s\nwant:\n%s", got, text)
	}
	// The order of the lines does not matter, nor does a missing last newline.
	lines := strings.Split(strings.TrimSpace(text), "\n")
	slices.Reverse(lines)
	reversed := newLog(t)
	if s := importText(t, reversed, strings.Join(lines, "\n")); s.Bad != 0 || s.Cut {
		t.Errorf("reversed: %+v", s)
	}
	if got := export(t, reversed); got != text {
		t.Errorf("reversed: got:\n%s\nwant:\n%s", got, text)
	}
}

func TestMerge(t *testing.T) {
	from := sampleLog(t)
	l := newLog(t)
	add(t, l, trial(convB, zen4, 1, 5))
	if _, err := l.BeginSession(t.Context(), "here", 1); err != nil { // takes an id that from uses too
		t.Fatal(err)
	}
	if s, err := l.Merge(t.Context(), from); err != nil || s.Added != 8 {
		t.Fatalf("%+v, %v", s, err)
	}
	if s, err := l.Merge(t.Context(), from); err != nil || s.Added != 0 || s.Known != 8 {
		t.Fatalf("again: %+v, %v", s, err)
	}
	got := export(t, l)
	for _, line := range strings.Split(strings.TrimSpace(export(t, from)), "\n") {
		if !strings.Contains(got, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
}

func TestImportSkipsBadLines(t *testing.T) {
	good := strings.Split(strings.TrimSpace(export(t, sampleLog(t))), "\n")
	var trialLine string
	for _, line := range good {
		if strings.Contains(line, `"kind":"trial"`) && strings.Contains(line, `"status":"ok"`) {
			trialLine = line
			break
		}
	}
	change := func(old, new string) string {
		out := strings.Replace(trialLine, old, new, 1)
		if out == trialLine {
			t.Fatalf("%s has no %s", trialLine, old)
		}
		return out
	}
	bad := []struct{ line, message string }{
		{"no json", "invalid character"},
		{trialLine[:40], "unexpected end of JSON input"},
		{`{"kind":"poem"}`, "unknown kind"},
		{"null", "unknown kind"},
		{`[1]`, "cannot unmarshal"},
		{change(`"center_ns":100`, `"center_ns":99`), "its checksum does not match"},
		{change(`"schedule":"mr=8`, `"schedule":"mr=9`), "its checksum does not match"},
		{change(`"workload":"conv2d`, `"workload":"conv9d`), "unknown operator"},
		{change(`"isa":"avx2"`, `"isa":"mmx"`), "unknown target"},
		{change(`"schedule":"mr=8`, `"schedule":"mr=`), "not name=value"},
		{change(`"status":"ok"`, `"status":""`), "no status"},
		{change(`"center_ns":100`, `"center_ns":-1`), "center of -1 ns"},
		{change(`"center_ns":100`, `"center_ns":1e999`), "cannot unmarshal"},
		{change(`"center_ns":100`, `"center_ns":"100"`), "cannot unmarshal"},
		{change(`"time":"2026`, `"time":"9026`), "the time"},
		{change(`"session":"bb"`, `"session":"b\u0000"`), "not printable"},
		{strings.Repeat(" ", maxLine) + trialLine, "longer than"},
		{change(`"samples_ns":[`, `"samples_ns":[`+strings.Repeat("1,", maxSamples)), "samples, at most"},
	}
	var text strings.Builder
	for i, b := range bad {
		fmt.Fprintf(&text, "%s\n%s\n", b.line, good[1+i%(len(good)-1)]) // without the first line, so that none is cut off
	}
	l := newLog(t)
	s := importText(t, l, text.String())
	if s.Bad != len(bad) || len(s.Notes) != len(bad) || s.Added != 8 {
		t.Errorf("%+v", s)
	}
	for i, b := range bad {
		if want := fmt.Sprintf("line %d: ", 2*i+1); i < len(s.Notes) && (!strings.HasPrefix(s.Notes[i], want) || !strings.Contains(s.Notes[i], b.message)) {
			t.Errorf("note %q, want %s%s", s.Notes[i], want, b.message)
		}
	}
	if got := export(t, l); got != strings.Join(good, "\n")+"\n" {
		t.Errorf("got:\n%s", got)
	}
}

// What has no line of an export is refused, with one error.
func TestImportOfSomethingElse(t *testing.T) {
	text := export(t, sampleLog(t))
	for _, other := range []string{text[:1], "no\nexport\nat all\n", "\x00\x01TFL3\n\x02\n"} {
		s, err := newLog(t).Import(t.Context(), strings.NewReader(other))
		if err == nil || !strings.Contains(err.Error(), "not an export of a log: line 1") || len(s.Notes) > 0 {
			t.Errorf("%q: %+v, %v", other, s, err)
		}
	}
}

// An export that ends anywhere before its end is noticed, and what is whole of it
// is taken.
func TestImportCutOff(t *testing.T) {
	text := export(t, sampleLog(t))
	lines := strings.Count(text, "\n")
	for _, n := range []int{len(text) / 3, len(text) / 2, strings.LastIndex(text[:len(text)-1], "\n") + 1} {
		s := importText(t, newLog(t), text[:n])
		whole := strings.Count(text[:n], "\n")
		if !s.Cut || s.Added != whole-1 || s.Added > lines-2 {
			t.Errorf("%d bytes, %d lines: %+v", n, whole, s)
		}
	}
	if s := importText(t, newLog(t), text+text); s.Cut {
		t.Errorf("two exports after each other: %+v", s)
	}
}

func TestImportNotesUnknownFields(t *testing.T) {
	text := strings.Replace(export(t, sampleLog(t)), `"kind":"trial"`, `"kind":"trial","turbo":true`, 1)
	s := importText(t, newLog(t), text)
	if s.Added != 8 || s.Bad != 0 || len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "turbo") {
		t.Errorf("%+v", s)
	}
}

func TestImportRefusesNewerFormat(t *testing.T) {
	l := newLog(t)
	_, err := l.Import(t.Context(), strings.NewReader(`{"kind":"log","format":3}`))
	if err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("%v", err)
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errors.New("cable unplugged") }

func TestImportReportsReadErrors(t *testing.T) {
	text := export(t, sampleLog(t))
	_, err := newLog(t).Import(t.Context(), io.MultiReader(strings.NewReader(text), failingReader{}))
	if err == nil || !strings.Contains(err.Error(), "cable unplugged") {
		t.Errorf("%v", err)
	}
}

// Old rows with knobs that nobody knows any more stay, for Space.Adapt to sort
// out.
func TestUnknownKnobsAreKept(t *testing.T) {
	l := newLog(t)
	tr := trial(convA, zen4, 1, 1)
	tr.Schedule = schedule("mr=8 retired=9 nv=2")
	add(t, l, tr)
	r, source, err := l.Best(t.Context(), query(convA, zen4))
	if err != nil || source != Exact || r.Schedule != tr.Schedule {
		t.Fatalf("%+v, %v, %v", r, source, err)
	}
	space, err := schedules.SpaceFor(convA, schedules.AVX2)
	if err != nil {
		t.Fatal(err)
	}
	if _, notes, _ := space.Adapt(r.Schedule); !slices.Contains(notes, "retired=9: dropped, no such knob") {
		t.Errorf("notes %q", notes)
	}
}

func FuzzImport(f *testing.F) {
	for _, line := range strings.SplitAfter(export(f, sampleLog(f)), "\n") {
		f.Add([]byte(line))
	}
	f.Add([]byte("{}\n\n{"))
	dir := f.TempDir()
	n := 0
	f.Fuzz(func(t *testing.T, text []byte) {
		n++
		path := filepath.Join(dir, fmt.Sprintf("%d.%d.db", os.Getpid(), n))
		l := open(t, path, Options{})
		defer os.Remove(path + ".lock")
		defer os.Remove(path)
		defer l.Close()
		if _, err := l.Import(t.Context(), bytes.NewReader(text)); err != nil {
			if errors.Is(err, ErrNotExport) { // of the text, not of the log
				path = ""
			}
			checkOneLine(t, err, path)
			return
		}
		exported := export(t, l) // reads every row: open fails the test on a damaged one
		if s := importText(t, l, exported); s.Added != 0 || s.Bad != 0 {
			t.Fatalf("its own export: %+v", s)
		}
	})
}
