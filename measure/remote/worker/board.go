package worker

import (
	"maps"
	"slices"
	"sync"
	"time"

	"qtune/measure"
	"qtune/measure/remote"
)

// A board is what the worker knows of itself; it is safe for concurrent use.
type board struct {
	metrics *metrics
	changed chan struct{} // holds one after a change of state that others should hear of
	mu      struct {
		sync.Mutex
		status   remote.Status // without what is worked out when it is asked for
		busy     int           // batches under way
		waiting  string        // why it waits; "" it does not
		aside    string        // why it is put aside; "" it is not
		draining bool
		gone     bool
		rate     rate
	}
}

func newBoard(c *Config, m *metrics) *board {
	b := &board{metrics: m, changed: make(chan struct{}, 1)}
	b.mu.status = remote.Status{
		Identity: c.Identity, ISAs: slices.Clone(c.ISAs), Cores: slices.Clone(c.Cores), Labels: maps.Clone(c.Labels),
		State: remote.Idle, Started: time.Now(),
	}
	m.state(remote.Idle)
	return b
}

// status returns what there is to say now.
func (b *board) status() *remote.Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.mu.status
	s.Seen, s.Load = time.Now(), load()
	s.PerSecond = b.mu.rate.perSecond(s.Seen)
	return &s
}

// update changes the board, and notes where the state that follows is one that
// others should hear of: a worker that only goes from batch to batch is no news.
func (b *board) update(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
	was := b.mu.status.State
	b.mu.status.State, b.mu.status.Why = b.state()
	now := b.mu.status.State
	if now == was {
		return
	}
	b.metrics.state(now)
	usual := func(s remote.State) bool { return s == remote.Idle || s == remote.Measuring }
	if !usual(now) || !usual(was) {
		select {
		case b.changed <- struct{}{}:
		default:
		}
	}
}

// state is what the worker is doing, and why.
func (b *board) state() (remote.State, string) {
	switch {
	case b.mu.gone:
		return remote.Gone, b.mu.aside
	case b.mu.draining:
		return remote.Draining, ""
	case b.mu.aside != "":
		return remote.Aside, b.mu.aside
	case b.mu.waiting != "":
		return remote.Waiting, b.mu.waiting
	case b.mu.busy > 0:
		return remote.Measuring, ""
	}
	return remote.Idle, ""
}

// begin notes that a batch is under way.
func (b *board) begin() { b.update(func() { b.mu.busy++ }) }

// end notes what became of one.
func (b *board) end(o outcome) {
	b.metrics.batches.WithLabelValues(string(o)).Inc()
	b.update(func() {
		b.mu.busy--
		if o == lost {
			b.mu.status.Lost++
		}
	})
}

// measured notes the results of a batch.
func (b *board) measured(results []measure.Result) {
	for _, r := range results {
		b.metrics.trials.WithLabelValues(r.Status.String()).Inc()
	}
	b.update(func() {
		s := &b.mu.status
		s.Trials += len(results)
		b.mu.rate.add(time.Now(), len(results))
		for _, r := range results {
			if r.Status != measure.OK {
				s.Failures++
			}
			if r.Calibration > 0 {
				s.Calibration = r.Calibration
			}
		}
		if s.First == 0 {
			s.First = s.Calibration
		}
		b.metrics.calibration.Set(float64(s.Calibration) / 1e9)
	})
}

// wait notes why the worker waits, "" it does not, and tells whether it begins to.
func (b *board) wait(why string) bool {
	begins := false
	b.update(func() { begins, b.mu.waiting = why != "" && b.mu.waiting == "", why })
	return begins
}

// aside notes why the worker is put aside; "" it is not.
func (b *board) aside(why string) { b.update(func() { b.mu.aside = why }) }

// drain notes that no more batches are taken.
func (b *board) drain() { b.update(func() { b.mu.draining = true }) }

// leave notes that the worker has ended.
func (b *board) leave() { b.update(func() { b.mu.gone = true }) }

// A rate counts over the last minute, by seconds.
type rate [60]struct {
	second int64 // of Unix time
	n      int
}

func (r *rate) add(now time.Time, n int) {
	at := &r[now.Unix()%int64(len(r))]
	if at.second != now.Unix() {
		at.second, at.n = now.Unix(), 0
	}
	at.n += n
}

func (r *rate) perSecond(now time.Time) float64 {
	sum := 0
	for _, at := range r {
		if now.Unix()-at.second < int64(len(r)) {
			sum += at.n
		}
	}
	return float64(sum) / float64(len(r))
}
