package worker

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"qtune/measure"
	"qtune/measure/remote"
	"qtune/measure/sim"
	"qtune/schedules"
)

func TestWorkerThatIsPutAsideTakesNothing(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	u := newTuner(t, h, testLease, schedules.AVX2)
	if _, err := u.kv.PutString(t.Context(), remote.AsideKey("worker-1"), "fails\nfar too often"); err != nil {
		t.Fatal(err)
	}
	start(t, h.url(), Config{Runner: sim.New(sim.Config{})}, nil)
	if s := u.state("worker-1", remote.Aside); s.Why != "fails far too often" {
		t.Errorf("it says that it is aside because %q", s.Why)
	}
	u.put(u.batch("b", schedules.AVX2, 2))
	if a := u.answerWithin(100 * time.Millisecond); a != nil {
		t.Errorf("batch %s is answered by a worker that is put aside", a.Batch)
	}
	if err := u.kv.Delete(t.Context(), remote.AsideKey("worker-1")); err != nil {
		t.Fatal(err)
	}
	if a := u.answer(); a.Batch != "b" || a.Attempt != 1 {
		t.Errorf("answer to %s, attempt %d", a.Batch, a.Attempt)
	}
	u.state("worker-1", remote.Idle)
}

// wrongRunner gives wrong answers while it is broken.
type wrongRunner struct{ broken *atomic.Bool }

func (wrongRunner) Slots() int { return 1 }

func (r wrongRunner) Measure(_ context.Context, jobs []measure.Job) ([]measure.Result, error) {
	if r.broken.Load() {
		return []measure.Result{measure.Failed(jobs[0], measure.WrongAnswer, "byte 7 is 3, not 4")}, nil
	}
	return fine(jobs), nil
}

func TestSelfCheckFails(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	u := newTuner(t, h, testLease, schedules.AVX2)
	var broken atomic.Bool
	broken.Store(true)
	start(t, h.url(), Config{Runner: wrongRunner{&broken}}, nil)
	u.put(u.batch("b", schedules.AVX2, 2))
	s := u.state("worker-1", remote.Aside)
	if !strings.Contains(s.Why, "self-check: conv2d") || !strings.Contains(s.Why, "wrong-answer: byte 7") {
		t.Errorf("it says that it is aside because %q", s.Why)
	}
	if why := u.entry("worker-1"); why != s.Why {
		t.Fatalf("its entry is %q", why)
	}
	// Let in again, it is checked again.
	if err := u.kv.Delete(t.Context(), remote.AsideKey("worker-1")); err != nil {
		t.Fatal(err)
	}
	u.entry("worker-1")
	if n := u.waiting(); n != 1 {
		t.Errorf("%d batches wait, want the one that was not to be taken", n)
	}
	broken.Store(false)
	if err := u.kv.Delete(t.Context(), remote.AsideKey("worker-1")); err != nil {
		t.Fatal(err)
	}
	if a := u.answer(); a.Batch != "b" {
		t.Errorf("answer to %s", a.Batch)
	}
}

// A worker that cannot say that it is aside takes no work either.
func TestWorkerPutsItselfAsideWithoutABucket(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	u := newTuner(t, h, testLease, schedules.AVX2)
	if err := u.js.DeleteKeyValue(t.Context(), remote.WorkersBucket); err != nil {
		t.Fatal(err)
	}
	var broken atomic.Bool
	broken.Store(true)
	w := start(t, h.url(), Config{Runner: wrongRunner{&broken}}, nil)
	eventually(t, "it is aside", func() bool { return w.board.status().State == remote.Aside })
	time.Sleep(100 * time.Millisecond)
	if s := w.board.status(); s.State != remote.Aside {
		t.Errorf("it is %s", s.State)
	}
	var err error
	if u.kv, err = remote.OpenWorkers(t.Context(), u.js); err != nil {
		t.Fatal(err)
	}
	u.state("worker-1", remote.Aside)
	u.entry("worker-1")
}

func TestBatchesThatCannotBeMeasuredAreGivenBack(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	u := newTuner(t, h, testLease, schedules.AVX2)
	var calls atomic.Int32
	measure := func(_ context.Context, jobs []measure.Job) ([]measure.Result, error) {
		if calls.Add(1) == 1 {
			return nil, errors.New("no process can be started")
		}
		return fine(jobs), nil
	}
	w := start(t, h.url(), Config{Runner: fakeRunner{measure: measure}}, func(w *Worker) { w.pace.retry = 200 * time.Millisecond })
	u.put(u.batch("b", schedules.AVX2, 2))
	if s := u.state("worker-1", remote.Waiting); s.Why != "measuring: no process can be started" {
		t.Errorf("it says that it waits because %q", s.Why)
	}
	if a := u.answer(); a.Attempt != 2 {
		t.Errorf("attempt %d, want the second", a.Attempt)
	}
	w.end()
	if s := u.state("worker-1", remote.Gone); s.Lost != 0 || s.Trials != 2 {
		t.Errorf("status %+v", s)
	}
}

func TestWorkerThatNeverCanMeasurePutsItselfAside(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	u := newTuner(t, h, testLease, schedules.AVX2)
	measure := func(context.Context, []measure.Job) ([]measure.Result, error) {
		return nil, errors.New("no process can be started")
	}
	start(t, h.url(), Config{Runner: fakeRunner{measure: measure}}, nil)
	for _, id := range []string{"a", "b", "c"} {
		u.put(u.batch(id, schedules.AVX2, 2))
	}
	if s := u.state("worker-1", remote.Aside); s.Why != "measuring: no process can be started" {
		t.Errorf("it says that it is aside because %q", s.Why)
	}
}

func TestWorkerThatDriftsPutsItselfAside(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	u := newTuner(t, h, testLease, schedules.AVX2)
	var batches atomic.Int32
	measure := func(_ context.Context, jobs []measure.Job) ([]measure.Result, error) {
		results := fine(jobs)
		if batches.Add(1) > 2 {
			for i := range results {
				results[i].Calibration = 1300
			}
		}
		return results, nil
	}
	start(t, h.url(), Config{Runner: fakeRunner{measure: measure}}, nil)
	for i := range 3 * maxDrifted {
		u.put(u.batch("b-"+string(rune('a'+i)), schedules.AVX2, 1))
	}
	s := u.state("worker-1", remote.Aside)
	if !strings.Contains(s.Why, "calibration kernel takes 1.30 us") || s.First != 1000 || s.Calibration != 1300 {
		t.Errorf("status %+v", s)
	}
	if got := batches.Load(); got != 2+maxDrifted {
		t.Errorf("%d batches were measured, want %d", got, 2+maxDrifted)
	}
}

func TestDriftIsOfOneCoreAndInARow(t *testing.T) {
	f := newFitness(defaultPace)
	batch := func(core int, calibration measure.Nanos) {
		f.measured([]measure.Result{{Status: measure.Crash}, {Core: core, Calibration: calibration}})
	}
	batch(0, 1000)
	batch(1, 2000) // a slower core
	for range 10 * maxDrifted {
		batch(1, 2400)
	}
	for range maxDrifted - 1 {
		batch(0, 1300)
	}
	batch(0, 1200)
	for range maxDrifted - 1 {
		batch(0, 1300)
	}
	if why := f.verdict(); why != "" {
		t.Errorf("verdict %q", why)
	}
	batch(0, 1300)
	if why := f.verdict(); why == "" {
		t.Error("no verdict on a core that has drifted")
	}
}

// A fakeIdleness says what it is told.
type fakeIdleness struct{ busy atomic.Pointer[string] }

func (f *fakeIdleness) Busy(context.Context) (string, error) { return *f.busy.Load(), nil }

func TestWorkerWaitsForIdleCores(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	u := newTuner(t, h, testLease, schedules.AVX2)
	var idleness fakeIdleness
	busy, quiet := "core 3 is in use, 80 % of the time", ""
	idleness.busy.Store(&busy)
	start(t, h.url(), Config{Runner: sim.New(sim.Config{}), Idleness: &idleness}, nil)
	u.put(u.batch("b", schedules.AVX2, 2))
	if s := u.state("worker-1", remote.Waiting); s.Why != busy {
		t.Errorf("it says that it waits because %q", s.Why)
	}
	if n := u.waiting(); n != 1 {
		t.Errorf("%d batches wait, want 1", n)
	}
	idleness.busy.Store(&quiet)
	if a := u.answer(); a.Batch != "b" || a.Attempt != 1 {
		t.Errorf("answer to %s, attempt %d", a.Batch, a.Attempt)
	}
	u.state("worker-1", remote.Idle)
}

func TestWorkerFinishesWhatItHas(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	u := newTuner(t, h, testLease, schedules.AVX2)
	began, release := make(chan bool), make(chan bool)
	measure := func(ctx context.Context, jobs []measure.Job) ([]measure.Result, error) {
		began <- true
		<-release
		return fine(jobs), ctx.Err()
	}
	w := start(t, h.url(), Config{Runner: fakeRunner{measure: measure}}, nil)
	u.put(u.batch("a", schedules.AVX2, 1))
	u.put(u.batch("b", schedules.AVX2, 1))
	<-began
	w.stop()
	u.state("worker-1", remote.Draining)
	close(release)
	if a := u.answer(); a.Batch != "a" {
		t.Errorf("answer to %s", a.Batch)
	}
	w.end()
	u.state("worker-1", remote.Gone)
	if n := u.waiting(); n != 1 {
		t.Errorf("%d batches in the queue, want the one that was not taken", n)
	}
}

// What takes too long to finish is given back at once.
func TestWorkerGivesBackWhatItCannotFinish(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	u := newTuner(t, h, time.Hour, schedules.AVX2)
	began := make(chan bool)
	measure := func(ctx context.Context, _ []measure.Job) ([]measure.Result, error) {
		began <- true
		<-ctx.Done()
		return nil, ctx.Err()
	}
	w := start(t, h.url(), Config{Runner: fakeRunner{measure: measure}, DrainTime: 50 * time.Millisecond}, nil)
	u.put(u.batch("a", schedules.AVX2, 1))
	<-began
	w.end()
	start(t, h.url(), Config{Runner: sim.New(sim.Config{}), Identity: remote.Identity{Name: "worker-2"}}, nil)
	if a := u.answer(); a.Batch != "a" || a.Attempt != 2 || a.Worker.Name != "worker-2" {
		t.Errorf("answer to %s by %s, attempt %d", a.Batch, a.Worker.Name, a.Attempt)
	}
}
