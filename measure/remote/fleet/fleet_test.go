package fleet

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"qtune/measure"
	"qtune/measure/remote"
	"qtune/measure/sim"
)

// wantResults compares with what the simulated machine says of the jobs.
func wantResults(t *testing.T, jobs []measure.Job, got []measure.Result) {
	t.Helper()
	want, err := sim.New(sim.Config{Seed: 3, Noise: 0.02}).Measure(context.Background(), jobs)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d results for %d jobs", len(got), len(want))
	}
	for i := range want {
		if diff := cmp.Diff(want[i].SamplesNS, got[i].SamplesNS); diff != "" || got[i].ID != want[i].ID || got[i].Status != want[i].Status {
			t.Errorf("job %d: status %v (%s), samples differ from the machine's: %s", want[i].ID, got[i].Status, got[i].Message, diff)
		}
	}
}

func mustMeasure(t *testing.T, r *Runner, jobs []measure.Job) []measure.Result {
	t.Helper()
	got, err := r.Measure(t.Context(), jobs)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	s := startHub(t, t.TempDir(), -1)
	start(t, newFake(t, s.ClientURL(), "b1"), newFake(t, s.ClientURL(), "b2"))
	nc := dial(t, s.ClientURL())
	r := testRunner(t, nc)
	// Jobs of two workloads in one call, and several calls at a time.
	a, b := testJobs(t, 16, 5), testJobs(t, 32, 4)
	mixed := []measure.Job{a[0], b[0], a[1], a[2], b[1], b[2], a[3], b[3], a[4]}
	for i := range mixed {
		mixed[i].ID = uint64(100 + i)
	}
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() { wantResults(t, mixed, mustMeasure(t, r, mixed)) })
	}
	wg.Wait()
	r.Close()
	wantNothingLeft(t, nc)
}

// wantNothingLeft wants no stream of a tuner in the hub.
func wantNothingLeft(t *testing.T, nc *nats.Conn) {
	t.Helper()
	js, err := jetstream.New(dial(t, nc.ConnectedUrl()))
	if err != nil {
		t.Fatal(err)
	}
	for name := range js.StreamNames(t.Context()).Name() {
		if name != "KV_"+remote.WorkersBucket {
			t.Errorf("stream %s is left", name)
		}
	}
}

// A worker that vanishes with a batch is followed by another.
func TestLostWorker(t *testing.T) {
	t.Parallel()
	s := startHub(t, t.TempDir(), -1)
	b1, b2 := newFake(t, s.ClientURL(), "b1"), newFake(t, s.ClientURL(), "b2")
	b1.take, b1.dies = func(*remote.Batch, int) bool { return false }, true
	var attempts atomic.Int64
	b2.take = func(_ *remote.Batch, attempt int) bool {
		attempts.Store(int64(attempt))
		return true
	}
	start(t, b1)
	r := testRunner(t, dial(t, s.ClientURL()))
	defer r.Close()
	jobs := testJobs(t, 16, 3)
	done := make(chan []measure.Result)
	go func() { done <- mustMeasure(t, r, jobs) }()
	for b1.taken.Load() == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	start(t, b2)
	wantResults(t, jobs, <-done)
	if n := attempts.Load(); n != 2 {
		t.Errorf("b2's was attempt %d", n)
	}
}

// A schedule that takes workers with it is found, and only that one fails.
func TestPoison(t *testing.T) {
	t.Parallel()
	s := startHub(t, t.TempDir(), -1)
	jobs := testJobs(t, 16, 4)
	poison := jobs[3].Schedule
	dies := func(b *remote.Batch, _ int) bool {
		return !slices.ContainsFunc(b.Jobs, func(j measure.Job) bool { return j.Schedule == poison })
	}
	b1, b2 := newFake(t, s.ClientURL(), "b1"), newFake(t, s.ClientURL(), "b2")
	b1.take, b2.take = dies, dies
	start(t, b1, b2)
	const lease = time.Second // it is waited for five times
	r, err := New(t.Context(), Config{Conn: dial(t, s.ClientURL()), Kind: testKind(), Lease: lease})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got := mustMeasure(t, r, jobs)
	if got[3].Status != measure.Crash || !strings.Contains(got[3].Message, "lost") {
		t.Errorf("the poisonous schedule: %v %s", got[3].Status, got[3].Message)
	}
	wantResults(t, slices.Delete(slices.Clone(jobs), 3, 4), slices.Delete(slices.Clone(got), 3, 4))
}

// A batch that workers give back, as those do that end, is nobody's fault: it is
// measured, however often the server hands it out.
func TestGivenBack(t *testing.T) {
	t.Parallel()
	s := startHub(t, t.TempDir(), -1)
	f := newFake(t, s.ClientURL(), "b1")
	f.back = remote.MaxAttempts + 1
	start(t, f)
	r := testRunner(t, dial(t, s.ClientURL()))
	defer r.Close()
	jobs := testJobs(t, 16, 1)
	wantResults(t, jobs, mustMeasure(t, r, jobs))
}

// Answers that are for another batch, of another machine or by another name are not
// counted, and who sends them is put aside; another worker's are.
func TestBadAnswers(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*remote.Answer){
		"name":    func(a *remote.Answer) { a.Worker.Name = "b2" },
		"machine": func(a *remote.Answer) { a.Worker.Machine.L2 = 5 },
		"count":   func(a *remote.Answer) { a.Results = a.Results[1:] },
		"jobs":    func(a *remote.Answer) { a.Results[0].ID++ },
		"version": func(a *remote.Answer) { a.Worker.Generator = "0" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startHub(t, t.TempDir(), -1)
			bad := newFake(t, s.ClientURL(), "b1")
			bad.change = change
			start(t, bad)
			r := testRunner(t, dial(t, s.ClientURL()))
			defer r.Close()
			done := make(chan []measure.Result)
			jobs := testJobs(t, 16, 3)
			go func() { done <- mustMeasure(t, r, jobs) }()
			for bad.taken.Load() < 3 {
				time.Sleep(10 * time.Millisecond)
			}
			start(t, newFake(t, s.ClientURL(), "b3"))
			wantResults(t, jobs, <-done)
		})
	}
}

// A wrong answer is measured again by another worker, whose word counts: who is
// wrong twice is put aside. A candidate that is wrong everywhere stays so.
func TestWrongAnswers(t *testing.T) {
	t.Parallel()
	s := startHub(t, t.TempDir(), -1)
	jobs := testJobs(t, 16, 4)
	wrong := func(which func(measure.Job) bool) *sim.Runner {
		return sim.New(sim.Config{Seed: 3, Noise: 0.02, Fail: func(j measure.Job) (measure.Status, string) {
			if which(j) {
				return measure.WrongAnswer, "1 of 8 bytes differ"
			}
			return measure.OK, ""
		}})
	}
	reallyWrong := func(j measure.Job) bool { return j.Schedule == jobs[2].Schedule }
	sick, sound := newFake(t, s.ClientURL(), "sick"), newFake(t, s.ClientURL(), "sound")
	sick.runner = wrong(func(j measure.Job) bool { return reallyWrong(j) || j.Schedule == jobs[1].Schedule })
	sound.runner = wrong(reallyWrong)
	sound.take = func(b *remote.Batch, _ int) bool {
		if b.Avoid == "" {
			time.Sleep(100 * time.Millisecond) // leave the first batches to the other
		}
		return true
	}
	start(t, sick, sound)
	r := testRunner(t, dial(t, s.ClientURL()))
	defer r.Close()
	for round := 0; ; round++ {
		got := mustMeasure(t, r, jobs)
		if got[2].Status != measure.WrongAnswer {
			t.Errorf("the wrong schedule: %v", got[2].Status)
		}
		wantResults(t, jobs[:2], got[:2])
		wantResults(t, jobs[3:], got[3:])
		if _, err := r.workers.Get(t.Context(), remote.AsideKey("sick")); err == nil {
			break
		}
		if round == 100 {
			t.Fatal("the sick worker is not put aside")
		}
	}
	if _, err := r.workers.Get(t.Context(), remote.AsideKey("sound")); err == nil {
		t.Error("the sound worker is put aside")
	}
}

// Times of equal machines are brought to those of one by the calibration kernel.
func TestNormalise(t *testing.T) {
	var j judge
	j.answered("a", 1000)
	j.answered("b", 1250)
	if f := j.factor("a"); f != 1 {
		t.Errorf("the first worker's factor is %g", f)
	}
	if f := j.factor("b"); f != 0.8 {
		t.Errorf("the factor of one whose clock is 1.25 times slower is %g", f)
	}
	if why := j.verdict("b"); why != "" {
		t.Errorf("of two workers one is put aside: %s", why)
	}
	j.answered("c", 1010)
	for range maxSlow {
		j.answered("b", 1300)
	}
	if why := j.verdict("b"); !strings.Contains(why, "calibration") {
		t.Errorf("a worker that is 1.3 times slower than two others: %q", why)
	}
	for _, w := range []string{"a", "c"} {
		if why := j.verdict(w); why != "" {
			t.Errorf("worker %s is put aside: %s", w, why)
		}
	}
	if why := j.verdict("b"); why != "" {
		t.Errorf("put aside twice: %s", why)
	}
}

// The hub is killed and comes back with its store, or without: what was under way
// is measured.
func TestHubRestart(t *testing.T) {
	t.Parallel()
	for name, keeps := range map[string]bool{"store kept": true, "store lost": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := startHub(t, dir, -1)
			port := s.Addr().(*net.TCPAddr).Port
			f := newFake(t, s.ClientURL(), "b1")
			r := testRunner(t, dial(t, s.ClientURL()))
			defer r.Close()
			jobs := testJobs(t, 16, 3)
			done := make(chan []measure.Result)
			go func() { done <- mustMeasure(t, r, jobs) }()
			for placed := false; !placed; time.Sleep(10 * time.Millisecond) {
				r.mu.Lock()
				for _, o := range r.mu.orders {
					placed = o.seq > 0
				}
				r.mu.Unlock()
			}
			s.Shutdown()
			s.WaitForShutdown()
			if !keeps {
				dir = t.TempDir()
			}
			startHub(t, dir, port)
			start(t, f)
			wantResults(t, jobs, <-done)
		})
	}
}

// What it waits for is said: no worker, a hub that is away.
func TestWaiting(t *testing.T) {
	t.Parallel()
	s := startHub(t, t.TempDir(), -1)
	var out lockedBuffer
	r, err := New(t.Context(), Config{Conn: dial(t, s.ClientURL()), Kind: testKind(), Lease: testLease, Wait: time.Millisecond, Log: slog.New(slog.NewTextHandler(&out, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := r.Measure(ctx, testJobs(t, 16, 2))
		done <- err
	}()
	for !strings.Contains(out.String(), "none is here") {
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != context.Canceled {
		t.Errorf("ended with %v", err)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
