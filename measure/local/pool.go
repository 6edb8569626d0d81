package local

import (
	"context"
	"slices"
	"sync"

	"qtune/measure"
)

// A pool lends workers, one batch at a time, the one last used first: its child
// is running and knows the workload.
type pool struct {
	workers []*worker
	mu      struct {
		sync.Mutex
		free []*worker
	}
	token chan struct{} // as many as there are free workers
}

func newPool(cfg Config, cores []int) *pool {
	p := &pool{token: make(chan struct{}, len(cores))}
	for _, c := range cores {
		p.workers = append(p.workers, &worker{cfg: cfg, core: c})
		p.token <- struct{}{}
	}
	p.mu.free = slices.Clone(p.workers)
	return p
}

// only tells whether all workers are on core c.
func (p *pool) only(c int) bool { return len(p.workers) == 1 && p.workers[0].core == c }

// measure carries out a request on the next free worker.
func (p *pool) measure(ctx context.Context, q request) ([]reply, error) {
	if len(q.Jobs) == 0 {
		return nil, nil
	}
	select {
	case <-p.token:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	w := p.take()
	defer p.give(w)
	return w.measure(ctx, q)
}

func (p *pool) take() *worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.mu.free) - 1
	w := p.mu.free[last]
	p.mu.free = p.mu.free[:last]
	return w
}

func (p *pool) give(w *worker) {
	p.mu.Lock()
	p.mu.free = append(p.mu.free, w)
	p.mu.Unlock()
	p.token <- struct{}{}
}

func (p *pool) close() {
	for _, w := range p.workers {
		w.close()
	}
}

// A reply is what a child answered about one job.
type reply struct {
	result measure.Result
	want   digest // of the right output, where it was checked
}
