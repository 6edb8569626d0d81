package worker

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"qtune/measure"
	"qtune/measure/remote"
	"qtune/measure/sim"
	"qtune/schedules"
)

// A hub that restarts while a batch is measured gets its answer.
func TestHubRestartsInTheMiddle(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	u := newTuner(t, h, patience, schedules.AVX2) // the restart takes less
	began, release := make(chan bool, 1), make(chan bool)
	measure := func(ctx context.Context, jobs []measure.Job) ([]measure.Result, error) {
		began <- true
		<-release
		return fine(jobs), ctx.Err()
	}
	start(t, h.url(), Config{Runner: fakeRunner{measure: measure}}, nil)
	u.put(u.batch("b", schedules.AVX2, 2))
	<-began
	h.stop()
	close(release) // it is answered when the hub is back
	time.Sleep(50 * time.Millisecond)
	h.start()
	if a := u.answer(); a.Batch != "b" || a.Attempt != 1 {
		t.Errorf("answer to %s, attempt %d", a.Batch, a.Attempt)
	}
	u.finished()
	u.put(u.batch("next", schedules.AVX2, 2))
	if a := u.answer(); a.Batch != "next" {
		t.Errorf("answer to %s", a.Batch)
	}
}

// An answer that the stream does not take is published again.
func TestAnswersAreRetried(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	u := newTuner(t, h, testLease, schedules.AVX2)
	s, err := u.js.Stream(t.Context(), remote.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	full := s.CachedInfo().Config
	full.MaxMsgs = 1
	if _, err := u.js.UpdateStream(t.Context(), full); err != nil {
		t.Fatal(err)
	}
	u.putRaw(remote.ResultSubject(u.name, "another"), []byte("in the way"))
	var measured atomic.Int32
	measure := func(_ context.Context, jobs []measure.Job) ([]measure.Result, error) {
		measured.Add(1)
		return fine(jobs), nil
	}
	start(t, h.url(), Config{Runner: fakeRunner{measure: measure}}, nil)
	u.put(u.batch("b", schedules.AVX2, 2))
	eventually(t, "it is measured", func() bool { return measured.Load() == 1 })
	time.Sleep(50 * time.Millisecond)
	if n := u.waiting(); n != 1 {
		t.Fatalf("%d batches in the queue, want the one that is not answered", n)
	}
	if err := s.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := u.answer(); a.Batch != "b" || a.Attempt != 1 {
		t.Errorf("answer to %s, attempt %d", a.Batch, a.Attempt)
	}
	u.finished()
	if n := measured.Load(); n != 1 {
		t.Errorf("measured %d times", n)
	}
}

// A batch that another has answered in the meantime is answered once.
func TestSecondAnswerDoesNotCount(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	u := newTuner(t, h, testLease, schedules.AVX2)
	b := u.batch("b", schedules.AVX2, 2)
	a := &remote.Answer{Batch: b.ID, Attempt: 1, Worker: remote.Identity{Name: "another", Generator: b.Kind.Generator, Machine: testMachine}, Results: fine(b.Jobs)}
	data, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.js.Publish(t.Context(), remote.ResultSubject(u.name, "another"), data, jetstream.WithMsgID(b.ID)); err != nil {
		t.Fatal(err)
	}
	w := start(t, h.url(), Config{Runner: sim.New(sim.Config{})}, nil)
	u.put(b)
	u.finished()
	if got := u.answer(); got.Worker.Name != "another" {
		t.Errorf("answer by %s", got.Worker.Name)
	}
	w.end()
	if got := u.answerWithin(10 * time.Millisecond); got != nil {
		t.Errorf("a second answer, by %s", got.Worker.Name)
	}
}

func TestWorkerWaitsForTheHub(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	h.stop()
	start(t, h.url(), Config{Runner: sim.New(sim.Config{})}, nil)
	time.Sleep(50 * time.Millisecond)
	h.start()
	u := newTuner(t, h, testLease, schedules.AVX2)
	u.put(u.batch("b", schedules.AVX2, 2))
	if a := u.answer(); a.Batch != "b" {
		t.Errorf("answer to %s", a.Batch)
	}
}

func TestWorkerEndsWhileItWaitsForTheHub(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	h.stop()
	w := start(t, h.url(), Config{Runner: sim.New(sim.Config{})}, nil)
	time.Sleep(20 * time.Millisecond)
	w.end()
	h.start() // for the end of the test
}

// Where waiting does not help the worker ends, at the start and later.
func TestRefusedWorkerEnds(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	h.stop()
	h.opts.Username, h.opts.Password = "somebody", "else"
	h.start()
	w := start(t, h.url(), Config{Runner: sim.New(sim.Config{})}, nil)
	var refusal *remote.Refusal
	err := <-w.done
	w.done <- nil
	if !errors.As(err, &refusal) {
		t.Errorf("the worker ended with: %v, want a refusal", err)
	}
}

func TestWorkerThatIsShutOutEnds(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	w := start(t, h.url(), Config{Runner: sim.New(sim.Config{})}, nil)
	eventually(t, "it is connected", func() bool { return w.connected() })
	h.stop()
	h.opts.Username, h.opts.Password = "somebody", "else"
	h.start()
	var refusal *remote.Refusal
	err := <-w.done
	w.done <- nil
	if !errors.As(err, &refusal) {
		t.Errorf("the worker ended with: %v, want a refusal", err)
	}
}

func TestWrongURLEndsAtOnce(t *testing.T) {
	w := start(t, "http://127.0.0.1:1", Config{Runner: sim.New(sim.Config{})}, nil)
	err := <-w.done
	w.done <- nil
	if err == nil || errors.Is(err, nats.ErrNoServers) {
		t.Errorf("the worker ended with: %v", err)
	}
}
