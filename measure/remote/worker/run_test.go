package worker

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"qtune/kernels"
	"qtune/measure"
	"qtune/schedules"
)

// A running worker.
type running struct {
	*Worker
	t    testing.TB
	stop context.CancelFunc
	done chan error
}

// start runs a worker until the test ends, with short pauses; change, which may be
// nil, may change it before.
func start(t testing.TB, url string, cfg Config, change func(*Worker)) *running {
	t.Helper()
	cfg.Hub.URL = url
	if cfg.Identity.Name == "" {
		cfg.Identity.Name = "worker-1"
	}
	if cfg.Identity.Generator == "" {
		cfg.Identity.Generator = kernels.Generator
	}
	cfg.Identity.Machine = testMachine
	if cfg.ISAs == nil {
		cfg.ISAs = []schedules.ISA{schedules.AVX2}
	}
	w, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.pace = pace{
		look: 20 * time.Millisecond, pull: 50 * time.Millisecond, report: 50 * time.Millisecond, idle: 20 * time.Millisecond, busy: 10 * time.Millisecond,
		retry: 5 * time.Millisecond, tired: 50 * time.Millisecond, try: time.Second, publish: time.Minute, waiting: time.Minute,
	}
	if change != nil {
		change(w)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &running{Worker: w, t: t, stop: stop, done: make(chan error, 1)}
	go func() { r.done <- w.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		select {
		case <-r.done:
		case <-time.After(patience):
			t.Error("the worker does not end")
		}
	})
	return r
}

// end ends the worker, which must go well.
func (r *running) end() {
	r.t.Helper()
	r.stop()
	err := <-r.done
	r.done <- nil
	if err != nil {
		r.t.Errorf("the worker ended with: %v", err)
	}
}

// A fakeRunner measures what no machine shows on demand.
type fakeRunner struct {
	slots   int
	measure func(context.Context, []measure.Job) ([]measure.Result, error)
}

func (f fakeRunner) Slots() int { return max(f.slots, 1) }

// Measure lets the self-check pass.
func (f fakeRunner) Measure(ctx context.Context, jobs []measure.Job) ([]measure.Result, error) {
	if len(jobs) == 1 && jobs[0].ID == checkID {
		return fine(jobs), nil
	}
	return f.measure(ctx, jobs)
}

// checkID is of the jobs of a self-check.
const checkID = 0

// fine are results as they should be.
func fine(jobs []measure.Job) []measure.Result {
	results := make([]measure.Result, len(jobs))
	for i, j := range jobs {
		results[i] = measure.Result{ID: j.ID, SamplesNS: []float64{100, 101, 102}, Calibration: 1000}
	}
	return results
}

// hostTemp makes the folder of core locks the test's own.
func hostTemp(t *testing.T) string {
	dir := filepath.Join(t.TempDir(), "tmp")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
	return dir
}
