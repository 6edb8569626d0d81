package local

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"qtune/internal/cores"
	"qtune/kernels/exec"
	"qtune/measure"
	"qtune/schedules"
)

var testWorkload = schedules.Workload{
	Op: schedules.Dense, N: 1, H: 1, W: 1, C: 16, O: 8, Window: calibrationWorkload.Window,
}

// newTestRunner makes a Runner whose children are this binary.
func newTestRunner(t *testing.T, rigs string, cfg Config) *Runner {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Argv = []string{exe}
	cfg.Env = append(cfg.Env, childEnv+"="+rigs)
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func testJob(seed uint64) measure.Job {
	p := measure.DefaultProtocol()
	p.MinSample = 20 * time.Microsecond
	return measure.Job{ID: 100 + seed, Workload: testWorkload, ISA: schedules.AVX2, Protocol: p, Seed: seed}
}

// testSetups are the three ways to divide the work. Every machine has core 0;
// where it has no other, both names are the same core, and pinning still works.
func testSetups(t *testing.T) map[string]Config {
	list, err := cores.Allowed()
	if err != nil {
		t.Fatal(err)
	}
	last := list[len(list)-1]
	return map[string]Config{
		"one core":         {Cores: list[:1]},
		"check and time":   {Cores: []int{list[0], last}},
		"parallel":         {Cores: []int{list[0], last}, Parallel: 2},
		"cannot be pinned": {Cores: []int{1 << 9}},
	}
}

// TestStatuses gives each kind of bad candidate its status, while the good ones
// of the same batch are measured.
func TestStatuses(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for deadlines")
	}
	cases := []struct {
		seed    uint64
		status  measure.Status
		message string
	}{
		{goodSeed, measure.OK, ""},
		{crashSeed, measure.Crash, "SIGSEGV"},
		{hangSeed, measure.Timeout, "no answer within"},
		{goodSeed, measure.OK, ""},
		{wrongSeed, measure.WrongAnswer, "1 of 8 bytes differ, the first at n=0 y=0 x=0 c=4"},
		{unbuildableSeed, measure.BuildError, "no such schedule"},
		{panicSeed, measure.BuildError, "BUG: in the generator"},
		{killedSeed, measure.WorkerLost, "SIGKILL"},
		{nonsenseSeed, measure.Crash, "nonsense"},
		{garbageSeed, measure.Crash, "unreadable"},
		{orphanSeed, measure.Crash, "in the rounds"},
		{lateWrongSeed, measure.WrongAnswer, "after it was timed"},
		{goodSeed, measure.OK, ""},
	}
	for name, cfg := range testSetups(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg.Grace = 2 * time.Second
			r := newTestRunner(t, "twin", cfg)
			var jobs []measure.Job
			for _, c := range cases {
				jobs = append(jobs, testJob(c.seed))
			}
			results, err := r.Measure(t.Context(), jobs)
			if err != nil {
				t.Fatal(err)
			}
			for i, c := range cases {
				got := results[i]
				if got.ID != jobs[i].ID || got.Status != c.status || !strings.Contains(got.Message, c.message) {
					t.Errorf("job %d: %d %v %q, want %d %v %q", i, got.ID, got.Status, got.Message, jobs[i].ID, c.status, c.message)
				}
				if ok := got.Status == measure.OK; ok != (len(got.SamplesNS) == jobs[i].Protocol.Samples) || ok != (got.Summary.Center > 0) {
					t.Errorf("job %d: %v with %d samples, center %v", i, got.Status, len(got.SamplesNS), got.Summary.Center)
				}
				if got.Status == measure.OK && (got.CodeHash != "c0de" || got.Calibration <= 0 || got.Noise <= 0) {
					t.Errorf("job %d: code hash %q, calibration %v, noise %v", i, got.CodeHash, got.Calibration, got.Noise)
				}
			}
		})
	}
}

// TestMachineCode gives faults of generated code their status: the Go runtime
// meets them at a place that it knows nothing of.
func TestMachineCode(t *testing.T) {
	if len(exec.Supported()) == 0 {
		t.Skip("this machine runs no generated code")
	}
	r := newTestRunner(t, "twin", Config{Grace: 2 * time.Second})
	jobs := []measure.Job{testJob(goodSeed), testJob(illegalSeed), testJob(wildSeed), testJob(nilSeed), testJob(spinSeed), testJob(goodSeed)}
	results, err := r.Measure(t.Context(), jobs)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		status  measure.Status
		message string
	}{
		{measure.OK, ""}, {measure.Crash, "SIGILL"}, {measure.Crash, "SIGSEGV"}, {measure.Crash, "SIGSEGV"},
		{measure.Timeout, "no answer"}, {measure.OK, ""},
	} {
		if got := results[i]; got.Status != want.status || !strings.Contains(got.Message, want.message) {
			t.Errorf("job %d: %v %q, want %v %q", i, got.Status, got.Message, want.status, want.message)
		}
	}
}

// TestConcurrent overlaps batches, as the tuner does.
func TestConcurrent(t *testing.T) {
	for name, cfg := range testSetups(t) {
		t.Run(name, func(t *testing.T) {
			r := newTestRunner(t, "twin", cfg)
			errs := make(chan error)
			for range 2 * r.Slots() {
				go func() {
					results, err := r.Measure(t.Context(), []measure.Job{testJob(1), testJob(2), testJob(3)})
					for _, res := range results {
						if res.Status != measure.OK {
							err = errors.New(res.Message)
						}
					}
					errs <- err
				}()
			}
			for range 2 * r.Slots() {
				if err := <-errs; err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestCancel ends a batch that would hang.
func TestCancel(t *testing.T) {
	r := newTestRunner(t, "twin", Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := r.Measure(ctx, []measure.Job{testJob(hangSeed)}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
	results, err := r.Measure(t.Context(), []measure.Job{testJob(goodSeed)})
	if err != nil || results[0].Status != measure.OK {
		t.Errorf("after a cancelled batch: %v, %v", results, err)
	}
}

// TestGiveUp takes few samples of a hopeless candidate.
func TestGiveUp(t *testing.T) {
	r := newTestRunner(t, "twin", Config{})
	j := testJob(goodSeed)
	j.Protocol.Samples, j.GiveUp = 9, 1
	results, err := r.Measure(t.Context(), []measure.Job{j})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(results[0].SamplesNS); n != hopelessSamples {
		t.Errorf("%d samples, want %d: %+v", n, hopelessSamples, results[0])
	}
}

func TestRefused(t *testing.T) {
	r := newTestRunner(t, "twin", Config{Cores: []int{0}})
	threads, core, samples := testJob(1), testJob(1), testJob(1)
	threads.Protocol.Threads = 2
	core.Protocol.Core = 5
	samples.Protocol.Samples = 0
	for _, j := range []measure.Job{threads, core, samples} {
		if _, err := r.Measure(t.Context(), []measure.Job{j}); err == nil {
			t.Errorf("%v was accepted", j.Protocol)
		}
	}
	for _, cfg := range []Config{{}, {Argv: []string{"x"}, Parallel: -1}, {Argv: []string{"x"}, Cores: []int{0}, Parallel: 2}, {Argv: []string{"x"}, Cores: []int{}}} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
}

// TestNoChild reports why measuring cannot begin.
func TestNoChild(t *testing.T) {
	for _, c := range []struct {
		argv []string
		want string
	}{
		{[]string{"/does/not/exist"}, "no such file"},
		{[]string{"/bin/sh", "-c", "echo broken >&2; exit 3"}, "broken"},
		{[]string{"/bin/sh", "-c", "echo this is not a frame"}, "unreadable"},
	} {
		r, err := New(Config{Argv: c.argv})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Measure(t.Context(), []measure.Job{testJob(1)}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want one with %q", c.argv, err, c.want)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}
