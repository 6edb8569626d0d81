package module

import (
	"runtime"
	"slices"
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
// not begun, from their ends. So a worker that the operating system has put aside
// holds up nobody, unless in the middle of a part.
//
// What one thread writes another must fetch from its cache, a tenth of a
// microsecond each time: so each has a line of its own for the state of its share,
// and a phase begins with one line that all read.
type team struct {
	n       int
	workers []*worker
	done    sync.WaitGroup // for the workers to end
	closed  atomic.Bool
	err     atomic.Pointer[error] // the first of a phase

	_      line
	start  start
	_      line
	shares []share // of each thread
}

// line keeps what is around it in other cache lines, which are fetched in pairs.
type line [128]byte

// start tells the workers what to do.
type start struct {
	active atomic.Bool   // within an inference; else they may park
	epoch  atomic.Uint32 // counts phases
	// phases are those of the last two epochs, the even and the odd one. So a worker
	// that has read the epoch before the caller begins another never takes the new
	// phase for that of the old epoch.
	phases [2]atomic.Pointer[phase]
}

// phaseOf returns the phase of an epoch, or of a later one once that has begun.
func (s *start) phaseOf(epoch uint32) *phase { return s.phases[epoch%2].Load() }

// A share is the state of a thread's own parts of the phase.
type share struct {
	// left packs an epoch, in the upper half, and two numbers of parts: what is
	// left in that epoch is from the first to before the second. In another epoch it
	// is all of them.
	left atomic.Uint64
	// completed packs an epoch and how many parts the thread has computed in it, of
	// whomever's share.
	completed atomic.Uint64
	_         [112]byte
}

// A worker is one of a team's threads beside the caller's.
type worker struct {
	parked atomic.Bool // it waits for a token in wake
	wake   chan struct{}
}

// spinTime is how long a worker waits for the next inference before it parks.
const spinTime = 200 * time.Microsecond

// A phase is parts that may run at the same time.
type phase struct{ parts []kernels.Part }

// maxParts is how many parts a share can count.
const maxParts = 1<<16 - 1

func newPhase(parts []kernels.Part) *phase {
	if len(parts) <= maxParts {
		return &phase{parts}
	}
	each := (len(parts) + maxParts - 1) / maxParts
	p := &phase{}
	for some := range slices.Chunk(parts, each) {
		p.parts = append(p.parts, func() error { return runAll(some) })
	}
	return p
}

func runAll(parts []kernels.Part) error {
	for _, part := range parts {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// newTeam starts the workers of a team of n threads. A team of one has none.
func newTeam(n int) *team {
	t := &team{n: n, shares: make([]share, n)}
	t.start.phases[0].Store(newPhase(nil))
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

// begin wakes the workers for an inference.
func (t *team) begin() {
	if t.n == 1 {
		return
	}
	t.start.active.Store(true)
	t.wakeAll()
}

// end sends them to park.
func (t *team) end() { t.start.active.Store(false) }

// run computes a phase. It returns the error of a part that failed.
func (t *team) run(p *phase) error {
	if t.n == 1 || len(p.parts) == 1 {
		return runAll(p.parts)
	}
	epoch := t.start.epoch.Load() + 1
	t.start.phases[epoch%2].Store(p)
	t.start.epoch.Store(epoch)
	own := t.compute(p, epoch, 0)
	for spins := 0; own+t.completed(epoch) != len(p.parts); spins++ {
		yield(spins)
	}
	if err := t.err.Swap(nil); err != nil {
		return *err
	}
	return nil
}

// completed counts the parts that workers have computed in an epoch.
func (t *team) completed(epoch uint32) int {
	n := 0
	for i := range t.workers {
		if c := t.shares[1+i].completed.Load(); uint32(c>>32) == epoch {
			n += int(uint32(c))
		}
	}
	return n
}

// compute computes a thread's parts of p, and then what is left. It returns how
// many parts that were.
func (t *team) compute(p *phase, epoch uint32, thread int) int {
	n := 0
	for k := range t.n {
		owner := (thread + k) % t.n
		for {
			i := t.take(p, epoch, owner, k > 0)
			if i < 0 {
				break
			}
			if err := p.parts[i](); err != nil {
				first := err // a copy: only a failure allocates
				t.err.CompareAndSwap(nil, &first)
			}
			n++
			t.shares[thread].completed.Store(uint64(epoch)<<32 | uint64(n))
		}
	}
	return n
}

// take takes a part of the owner's share, the last one for somebody else. It
// returns -1 where none is left.
func (t *team) take(p *phase, epoch uint32, owner int, last bool) int {
	left := &t.shares[owner].left
	for {
		old := left.Load()
		first, end := int(old>>16&maxParts), int(old&maxParts)
		if uint32(old>>32) != epoch {
			first, end = kernels.OwnParts(len(p.parts), t.n, owner)
			if t.start.epoch.Load() != epoch { // too late: old and p may be of a later epoch
				return -1
			}
		}
		if first >= end {
			return -1
		}
		i := first
		if last {
			end--
			i = end
		} else {
			first++
		}
		if left.CompareAndSwap(old, uint64(epoch)<<32|uint64(first)<<16|uint64(end)) {
			return i
		}
	}
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
		last := t.start.epoch.Load() - 1 // the phase may have begun
		for spins := 0; t.start.active.Load(); spins++ {
			if epoch := t.start.epoch.Load(); epoch != last {
				last, spins = epoch, 0
				t.compute(t.start.phaseOf(epoch), epoch, i)
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
		case t.start.active.Load():
			return true
		case spins%64 != 0 || time.Since(start) < spinTime:
			yield(spins)
			continue
		}
		w.parked.Store(true)
		begun := t.start.active.Load() || t.closed.Load() // and perhaps did not see that it must wake
		if !begun || !w.parked.CompareAndSwap(true, false) {
			<-w.wake
		}
		start, spins = time.Now(), 0
	}
}
