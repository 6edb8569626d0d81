package worker

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"qtune/measure"
	"qtune/measure/remote"
	"qtune/schedules"
)

// shortLease is for tests that wait until one has run out.
const shortLease = 2 * time.Second

func TestBatchOfALostWorkerGoesToAnother(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	u := newTuner(t, h, shortLease, schedules.AVX2)
	u.put(u.batch("b", schedules.AVX2, 2))
	c, err := u.js.Consumer(t.Context(), remote.JobsStream(testKind(schedules.AVX2).Generator), testKind(schedules.AVX2).Consumer())
	if err != nil {
		t.Fatal(err)
	}
	// A worker takes it and is never heard of again.
	if _, err := c.Next(jetstream.FetchMaxWait(patience)); err != nil {
		t.Fatal(err)
	}
	start(t, h.url(), Config{Runner: fakeRunner{measure: measured}}, nil)
	if a := u.answer(); a.Batch != "b" || a.Attempt < 2 {
		t.Errorf("answer to %s, attempt %d; want a later attempt at b", a.Batch, a.Attempt)
	}
}

func measured(_ context.Context, jobs []measure.Job) ([]measure.Result, error) {
	return fine(jobs), nil
}

// A fakeClock goes like the real one, and jumps.
type fakeClock struct{ jumped atomic.Int64 }

func (c *fakeClock) now() time.Duration { return clock() + time.Duration(c.jumped.Load()) }

func (c *fakeClock) jump(d time.Duration) { c.jumped.Add(int64(d)) }

// A process that was stopped for longer than its lease finds out when it has
// measured, before it publishes.
func TestFrozenWorkerDoesNotPublish(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	u := newTuner(t, h, shortLease, schedules.AVX2)
	var frozen fakeClock
	var batches atomic.Int32
	measure := func(ctx context.Context, jobs []measure.Job) ([]measure.Result, error) {
		if batches.Add(1) == 1 {
			frozen.jump(time.Hour)
		}
		return fine(jobs), nil
	}
	w := start(t, h.url(), Config{Runner: fakeRunner{measure: measure}}, func(w *Worker) { w.clock = frozen.now })
	u.put(u.batch("b", schedules.AVX2, 2))
	if a := u.answer(); a.Attempt < 2 {
		t.Errorf("attempt %d has answered, want a later one: the first was lost", a.Attempt)
	}
	u.finished()
	w.end()
	if s := u.state("worker-1", remote.Gone); s.Lost < 1 {
		t.Errorf("%d batches lost, want the first", s.Lost)
	}
}

// The same where the process is stopped while it measures: that ends at once.
func TestFrozenWorkerStopsMeasuring(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	u := newTuner(t, h, shortLease, schedules.AVX2)
	var frozen fakeClock
	var batches atomic.Int32
	measure := func(ctx context.Context, jobs []measure.Job) ([]measure.Result, error) {
		if batches.Add(1) > 1 {
			return fine(jobs), nil
		}
		frozen.jump(time.Hour)
		<-ctx.Done()
		return fine(jobs), nil // too late
	}
	start(t, h.url(), Config{Runner: fakeRunner{measure: measure}}, func(w *Worker) { w.clock = frozen.now })
	u.put(u.batch("b", schedules.AVX2, 2))
	if a := u.answer(); a.Attempt < 2 {
		t.Errorf("attempt %d has answered, want a later one", a.Attempt)
	}
}

// A worker whose connection breaks gives up within its lease, keeps silent about
// what it lost, and works again when the connection is back.
func TestCutOffWorkerGivesUp(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	u := newTuner(t, h, shortLease, schedules.AVX2)
	p := newProxy(t, h.url()[len("nats://"):])
	var batches atomic.Int32
	began, gaveUp := make(chan bool), make(chan time.Duration)
	measure := func(ctx context.Context, jobs []measure.Job) ([]measure.Result, error) {
		if batches.Add(1) > 1 {
			return fine(jobs), nil
		}
		began <- true
		start := time.Now()
		<-ctx.Done()
		gaveUp <- time.Since(start)
		return fine(jobs), nil
	}
	start(t, "nats://"+p.addr(), Config{Runner: fakeRunner{measure: measure}}, nil)
	u.put(u.batch("b", schedules.AVX2, 2))
	<-began
	p.cut()
	<-gaveUp
	if a := u.answerWithin(100 * time.Millisecond); a != nil {
		t.Errorf("attempt %d was answered by a worker that is cut off", a.Attempt)
	}
	p.mend()
	if a := u.answer(); a.Attempt < 2 {
		t.Errorf("attempt %d has answered, want a later one", a.Attempt)
	}
	u.finished()
	if n := u.published(); n != 1 {
		t.Errorf("%d answers were published, want one", n)
	}
}

// A batch outlasts its lease many times while beats get through.
func TestBeatsExtendALease(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	const lease = 2 * shortLease // it must not be lost
	u := newTuner(t, h, lease, schedules.AVX2)
	beats, err := u.nc.SubscribeSync(remote.BeatSubject(u.name, "worker-1"))
	if err != nil {
		t.Fatal(err)
	}
	release := make(chan bool)
	measure := func(ctx context.Context, jobs []measure.Job) ([]measure.Result, error) {
		select {
		case <-release:
		case <-ctx.Done():
			t.Errorf("the lease was lost: %v", context.Cause(ctx))
		}
		return fine(jobs), nil
	}
	start(t, h.url(), Config{Runner: fakeRunner{measure: measure}}, nil)
	u.put(u.batch("b", schedules.AVX2, 2))
	for range 7 { // beats of a fifth of the lease
		msg, err := beats.NextMsg(patience)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := remote.DecodeBeat(msg.Data); err != nil || b.Batch != "b" || b.Attempt != 1 {
			t.Fatalf("beat %+v, %v", b, err)
		}
	}
	close(release)
	if a := u.answer(); a.Attempt != 1 {
		t.Errorf("attempt %d, want 1", a.Attempt)
	}
}

func TestALostLeaseStaysLost(t *testing.T) {
	var now time.Duration
	l := newLease(func() time.Duration { return now }, 10*time.Second, 0)
	now = 5 * time.Second
	if l.left() != time.Second {
		t.Errorf("%v left, want 1s of the 6 without a beat", l.left())
	}
	l.confirm(2 * time.Second)
	if l.left() != 3*time.Second {
		t.Errorf("%v left after a beat", l.left())
	}
	l.confirm(time.Second) // of a beat that took longer
	if l.left() != 3*time.Second {
		t.Errorf("%v left after an older beat", l.left())
	}
	now = 8 * time.Second
	if l.held() {
		t.Error("held for longer than GiveUp")
	}
	l.confirm(8 * time.Second)
	if l.held() {
		t.Error("held again after it was lost")
	}
}

// What was asked for long ago may be somebody else's, before any beat.
func TestALeaseCountsFromTheRequest(t *testing.T) {
	beats := 0
	l := newLease(func() time.Duration { return time.Hour }, time.Second, time.Hour-time.Second)
	gone := false
	l.keep(t.Context(), func(context.Context) error { beats++; return nil }, func() { gone = true })
	if !gone || beats != 0 {
		t.Errorf("given up: %v, after %d beats; want at once", gone, beats)
	}
}

// A proxy stands between a worker and its hub.
type proxy struct {
	to string
	l  net.Listener
	mu struct {
		sync.Mutex
		cut   bool
		conns []net.Conn
	}
}

func newProxy(t *testing.T, to string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{to: to, l: l}
	t.Cleanup(func() { l.Close(); p.cut() })
	go p.accept()
	return p
}

func (p *proxy) addr() string { return p.l.Addr().String() }

func (p *proxy) accept() {
	for {
		in, err := p.l.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", p.to)
		if err != nil {
			in.Close()
			continue
		}
		p.mu.Lock()
		p.mu.conns = append(p.mu.conns, in, out)
		if p.mu.cut {
			in.Close()
			out.Close()
		}
		p.mu.Unlock()
		for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
			go func() {
				io.Copy(pair[0], pair[1]) // until either is closed
				pair[0].Close()
			}()
		}
	}
}

// cut closes all connections, and all that come.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.cut = true
	for _, c := range p.mu.conns {
		c.Close()
	}
	p.mu.conns = nil
}

func (p *proxy) mend() {
	p.mu.Lock()
	p.mu.cut = false
	p.mu.Unlock()
}
