package worker

import (
	"context"
	"time"
)

// A taker takes batches while this worker may, and has each served. Its methods are
// called by one goroutine.
type taker struct {
	s       *session
	queues  *queues
	aside   *aside
	fit     *fitness
	slots   chan struct{} // has one for every batch under way
	checked bool          // the self-check has passed
	idle    time.Duration // when the cores are to be looked at next
}

func newTaker(s *session) *taker {
	return &taker{s: s, queues: newQueues(s), aside: newAside(s), fit: newFitness(s.pace), slots: make(chan struct{}, s.cfg.Runner.Slots())}
}

// take takes batches until ctx ends. Those under way end with working. A slot is
// taken first: what the batch before it has shown counts.
func (t *taker) take(ctx, working context.Context) {
	for ctx.Err() == nil && t.acquire(ctx, 1) {
		var d *delivery
		if t.ready(ctx) {
			d = t.queues.next(ctx)
		}
		if d == nil {
			t.release(1)
			continue
		}
		t.s.board.begin()
		go func() {
			t.s.board.end(t.s.serve(working, d, t.fit))
			t.release(1)
		}()
	}
}

// acquire waits for n slots; false, with none, where ctx ended first.
func (t *taker) acquire(ctx context.Context, n int) bool {
	for got := range n {
		select {
		case t.slots <- struct{}{}:
		case <-ctx.Done():
			t.release(got)
			return false
		}
	}
	return true
}

func (t *taker) release(n int) {
	for range n {
		<-t.slots
	}
}

// wait waits until nothing is under way.
func (t *taker) wait() {
	for range cap(t.slots) {
		t.slots <- struct{}{}
	}
}

func (t *taker) underWay() int { return len(t.slots) }

// ready tells whether the next batch may be taken. Where it may not it says why on
// the board, and waits a moment.
func (t *taker) ready(ctx context.Context) bool {
	if why := t.fit.verdict(); why != "" {
		t.aside.put(why)
	}
	was := t.aside.reason
	why := t.aside.look(ctx)
	t.s.board.aside(why)
	if why != "" {
		sleep(ctx, t.s.pace.look)
		return false
	}
	if was != "" { // let in again: as at the start
		t.checked = false
		t.fit.reset()
	}
	if pause, why := t.fit.pause(t.s.clock()); pause > 0 {
		t.s.board.wait(why)
		sleep(ctx, pause)
		return false
	}
	return t.selfCheck(ctx) && t.alone(ctx)
}

// selfCheck tells whether this worker's own kernels are right, as far as is known.
func (t *taker) selfCheck(ctx context.Context) bool {
	if t.checked {
		return true
	}
	why, err := t.s.selfCheck(ctx)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		t.s.troubled(t.fit, err)
	case why != "":
		t.aside.put(why)
	default:
		t.checked = true
		t.fit.worked()
	}
	return t.checked
}

// alone tells whether nobody else uses the cores. It looks now and then, while
// nothing is measured.
func (t *taker) alone(ctx context.Context) bool {
	if t.s.cfg.Idleness == nil || t.s.clock() < t.idle {
		t.s.board.wait("")
		return true
	}
	others := cap(t.slots) - 1
	if !t.acquire(ctx, others) {
		return false
	}
	defer t.release(others)
	busy, err := t.s.cfg.Idleness.Busy(ctx)
	if err != nil {
		t.s.log.Warn("whether the cores are idle is not known", "why", err)
	}
	if t.s.board.wait(busy) {
		t.s.log.Info("waiting", "why", busy)
	}
	if busy != "" {
		sleep(ctx, t.s.pace.busy)
		return false
	}
	t.idle = t.s.clock() + t.s.pace.idle
	return true
}
