package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"qtune/measure/remote"
)

// Times of the watch.
const (
	watchInterval  = 500 * time.Millisecond
	censusInterval = 5 * time.Second
	// missingTimes is how often a batch must be missing from the stream before it
	// counts as lost: its answer may be on its way.
	missingTimes = 3
)

// watch looks after the batches under way, and after the workers.
func (r *Runner) watch(ctx context.Context) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	counted := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if time.Since(counted) >= censusInterval {
			// Where it fails the connection is away: the workers stay as they were.
			_ = r.count(ctx)
			counted = time.Now()
		}
		r.lookAfter(ctx)
		r.sayWaiting()
	}
}

// late returns the orders of which nothing was heard for a while: nobody has them,
// or who had them is silent.
func (r *Runner) late() []*order {
	r.mu.Lock()
	defer r.mu.Unlock()
	var late []*order
	for id, o := range r.mu.orders {
		if id == o.batch.ID && o.seq > 0 && time.Since(o.heard()) > r.cfg.Lease/3 {
			late = append(late, o)
		}
	}
	return late
}

// heard is when something was last heard of an order.
func (o *order) heard() time.Time {
	if o.holder != "" {
		return o.beat
	}
	return o.since
}

// lookAfter finds out about late batches: whether the hub still has them, and
// whether it will hand them out again.
func (r *Runner) lookAfter(ctx context.Context) {
	late := r.late()
	if len(late) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, publishTime)
	defer cancel()
	stream, err := r.js.Stream(ctx, remote.JobsStream(r.cfg.Kind.Generator))
	if err != nil && !gone(err) {
		return // the hub is away
	}
	var queue jetstream.ConsumerInfo
	if err == nil {
		c, err := stream.Consumer(ctx, r.cfg.Kind.Consumer())
		if err != nil && !gone(err) {
			return
		}
		if err == nil {
			queue = *c.CachedInfo()
		}
	}
	for _, o := range late {
		r.lookAt(ctx, stream, queue, o)
	}
}

// stuck tells whether a message of which nothing was heard for so long was handed out
// as often as it may be. The server does not say so of one message: but it hands out
// again before anything new, so nobody has it when nothing is with anybody, or when it
// was not handed out for several leases.
func stuck(queue jetstream.ConsumerInfo, seq uint64, silence, lease time.Duration) bool {
	return queue.Delivered.Stream >= seq && (queue.NumAckPending == 0 || silence > 3*lease)
}

// lookAt decides about a late order. stream is nil where there is none any more.
func (r *Runner) lookAt(ctx context.Context, stream jetstream.Stream, queue jetstream.ConsumerInfo, o *order) {
	r.mu.Lock()
	seq := o.seq
	r.mu.Unlock()
	there := false
	if stream != nil {
		_, err := stream.GetMsg(ctx, seq)
		if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
			return
		}
		there = err == nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if o.seq != seq || seq == 0 {
		return // put in again meanwhile
	}
	silent := time.Since(o.heard()) > r.cfg.Lease+r.cfg.Lease/3
	switch {
	case !there:
		if o.missing++; o.missing >= missingTimes {
			r.cfg.Log.Warn("a batch is not in the hub any more: put in again", "batch", o.batch.ID)
			o.tell(outcome{again: true})
		}
	case silent && len(o.holders) >= remote.MaxAttempts:
		r.done.Go(func() { r.withdraw(seq) })
		o.tell(outcome{lost: append([]string{}, o.holders...)})
		for _, w := range o.holders {
			r.mu.judge.lost(w)
		}
	case silent && stuck(queue, seq, time.Since(o.heard()), r.cfg.Lease):
		// It is not handed out again, but not for what it does: workers gave it back,
		// or were lost before they said a word.
		r.done.Go(func() { r.withdraw(seq) })
		o.tell(outcome{again: true})
	default:
		o.missing = 0
	}
}

// say tells the log what keeps the tuner waiting, once.
func (r *Runner) say(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.said != what {
		r.mu.said = what
		r.cfg.Log.Warn("waiting", "for", what)
	}
}

// sayWaiting says what the oldest batch waits for, where that takes long.
func (r *Runner) sayWaiting() {
	r.mu.Lock()
	var oldest *order
	for _, o := range r.mu.orders {
		if o.seq > 0 && (oldest == nil || o.heard().Before(oldest.heard())) {
			oldest = o
		}
	}
	if oldest == nil || time.Since(oldest.heard()) < r.cfg.Wait {
		r.mu.said = ""
		r.mu.Unlock()
		return
	}
	what := r.reason(oldest)
	r.mu.Unlock()
	if what != "" {
		r.say(what)
	}
}

// reason says what an order waits for. The lock is held.
func (r *Runner) reason(o *order) string {
	switch {
	case !r.cfg.Conn.IsConnected():
		return "the hub, which is away"
	case o.holder != "":
		return fmt.Sprintf("worker %s, which is silent: its batch goes to another when its lease of %v has ended", o.holder, r.cfg.Lease)
	}
	var idle []string
	for name, p := range r.mu.peers {
		switch s := p.status; {
		case !p.here:
		case s.State == remote.Aside || s.State == remote.Draining || s.State == remote.Waiting:
			idle = append(idle, fmt.Sprintf("%s is %s: %s", name, s.State, s.Why))
		default:
			return "" // its turn comes
		}
	}
	if len(idle) == 0 {
		return fmt.Sprintf("a worker for %v: none is here", r.cfg.Kind)
	}
	slices.Sort(idle)
	return fmt.Sprintf("a worker for %v: %s", r.cfg.Kind, strings.Join(idle, "; "))
}
