package replay

import (
	"context"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"qtune/logs"
	"qtune/measure"
	"qtune/measure/sim"
	"qtune/schedules"
	"qtune/tuner/strategy"
)

func read(t testing.TB, names ...string) []*Recording {
	t.Helper()
	var list []*Recording
	for _, name := range names {
		more, err := ReadFile(filepath.Join("testdata", name+".jsonl.gz"))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, more...)
	}
	return list
}

// TestRecordings checks all that are kept: complete, with a default, and enough.
func TestRecordings(t *testing.T) {
	files, err := filepath.Glob("testdata/*.gz")
	if err != nil {
		t.Fatal(err)
	}
	ops := map[schedules.Op]int{}
	for _, file := range files {
		list, err := ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			ops[r.Workload.Op]++
			best := 0.0
			for s := range r.Space.All() {
				best = max(best, r.Efficiency(s))
			}
			if start := r.Efficiency(r.Space.Start()); best != 1 || start < 0.5 || start > 1 || r.Space.Size() < 200 {
				t.Errorf("%s: best %v, default %v of %d schedules", file, best, start, r.Space.Size())
			}
		}
	}
	if ops[schedules.Conv2D] < 6 || ops[schedules.Depthwise] < 4 || ops[schedules.Dense] < 1 {
		t.Errorf("recordings of %v", ops)
	}
}

// TestTargets holds the default strategy to what docs/search.md says of it, on the
// smaller of the recorded spaces.
func TestTargets(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, and some minutes under the race detector")
	}
	study := Study{
		Recordings: read(t, "dw_28x192", "dw_112x96_s2", "dw_7x960", "c3x3_17_s2", "c3x3_35_s2", "stem_299", "fc_1280"),
		Strategies: []string{strategy.Default, "evolve", "random"}, Seeds: 2, Trials: 64, Batch: 8,
	}
	curves, err := study.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mean := func(name string, n int) (m float64) {
		for _, c := range curves {
			for _, e := range c.Efficiency {
				if c.Strategy == name {
					m += e[n-1] / float64(len(study.Recordings)*study.Seeds)
				}
			}
		}
		return m
	}
	for _, n := range []int{16, 32, 64} {
		got, evolve, random := mean(strategy.Default, n), mean("evolve", n), mean("random", n)
		t.Logf("after %d trials: %s %.3f, evolve %.3f, random %.3f", n, strategy.Default, got, evolve, random)
		if got <= evolve || got <= random {
			t.Errorf("after %d trials %s reaches %.3f, evolve %.3f, random %.3f", n, strategy.Default, got, evolve, random)
		}
	}
	if a, b := mean(strategy.Default, 32), mean(strategy.Default, 64); a < 0.94 || b < 0.97 {
		t.Errorf("efficiency %.3f after 32 trials, %.3f after 64; want 0.94 and 0.97", a, b)
	}
}

// TestStudy checks that a study is a function of itself, and its variants run.
func TestStudy(t *testing.T) {
	study := Study{Recordings: read(t, "dw_7x960", "fc_1280"), Strategies: []string{"model", "random"}, Seeds: 2, Trials: 20, Batch: 8}
	run := func(s Study) []Curve {
		curves, err := s.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return curves
	}
	first := run(study)
	if !reflect.DeepEqual(first, run(study)) {
		t.Error("the same study has other curves")
	}
	start := study.Recordings[0].Efficiency(study.Recordings[0].Space.Start())
	if got := first[0].Efficiency[0][0]; got != start {
		t.Errorf("the first trial is %v as fast as the best, the default %v", got, start)
	}
	blind, transfer := study, study
	blind.Blind, blind.Alone, transfer.Transfer = true, true, true
	if got := run(blind); got[0].Efficiency[0][0] == start && got[0].Efficiency[1][0] == start {
		t.Error("a blind search begins with the default")
	}
	if a, b := run(transfer)[0].Efficiency, first[0].Efficiency; reflect.DeepEqual(a, b) {
		t.Error("a prior changes nothing")
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := study.Run(ctx); err == nil {
		t.Error("a study that was ended has no error")
	}
}

// TestRecord records a space of a simulated, noisy machine, writes it down, and
// reads it again.
func TestRecord(t *testing.T) {
	w, err := schedules.ParseWorkload("dense n1 c256 o100 wz=1 perch=0 round=double sign=1 mult=lt1")
	if err != nil {
		t.Fatal(err)
	}
	space, err := schedules.SpaceFor(w, schedules.AVX2)
	if err != nil {
		t.Fatal(err)
	}
	machine := sim.New(sim.Config{Seed: 1, Noise: 0.01})
	r := Recorder{Runner: machine, Protocol: measure.DefaultProtocol(),
		Target: schedules.Target{ISA: schedules.AVX2, Machine: schedules.Machine{Vendor: "sim", Cores: 1}}}
	trials, err := r.Record(t.Context(), space)
	if err != nil {
		t.Fatal(err)
	}
	log, err := logs.Open(filepath.Join(t.TempDir(), "full.db"), logs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if err := log.Append(t.Context(), trials); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := log.Export(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	list, err := Read(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	got := list[0]
	if len(list) != 1 || got.Space.Size() != space.Size() || got.Space.Start() != space.Start() {
		t.Fatalf("%d recordings, the first of %d schedules beginning with %v", len(list), got.Space.Size(), got.Space.Start())
	}
	for s := range space.All() {
		if cost := machine.Cost(w, s); math.Abs(float64(got.Time(s)/cost)-1) > 0.04 {
			t.Errorf("%v: recorded %v, it takes %v", s, got.Time(s), cost)
		}
	}
}

func TestReadErrors(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "nonsense": "hello\n", "cut gzip": "\x1f\x8b\x08", "no trials": `{"kind":"log","format":1}` + "\n"} {
		if _, err := Read(strings.NewReader(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestRunner answers the same job alike, other schedules not at all, and gives up.
func TestRunner(t *testing.T) {
	list := read(t, "fc_1280")
	rec := list[0]
	r := NewRunner(list, 1, 1)
	job := measure.Job{Workload: rec.Workload, Schedule: rec.Space.Start(), Protocol: measure.DefaultProtocol()}
	hopeless, unknown := job, job
	hopeless.GiveUp = rec.Time(job.Schedule) / 10
	unknown.Schedule = unknown.Schedule.With("mr", "99")
	got, err := r.Measure(t.Context(), []measure.Job{job, job, hopeless, unknown})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got[0].SamplesNS, got[1].SamplesNS) || len(got[0].SamplesNS) != job.Protocol.Samples {
		t.Errorf("samples %v and %v", got[0].SamplesNS, got[1].SamplesNS)
	}
	if len(got[2].SamplesNS) != 2 || got[3].Status != measure.BuildError {
		t.Errorf("a hopeless job has %d samples, an unknown one status %v", len(got[2].SamplesNS), got[3].Status)
	}
}
