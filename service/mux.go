package service

import (
	"context"
	"slices"
	"sync"
	"time"

	"qtune/measure"
	"qtune/tuner"
)

// A mux shares one Runner between jobs: it has as many batches under way as the
// Runner has slots, and gives each job its share of the measuring time, by its
// weight, whatever the number and the size of its batches. This is start-time fair
// queueing (Goyal, Vin and Cheng, 1996): each job has a clock that its measuring
// moves on, slower the more weight it has, and the job that is furthest behind is
// next. How long a batch takes is known only afterwards, so it is charged with what
// the job's trials took so far, and corrected.
type mux struct {
	runner tuner.Runner
	slots  int
	clock  func() time.Time
	mu     struct {
		sync.Mutex
		free   int     // of the slots
		now    float64 // clock of the job that was served last
		shares []*share
	}
}

func newMux(r tuner.Runner) *mux {
	m := &mux{runner: r, slots: max(r.Slots(), 1), clock: time.Now}
	m.mu.free = m.slots
	return m
}

// A share is the Runner that one job sees.
type share struct {
	mux    *mux
	weight float64

	// Guarded by mux.mu.
	clock    float64 // seconds of measuring / weight
	perTrial float64 // seconds, lately
	waiting  []*request
	running  int
}

// A request is a batch that waits for a slot, or what waits for all of them.
type request struct {
	trials int // 0: it is no batch
	slots  int
	charge float64 // seconds of slots that it is taken to last
	start  chan struct{}
}

// share returns a Runner for a job, until leave.
func (m *mux) share(weight int) *share {
	s := &share{mux: m, weight: float64(max(weight, 1))}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.shares = append(m.mu.shares, s)
	return s
}

// leave forgets a job that does not measure any more.
func (s *share) leave() {
	s.mux.mu.Lock()
	defer s.mux.mu.Unlock()
	s.mux.mu.shares = slices.DeleteFunc(s.mux.mu.shares, func(o *share) bool { return o == s })
}

// alone has f measure something that is of no job, in its turn.
func (m *mux) alone(ctx context.Context, f func() error) error {
	s := m.share(1)
	defer s.leave()
	return s.alone(ctx, f)
}

// alone waits for the job's turn, and until no batch is under way, and has f measure
// something else than trials.
func (s *share) alone(ctx context.Context, f func() error) error {
	return s.turn(ctx, &request{slots: s.mux.slots, start: make(chan struct{})}, f)
}

// Slots is that of the Runner: a job that is alone keeps it busy.
func (s *share) Slots() int { return s.mux.runner.Slots() }

// Measure waits for the job's turn and measures.
func (s *share) Measure(ctx context.Context, jobs []measure.Job) (results []measure.Result, err error) {
	r := &request{trials: len(jobs), slots: 1, start: make(chan struct{})}
	err = s.turn(ctx, r, func() (err error) {
		results, err = s.mux.runner.Measure(ctx, jobs)
		return err
	})
	return results, err
}

// turn waits for the job's turn and has f measure.
func (s *share) turn(ctx context.Context, r *request, f func() error) error {
	s.mux.enter(s, r)
	select {
	case <-r.start:
	case <-ctx.Done():
		if s.mux.withdraw(s, r) {
			return ctx.Err()
		}
		<-r.start // it has just begun: f will see ctx
	}
	begun := s.mux.clock()
	defer func() { s.mux.done(s, r, s.mux.clock().Sub(begun)) }()
	return f()
}

func (m *mux) enter(s *share, r *request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(s.waiting) == 0 && s.running == 0 {
		s.clock = max(s.clock, m.mu.now) // what it did not use is gone
	}
	s.waiting = append(s.waiting, r)
	m.dispatch()
}

// withdraw takes a request back, if it has not begun.
func (m *mux) withdraw(s *share, r *request) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.Index(s.waiting, r)
	if i < 0 {
		return false
	}
	s.waiting = slices.Delete(s.waiting, i, i+1)
	m.dispatch() // others may have waited behind it
	return true
}

// done frees the slot of a request.
func (m *mux) done(s *share, r *request, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s.running--
	s.clock += (took.Seconds()*float64(r.slots) - r.charge) / s.weight
	if r.trials > 0 {
		s.learn(took.Seconds() / float64(r.trials))
	}
	m.mu.free += r.slots
	m.dispatch()
}

// learn notes how long a trial took. The caller holds the lock.
func (s *share) learn(now float64) {
	if s.perTrial == 0 {
		s.perTrial = now
	} else {
		s.perTrial += (now - s.perTrial) / 4
	}
}

// dispatch begins what there are slots for. The caller holds the lock.
func (m *mux) dispatch() {
	for m.mu.free > 0 {
		var next *share
		for _, s := range m.mu.shares {
			if len(s.waiting) > 0 && (next == nil || s.clock < next.clock) {
				next = s
			}
		}
		if next == nil || next.waiting[0].slots > m.mu.free {
			return
		}
		r := next.waiting[0]
		next.waiting = next.waiting[1:]
		m.mu.now = next.clock
		r.charge = next.perTrial * float64(r.trials)
		next.clock += r.charge / next.weight
		next.running++
		m.mu.free -= r.slots
		close(r.start)
	}
}

// load tells how many batches, or what is measured alone, wait and are under way.
func (m *mux) load() (waiting, running int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.mu.shares {
		waiting += len(s.waiting)
		running += s.running
	}
	return waiting, running
}
