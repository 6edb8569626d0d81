package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"qtune/measure/remote"
)

// A queue is where batches of one instruction set come from.
type queue struct {
	kind     remote.Kind
	consumer jetstream.Consumer // nil: there is none, as no tuner wants any
	lease    time.Duration
}

// queues are a worker's queues. They are used by one goroutine.
type queues struct {
	s      *session
	list   []*queue
	turn   int // whose turn it is in list
	last   int // which gave the last batch
	wait   time.Duration
	looked time.Duration // when consumers were last looked for
	pause  time.Duration // until the next look
	said   string        // of the last failure
}

// minLease is the shortest lease that beats can extend.
const minLease = 100 * time.Millisecond

// firstWait is how long the first pull waits at an empty queue; each further one
// waits twice as long.
const firstWait = 20 * time.Millisecond

func newQueues(s *session) *queues {
	q := &queues{s: s, wait: firstWait, pause: s.pace.retry}
	for _, isa := range s.cfg.ISAs {
		q.list = append(q.list, &queue{kind: remote.Kind{Generator: s.cfg.Identity.Generator, ISA: isa, Class: s.cfg.Identity.Machine.Class()}})
	}
	q.looked = -s.pace.look
	return q
}

// A delivery is a message that should be a batch.
type delivery struct {
	msg   jetstream.Msg
	kind  remote.Kind   // of the queue that it came from
	lease time.Duration // how long it is lent
	asked time.Duration // the clock when it was asked for: it was not lent before
}

// next pulls a batch; nil where there is none for a moment. A pull ends by itself,
// not with ctx: what the hub sent to one that was abandoned would have lost an
// attempt.
func (q *queues) next(ctx context.Context) *delivery {
	open := q.open(ctx)
	if len(open) == 0 {
		sleep(ctx, q.looked+q.pause-q.s.clock())
		return nil
	}
	// With several, each is asked in turn whether it has one, and then the pull
	// waits at the one that had the last: nobody waits long for the first batch of
	// another instruction set, and not at all for the next of the same.
	if len(open) > 1 {
		for range q.list {
			at := q.turn
			q.turn = (q.turn + 1) % len(q.list)
			if d := q.pull(at, 0); d != nil {
				return d
			}
		}
	}
	at := open[0]
	if q.list[q.last].consumer != nil {
		at = q.last
	}
	if q.list[at].consumer == nil { // was lost just now
		return nil
	}
	d := q.pull(at, min(q.wait, remote.BeatInterval(q.list[at].lease)))
	if d == nil {
		q.wait = min(2*q.wait, q.s.pace.pull)
	}
	return d
}

// open looks for the consumers that are missing, if it is time, and returns which
// there are.
func (q *queues) open(ctx context.Context) []int {
	now := q.s.clock()
	look := now-q.looked >= q.pause
	var open []int
	for i, one := range q.list {
		if one.consumer == nil && look {
			q.find(ctx, one)
		}
		if one.consumer != nil {
			open = append(open, i)
		}
	}
	if look {
		q.looked, q.pause = q.s.clock(), min(2*q.pause, q.s.pace.look)
	}
	return open
}

// find asks for the consumer of a queue.
func (q *queues) find(ctx context.Context, one *queue) {
	try, cancel := context.WithTimeout(ctx, q.s.pace.try)
	defer cancel()
	c, err := q.s.js.Consumer(try, remote.JobsStream(one.kind.Generator), one.kind.Consumer())
	if err != nil {
		q.failed(err)
		return
	}
	lease := c.CachedInfo().Config.AckWait
	if lease < minLease {
		q.failed(fmt.Errorf("consumer %s lends for %v, at least %v are needed", one.kind.Consumer(), lease, minLease))
		return
	}
	one.consumer, one.lease = c, lease
	q.said = ""
	q.s.log.Info("taking batches", "isa", one.kind.ISA, "lease", one.lease)
}

// pull asks a queue for one batch and waits for it; 0 asks for what is there.
func (q *queues) pull(at int, wait time.Duration) *delivery {
	one := q.list[at]
	if one.consumer == nil {
		return nil
	}
	asked := q.s.clock()
	var batch jetstream.MessageBatch
	var err error
	if wait > 0 {
		batch, err = one.consumer.Fetch(1, jetstream.FetchMaxWait(wait))
	} else {
		batch, err = one.consumer.FetchNoWait(1)
	}
	if err == nil {
		for msg := range batch.Messages() {
			q.last, q.wait = at, firstWait
			return &delivery{msg: msg, kind: one.kind, lease: one.lease, asked: asked}
		}
		err = batch.Error()
	}
	if err != nil {
		// It was deleted, or the hub is away: looking for it again tells.
		one.consumer, q.pause = nil, q.s.pace.retry
		q.failed(err)
	}
	return nil
}

// failed says why there is no queue, once for the same reason.
func (q *queues) failed(err error) {
	for _, usual := range []error{
		jetstream.ErrConsumerNotFound, jetstream.ErrStreamNotFound, jetstream.ErrConsumerDoesNotExist,
		jetstream.ErrConsumerDeleted, nats.ErrNoResponders, context.Canceled,
	} {
		if errors.Is(err, usual) {
			return
		}
	}
	if err.Error() != q.said {
		q.said = err.Error()
		q.s.log.Warn("no batches from the hub", "why", err)
	}
}
