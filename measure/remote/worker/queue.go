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
	again    time.Duration // when to look for the consumer again
	pause    time.Duration // from that look to the one after
}

// queues are a worker's queues. They are used by one goroutine.
type queues struct {
	s    *session
	list []*queue
	turn int           // whose turn it is in list
	last int           // which gave the last batch
	wait time.Duration // how long the next pull waits
	said string        // of the last failure
}

// minLease is the shortest lease that beats can extend.
const minLease = 100 * time.Millisecond

// firstWait is how long the first pull waits at an empty queue; each further one
// waits twice as long.
const firstWait = 20 * time.Millisecond

func newQueues(s *session) *queues {
	q := &queues{s: s, wait: firstWait}
	for _, isa := range s.cfg.ISAs {
		k := remote.Kind{Generator: s.cfg.Identity.Generator, ISA: isa, Class: s.cfg.Identity.Machine.Class()}
		q.list = append(q.list, &queue{kind: k, pause: s.pace.retry})
	}
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
	open, again := q.open(ctx)
	if len(open) == 0 {
		sleep(ctx, again-q.s.clock())
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

// open looks for the consumers that are missing, where it is time, and returns which
// there are, and when to look for the others.
func (q *queues) open(ctx context.Context) (open []int, again time.Duration) {
	again = q.s.clock() + q.s.pace.report
	for i, one := range q.list {
		if one.consumer == nil && q.s.clock() >= one.again {
			q.find(ctx, one)
		}
		if one.consumer != nil {
			open = append(open, i)
		} else {
			again = min(again, one.again)
		}
	}
	return open, again
}

// find asks for the consumer of a queue.
func (q *queues) find(ctx context.Context, one *queue) {
	try, cancel := context.WithTimeout(ctx, q.s.pace.try)
	defer cancel()
	c, err := q.s.js.Consumer(try, remote.JobsStream(one.kind.Generator), one.kind.Consumer())
	if err == nil {
		one.lease = c.CachedInfo().Config.AckWait
		if one.lease < minLease {
			err = fmt.Errorf("consumer %s lends for %v, at least %v are needed", one.kind.Consumer(), one.lease, minLease)
		}
	}
	if err != nil {
		one.again = q.s.clock() + min(one.pause, q.s.again(err))
		one.pause = min(2*one.pause, q.s.again(err))
		if ctx.Err() == nil {
			q.failed(err)
		}
		return
	}
	one.consumer, one.pause = c, q.s.pace.retry
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
		one.consumer, one.again = nil, q.s.clock()+one.pause
		q.failed(err)
	}
	return nil
}

// failed says why there are no batches, once for the same reason. That nobody wants
// any is none.
func (q *queues) failed(err error) {
	if missing(err) {
		return
	}
	if err = remote.Explain(q.s.cfg.Hub.URL, err); err.Error() != q.said {
		q.said = err.Error()
		q.s.log.Warn("no batches", "why", err)
	}
}

// missing tells whether an error says no more than that something is not there, as
// no tuner has made it yet.
func missing(err error) bool {
	for _, usual := range []error{
		jetstream.ErrConsumerNotFound, jetstream.ErrStreamNotFound, jetstream.ErrConsumerDoesNotExist, jetstream.ErrConsumerDeleted,
		jetstream.ErrBucketNotFound, nats.ErrNoResponders,
	} {
		if errors.Is(err, usual) {
			return true
		}
	}
	return false
}

// again is when to ask the hub for something again that it did not give: soon where
// it is not there yet, or the hub is away. Silence of a hub that is there is most
// often a permission that is missing, and each wait for it is time without batches.
func (s *session) again(err error) time.Duration {
	if missing(err) || !s.nc.IsConnected() {
		return s.pace.look
	}
	return s.pace.report
}
