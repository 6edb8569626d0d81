package logs

import (
	"context"
	"sync"
	"time"
)

// A Batch collects trials and commits them together, at most an interval after
// they were added: one sync of the disk for many trials. It is safe for
// concurrent use.
type Batch struct {
	log       *Log
	every     time.Duration
	committed func([]Trial)

	committing sync.Mutex // held over a commit, so that commits keep their order

	mu struct {
		sync.Mutex
		pending []Trial
		timer   *time.Timer // set while it runs for pending
		err     error       // of the last commit by the timer
		closed  bool
	}
}

// NewBatch returns a Batch that commits every so often, and then calls
// committed, if not nil, with the trials that are durable now. The callback
// must not call the Batch.
func NewBatch(l *Log, every time.Duration, committed func([]Trial)) *Batch {
	return &Batch{log: l, every: every, committed: committed}
}

// Add takes a trial for the next commit. It refuses one that cannot be stored;
// else its error is of an earlier commit that failed, whose trials are kept and
// tried again with the next.
func (b *Batch) Add(t Trial) error {
	if _, err := rowOfTrial(t, b.log.cache); err != nil {
		return b.log.wrap(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mu.pending = append(b.mu.pending, t)
	if b.mu.timer == nil && !b.mu.closed {
		b.mu.timer = time.AfterFunc(b.every, func() {
			err := b.Flush()
			b.mu.Lock()
			defer b.mu.Unlock()
			b.mu.err = err
		})
	}
	return b.mu.err
}

// Flush commits what was added so far.
func (b *Batch) Flush() error {
	b.committing.Lock()
	defer b.committing.Unlock()
	trials := b.take()
	if len(trials) == 0 {
		return nil
	}
	// Not cancellable: what was measured is kept, also while the caller stops.
	if err := b.log.Append(context.Background(), trials); err != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.mu.pending = append(trials, b.mu.pending...)
		return err
	}
	if b.committed != nil {
		b.committed(trials)
	}
	return nil
}

// take removes the pending trials.
func (b *Batch) take() []Trial {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.timer != nil {
		b.mu.timer.Stop()
		b.mu.timer = nil
	}
	trials := b.mu.pending
	b.mu.pending, b.mu.err = nil, nil
	return trials
}

// Close commits what was added and ends the timer. Trials that are added later
// wait for a Flush.
func (b *Batch) Close() error {
	b.mu.Lock()
	b.mu.closed = true
	b.mu.Unlock()
	return b.Flush()
}
