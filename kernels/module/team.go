package module

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"qtune/kernels"
)

// A team is the threads that compute an inference together: the caller of Run
// and n-1 workers. Within an inference they spin between phases, which costs a
// microsecond or two. Between inferences the workers spin for a moment, in case
// the next one follows at once, and then park: waking takes a tenth of a
// millisecond. They are not locked to threads of the operating system: the Go
// scheduler preempts whoever has run for 10 ms, and then a goroutine without a
// lock goes on at once in the same thread, while one with a lock has to be handed
// over from thread to thread.
//
// Each thread takes its own share of a phase first, the same in every layer, so
// that it finds in its cache what it made itself; then it takes what others have
// not begun. So a worker that the operating system has put aside holds up
// nobody, unless in the middle of a part.
type team struct {
	n       int
	workers []*worker
	done    sync.WaitGroup // for the workers to end
	closed  atomic.Bool
	current atomic.Pointer[phase] // nil sends the workers to park
	epoch   uint32                // counts phases that ran
}

// A worker is one of a team's threads beside the caller's.
type worker struct {
	parked atomic.Bool // it waits for a token in wake
	wake   chan struct{}
}

// spinTime is how long a worker waits for the next inference before it parks.
const spinTime = 200 * time.Microsecond

// A phase is parts that may run at the same time.
type phase struct {
	parts []kernels.Part
	// epoch is that of the last time the phase ran, or runs; taken, of each part,
	// the last in which it was taken. A worker that comes late has an epoch in
	// which every part was taken.
	epoch atomic.Uint32
	taken []atomic.Uint32
	done  atomic.Int32
	err   atomic.Pointer[error] // the first
}

func newPhase(parts []kernels.Part) *phase {
	return &phase{parts: parts, taken: make([]atomic.Uint32, len(parts))}
}

// newTeam starts the workers of a team of n threads. A team of one has none.
func newTeam(n int) *team {
	t := &team{n: n}
	for i := 1; i < n; i++ {
		w := &worker{wake: make(chan struct{}, 1)}
		t.workers = append(t.workers, w)
		t.done.Go(func() { t.work(i, w) })
	}
	return t
}

// close ends the workers.
func (t *team) close() {
	t.closed.Store(true)
	t.wakeAll()
	t.done.Wait()
}

func (t *team) wakeAll() {
	for _, w := range t.workers {
		if w.parked.CompareAndSwap(true, false) {
			w.wake <- struct{}{}
		}
	}
}

// idle is the phase between two phases.
var idle = newPhase(nil)

// begin wakes the workers for an inference.
func (t *team) begin() {
	if t.n == 1 {
		return
	}
	t.current.Store(idle)
	t.wakeAll()
}

// end sends them to park.
func (t *team) end() {
	if t.n == 1 {
		return
	}
	t.current.Store(nil)
}

// run computes a phase. It returns the error of a part that failed.
func (t *team) run(p *phase) error {
	if t.n == 1 || len(p.parts) == 1 {
		for _, part := range p.parts {
			if err := part(); err != nil {
				return err
			}
		}
		return nil
	}
	t.epoch++
	p.done.Store(0)
	p.epoch.Store(t.epoch)
	t.current.Store(p)
	t.share(p, 0)
	for spins := 0; int(p.done.Load()) != len(p.parts); spins++ {
		yield(spins)
	}
	if err := p.err.Swap(nil); err != nil {
		return *err
	}
	return nil
}

// share computes a thread's parts of p, and then what is left.
func (t *team) share(p *phase, thread int) {
	epoch := p.epoch.Load()
	n := len(p.parts)
	first, end := kernels.OwnParts(n, t.n, thread)
	for i := first; i < end; i++ {
		p.take(i, epoch)
	}
	for i := first + n - 1; i >= end; i-- { // those of others, from their ends
		p.take(i%n, epoch)
	}
}

// take computes part i, unless somebody else has taken it in this epoch or a
// later one.
func (p *phase) take(i int, epoch uint32) {
	last := p.taken[i].Load()
	if int32(epoch-last) <= 0 || !p.taken[i].CompareAndSwap(last, epoch) {
		return
	}
	if err := p.parts[i](); err != nil {
		first := err // a copy: only a failure allocates
		p.err.CompareAndSwap(nil, &first)
	}
	p.done.Add(1)
}

// yield lets others run once a wait has taken unusually long: other threads of
// this core at first, which may be what is waited for, and then goroutines and
// collections too, as on a machine with fewer free cores than threads.
func yield(spins int) {
	const (
		patience = 1 << 15 // some 30 us: most waits within an inference are shorter
		brief    = 256
	)
	switch {
	case spins < patience:
	case spins < patience+brief:
		yieldBriefly()
	default:
		runtime.Gosched()
		yieldLong()
	}
}

// work is the life of worker i.
func (t *team) work(i int, w *worker) {
	for t.await(w) {
		last, epoch := idle, uint32(0)
		for spins := 0; ; spins++ {
			p := t.current.Load()
			if p == nil {
				break
			}
			if e := p.epoch.Load(); p != last || e != epoch {
				last, epoch, spins = p, e, 0
				t.share(p, i)
			}
			yield(spins)
		}
	}
}

// await waits for an inference: spinning first, then parked. It returns false
// at the end of the team.
func (t *team) await(w *worker) bool {
	start := time.Now()
	for spins := 0; ; spins++ {
		switch {
		case t.closed.Load():
			return false
		case t.current.Load() != nil:
			return true
		case spins%64 != 0 || time.Since(start) < spinTime:
			yield(spins)
			continue
		}
		w.parked.Store(true)
		begun := t.current.Load() != nil || t.closed.Load() // and perhaps did not see that it must wake
		if !begun || !w.parked.CompareAndSwap(true, false) {
			<-w.wake
		}
		start, spins = time.Now(), 0
	}
}
