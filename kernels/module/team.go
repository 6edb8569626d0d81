package module

import (
	"runtime"
	"sync"
	"sync/atomic"

	"qtune/kernels"
)

// A team is the threads that compute an inference together: the caller of Run
// and n-1 workers, each locked to an operating system thread. Within an
// inference they meet at a spinning barrier after each phase of a layer, which
// costs less than a microsecond; between inferences the workers are parked,
// because waking takes tens.
type team struct {
	n       int
	wake    []chan struct{} // a worker's; closed at the end
	workers sync.WaitGroup

	parts []kernels.Part // of the current phase; nil sends the workers to park
	epoch atomic.Uint32  // counts phases: a change publishes parts
	busy  atomic.Int32   // workers that have not finished the phase
	err   atomic.Pointer[error]
}

// newTeam starts the workers of a team of n threads. A team of one has none.
func newTeam(n int) *team {
	t := &team{n: n}
	for i := 1; i < n; i++ {
		wake := make(chan struct{}, 1)
		t.wake = append(t.wake, wake)
		t.workers.Add(1)
		go t.work(i, wake)
	}
	return t
}

// close ends the workers.
func (t *team) close() {
	for _, wake := range t.wake {
		close(wake)
	}
	t.workers.Wait()
}

// begin wakes the workers for an inference, on the caller's own thread.
func (t *team) begin() {
	if t.n == 1 {
		return
	}
	runtime.LockOSThread()
	for _, wake := range t.wake {
		wake <- struct{}{}
	}
}

// end parks them.
func (t *team) end() {
	if t.n == 1 {
		return
	}
	t.publish(nil)
	t.wait()
	runtime.UnlockOSThread()
}

// run computes a phase: all threads share its parts. It returns the error of
// one that failed.
func (t *team) run(parts []kernels.Part) error {
	if t.n == 1 || len(parts) < 2 {
		for _, p := range parts {
			if err := p(); err != nil {
				return err
			}
		}
		return nil
	}
	t.publish(parts)
	t.share(0)
	t.wait()
	if err := t.err.Swap(nil); err != nil {
		return *err
	}
	return nil
}

// share computes a thread's share: every n-th part of the phase.
func (t *team) share(thread int) {
	for i := thread; i < len(t.parts); i += t.n {
		if err := t.parts[i](); err != nil {
			first := err // a copy: only a failure allocates
			t.err.CompareAndSwap(nil, &first)
		}
	}
}

func (t *team) publish(parts []kernels.Part) {
	t.parts = parts
	t.busy.Store(int32(t.n - 1))
	t.epoch.Add(1)
}

// wait spins until all workers have finished the phase.
func (t *team) wait() {
	for i := 0; t.busy.Load() != 0; i++ {
		yield(i)
	}
}

// yield lets others run once a spin has taken unusually long: on a machine with
// fewer free cores than threads.
func yield(spins int) {
	if spins > 1<<14 {
		runtime.Gosched()
	}
}

// work is the life of worker i.
func (t *team) work(i int, wake <-chan struct{}) {
	defer t.workers.Done()
	runtime.LockOSThread()
	var epoch uint32
	for range wake {
		for {
			for spins := 0; t.epoch.Load() == epoch; spins++ {
				yield(spins)
			}
			epoch++
			park := t.parts == nil
			t.share(i)
			t.busy.Add(-1)
			if park {
				break
			}
		}
	}
}
