package service

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qtune/measure"
	"qtune/schedules"
)

// A manual Runner has batches wait until the test lets them go.
type manual struct {
	slots   int
	started chan string // the schedule's text of each batch
	release chan struct{}
}

func (m manual) Slots() int { return m.slots }

func (m manual) Measure(_ context.Context, jobs []measure.Job) ([]measure.Result, error) {
	m.started <- string(jobs[0].ISA)
	<-m.release
	return make([]measure.Result, len(jobs)), nil
}

// Of jobs that always have batches waiting each gets its share, a heavier one more,
// and one that comes later is served at once.
func TestMuxIsFair(t *testing.T) {
	runner := manual{1, make(chan string, 1000), make(chan struct{})}
	m := newMux(runner)
	var now atomic.Int64 // a trial takes a second
	m.clock = func() time.Time { return time.Unix(now.Load(), 0) }
	sizes := map[string]int{}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	feed := func(name string, weight, batch int) {
		s := m.share(weight)
		sizes[name] = batch
		for range 2 {
			wg.Go(func() {
				jobs := make([]measure.Job, batch)
				jobs[0].ISA = schedules.ISA(name)
				for ctx.Err() == nil {
					_, _ = s.Measure(ctx, jobs) // ends with ctx
				}
			})
		}
	}
	feed("a", 1, 8)
	feed("b", 2, 8)
	feed("c", 1, 4)
	counts := map[string]int{}
	serve := func(n int) {
		for range n {
			name := <-runner.started
			counts[name]++
			for waiting := 0; waiting < 2*len(sizes)-1; waiting, _ = m.load() {
				time.Sleep(100 * time.Microsecond) // until all have their next batch waiting
			}
			now.Add(int64(sizes[name]))
			runner.release <- struct{}{}
		}
	}
	serve(10) // a start in any order
	clear(counts)
	serve(200)
	if a, b, c := counts["a"]*8, counts["b"]*8, counts["c"]*4; b < a*9/5 || b > a*11/5 || c < a*9/10 || c > a*11/10 {
		t.Errorf("trials of a, b (twice the weight), c (small batches): %d %d %d", a, b, c)
	}
	clear(counts)
	feed("late", 1, 8)
	serve(20)
	if counts["late"] < 3 || counts["late"] > 5 {
		t.Errorf("who comes late got %d of 20 batches", counts["late"])
	}
	cancel()
	go func() {
		for range runner.started {
		}
	}()
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for {
		select {
		case runner.release <- struct{}{}:
		case <-done:
			if waiting, running := m.load(); waiting != 0 || running != 0 {
				t.Errorf("%d wait and %d run at the end", waiting, running)
			}
			return
		}
	}
}

// As many batches run as there are slots, and one that is given up leaves none
// taken.
func TestMuxSlots(t *testing.T) {
	runner := manual{2, make(chan string, 10), make(chan struct{})}
	m := newMux(runner)
	s := m.share(1)
	ctx, cancel := context.WithCancel(t.Context())
	errs := make(chan error, 3)
	for range 2 {
		go func() { _, err := s.Measure(t.Context(), make([]measure.Job, 1)); errs <- err }()
	}
	<-runner.started
	<-runner.started
	go func() { _, err := s.Measure(ctx, make([]measure.Job, 1)); errs <- err }()
	for waiting := 0; waiting == 0; waiting, _ = m.load() {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-errs; !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	runner.release <- struct{}{}
	runner.release <- struct{}{}
	if err := errors.Join(<-errs, <-errs); err != nil {
		t.Error(err)
	}
	s.leave()
	if waiting, running := m.load(); waiting != 0 || running != 0 || m.mu.free != 2 || len(m.mu.shares) != 0 {
		t.Errorf("%d wait, %d run, %d free, %d shares", waiting, running, m.mu.free, len(m.mu.shares))
	}
}

// What is measured alone waits until no batch runs, and keeps those back that come
// after it; given up, it keeps nobody back.
func TestMuxAlone(t *testing.T) {
	runner := manual{2, make(chan string, 10), make(chan struct{})}
	m := newMux(runner)
	s := m.share(1)
	ended := make(chan error, 10)
	batch := func() { _, err := s.Measure(t.Context(), make([]measure.Job, 1)); ended <- err }
	waits := func(n int) {
		for waiting := -1; waiting != n; waiting, _ = m.load() {
			time.Sleep(time.Millisecond)
		}
	}
	go batch()
	<-runner.started
	ctx, cancel := context.WithCancel(t.Context())
	go func() { ended <- s.alone(ctx, func() error { return errors.New("not given up") }) }()
	waits(1)
	go batch()
	waits(2)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	<-runner.started // it was kept back

	running, finish := make(chan struct{}), make(chan struct{})
	go func() {
		ended <- s.alone(t.Context(), func() error {
			if _, n := m.load(); n != 1 {
				t.Errorf("%d run beside", n-1)
			}
			close(running)
			<-finish
			return nil
		})
	}()
	waits(1)
	runner.release <- struct{}{}
	runner.release <- struct{}{}
	<-running
	go batch()
	waits(1)
	close(finish)
	<-runner.started
	runner.release <- struct{}{}
	for range 4 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if s.leave(); m.mu.free != 2 {
		t.Errorf("%d slots are free", m.mu.free)
	}
}
