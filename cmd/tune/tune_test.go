package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"qtune/measure"
	"qtune/qnn"
	"qtune/schedules"
	"qtune/tuner"
)

func TestTopClasses(t *testing.T) {
	u8 := &qnn.Tensor{Type: qnn.Uint8, Quant: qnn.Quant{Scale: []float32{0.5}, Zero: []int32{2}}}
	s8 := &qnn.Tensor{Type: qnn.Int8, Quant: qnn.Quant{Scale: []float32{0.5}, Zero: []int32{-128}}}
	f32 := &qnn.Tensor{Type: qnn.Float32}
	float := binary.LittleEndian.AppendUint32(nil, math.Float32bits(-1.5))
	for _, c := range []struct {
		t    *qnn.Tensor
		data []byte
		n    int
		want []class
	}{
		{u8, []byte{2, 9, 7, 9}, 3, []class{{1, "b", 3.5}, {3, "class 3", 3.5}, {2, "c", 2.5}}},
		{u8, []byte{4}, 5, []class{{0, "a", 1}}},
		{s8, []byte{0x80, 0x7f}, 1, []class{{1, "b", 127.5}}},
		{f32, float, 1, []class{{0, "a", -1.5}}},
		{&qnn.Tensor{Type: qnn.Int32}, []byte{1, 0, 0, 0}, 1, []class{}},
	} {
		if got := topClasses(c.t, c.data, []string{"a", "b", "c"}, c.n); !slices.Equal(got, c.want) {
			t.Errorf("%s %v: %v, want %v", c.t.Type, c.data, got, c.want)
		}
	}
}

func TestTableAlignsColumns(t *testing.T) {
	tab := newTable("name", ">n", "text")
	tab.add("a", "100", "x y")
	tab.add("long", "1", "")
	var b bytes.Buffer
	if err := tab.write(&b); err != nil {
		t.Fatal(err)
	}
	want := "name    n  text\na     100  x y\nlong    1  \n"
	if b.String() != want {
		t.Errorf("got\n%q, want\n%q", b.String(), want)
	}
}

func TestStatusAndReport(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		text   string
	}{
		{nil, statusDone, ""},
		{errors.New("a\nb"), statusFailed, "tune: a; b\n"},
		{fmt.Errorf("x: %w", usageErrorf("bad flag")), statusUsage, "tune: x: bad flag (see tune --help)\n"},
		{errors.Join(nil, statusError{errors.New("s"), statusNotStrict}), statusNotStrict, "tune: s\n"},
		{fmt.Errorf("x: %w", context.Canceled), statusFailed, "tune: interrupted\n"},
	} {
		var b bytes.Buffer
		report(&b, c.err)
		if got := status(c.err); got != c.status || b.String() != c.text {
			t.Errorf("%v: status %d, %q", c.err, got, b.String())
		}
	}
}

// A table of progress never leaves its screen.
func TestProgressTableFits(t *testing.T) {
	e := tuner.Progress{Done: 5, Budget: 10}
	for i := range 40 {
		e.Tasks = append(e.Tasks, tuner.TaskProgress{
			Workload: schedules.Workload{Op: schedules.Dense, N: 1, C: i + 1, O: 1}, Count: 1,
			Default: measure.Nanos(100 + i), Best: measure.Nanos(50 + i),
		})
	}
	for _, size := range [][2]int{{80, 24}, {20, 5}, {200, 100}, {1, 1}} {
		lines := progressTable(e, size[0], size[1])
		if len(lines) > max(size[1]-1, 4) {
			t.Errorf("%v: %d lines", size, len(lines))
		}
		for _, l := range lines {
			if len(l) >= max(size[0], 1) {
				t.Errorf("%v: a line of %d characters", size, len(l))
			}
		}
	}
	if lines := progressTable(e, 80, 24); !strings.HasPrefix(strings.TrimSpace(lines[1]), "39") {
		t.Errorf("the task that takes most of the time is not first: %q", lines[1])
	}
}

// The table says of each task what it had and gained, and the lines below it how far
// the whole is.
func TestProgressTable(t *testing.T) {
	w := schedules.Workload{Op: schedules.Dense, N: 1, C: 64, O: 32}
	e := tuner.Progress{Done: 30, Budget: 120, Failed: 2, PerSecond: 45, ETA: 90 * time.Second, Network: 4000, Default: 5000, Tasks: []tuner.TaskProgress{
		{Workload: w, Count: 1, Trials: 10, Default: 1500, Best: 1000, Ended: true},
		{Workload: w, Count: 3, Trials: 20, Default: 1000, Best: 1000, Expected: 12},
		{Workload: w, Count: 1},
	}}
	lines := progressTable(e, 120, 24)
	words := func(i int) string { return strings.Join(strings.Fields(lines[i]), " ") }
	for i, want := range []string{
		"task trials default best gain share state workload",
		"1 20 1.00 us 1.00 us 1.00x 75.0% next saves 12.0 ns dense",
		"0 10 1.50 us 1.00 us 1.50x 25.0% ended dense",
		"2 0 - - - 0.0% next saves 0.00 ns dense",
		"[" + strings.Repeat("#", 13) + strings.Repeat(".", 40) + "] 25%",
		"30/120 trials, 45/s, 2 failed, sum of layers 4.00 us (default 5.00 us), 1m30s left",
	} {
		if !strings.HasPrefix(words(i), want) {
			t.Errorf("line %d is %q, want %q", i, words(i), want)
		}
	}
}

func TestProgressBar(t *testing.T) {
	for _, c := range []struct {
		done, budget, width int
		want                string
	}{
		{0, 10, 17, "[..........]   0%"}, {10, 10, 17, "[##########] 100%"}, {11, 10, 17, "[##########] 100%"},
		{999, 1000, 17, "[#########.]  99%"}, {0, 0, 9, "[##] 100%"}, {1, 2, -1, "[]  50%"},
	} {
		if got := progressBar(c.done, c.budget, c.width); got != c.want {
			t.Errorf("%d of %d: %q, want %q", c.done, c.budget, got, c.want)
		}
	}
}

func TestPlainProgress(t *testing.T) {
	var b bytes.Buffer
	p := newProgress(&b, false)
	p.listen(tuner.Resumed{Budget: 10, Tasks: 1})
	for i := range 10 {
		p.listen(tuner.Progress{Done: i, Budget: 10})
	}
	for range 3 * maxFailures {
		p.listen(tuner.Failed{Message: "broken"})
	}
	p.end()
	text := b.String()
	if n := strings.Count(text, "broken"); n != maxFailures {
		t.Errorf("%d failures are shown, want %d", n, maxFailures)
	}
	if n := strings.Count(text, "/10 trials"); n != 1 {
		t.Errorf("%d lines of progress within no time, want 1", n)
	}
	if strings.Contains(text, "\x1b") {
		t.Error("control sequences where there is no terminal")
	}
}
