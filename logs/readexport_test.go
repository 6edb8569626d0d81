package logs

import (
	"bytes"
	"compress/gzip"
	"slices"
	"strings"
	"testing"
)

// TestReadTrials reads an export without a log, plain and compressed; a line that
// is damaged is an error, and those after it are read.
func TestReadTrials(t *testing.T) {
	l := sampleLog(t)
	want := allTrials(t, l)
	text := export(t, l)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(text, "\n")
	damaged := lines[0] + "{nonsense\n" + strings.Join(lines[1:], "")
	for name, c := range map[string]struct {
		text string
		bad  int
	}{"plain": {text, 0}, "gzip": {zipped.String(), 0}, "damaged": {damaged, 1}, "cut gzip": {zipped.String()[:20], 1}} {
		trials, bad := 0, 0
		for r, err := range ReadTrials(strings.NewReader(c.text)) {
			if err != nil {
				bad++
				continue
			}
			trials++
			if !slices.ContainsFunc(want, func(w Trial) bool {
				return w.Workload == r.Workload && w.Schedule == r.Schedule && w.CenterNS == r.CenterNS && w.Status == r.Status
			}) {
				t.Errorf("%s: %+v is not in the log", name, r)
			}
		}
		if bad != c.bad || name != "cut gzip" && trials != len(want) {
			t.Errorf("%s: %d trials, %d errors", name, trials, bad)
		}
	}
}
