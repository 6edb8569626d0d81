package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"qtune/measure"
	"qtune/measure/remote"
)

// An order is a batch under way. The Runner's lock guards it.
type order struct {
	batch remote.Batch
	ids   []string // that it had; the last is the batch's
	seq   uint64   // in the jobs stream; 0 = not there yet
	since time.Time

	holder  string    // the worker that has it; "" = none yet
	holders []string  // all that took it
	attempt int       // of the holder
	beat    time.Time // the holder's last

	missing int // times in a row that the stream did not have it
	outcome chan outcome
}

// An outcome is an answer, or the end of hope for one.
type outcome struct {
	answer *remote.Answer
	// lost says that all workers that may try it were lost.
	lost []string
	// again says that the batch is nowhere any more.
	again bool
}

// tell ends the wait for an order; the first outcome counts.
func (o *order) tell(out outcome) {
	select {
	case o.outcome <- out:
	default:
	}
}

// place puts a batch in and waits for what becomes of it.
func (r *Runner) place(ctx context.Context, jobs []measure.Job, avoid string) (outcome, error) {
	o := &order{batch: remote.Batch{Tuner: r.tuner, Kind: r.cfg.Kind, Jobs: jobs, Avoid: avoid}, outcome: make(chan outcome, 1)}
	defer r.forget(o)
	for {
		r.register(o)
		if err := r.publish(ctx, o); err != nil {
			return outcome{}, err
		}
		select {
		case out := <-o.outcome:
			if out.again {
				continue
			}
			return out, nil
		case <-ctx.Done():
			r.mu.Lock()
			seq := o.seq
			r.mu.Unlock()
			r.withdraw(seq)
			return outcome{}, ctx.Err()
		}
	}
}

// register gives an order a new ID. Answers to its old ones still count.
func (r *Runner) register(o *order) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o.batch.ID = fmt.Sprintf("%s-%d", r.tuner, r.mu.next)
	r.mu.next++
	o.ids = append(o.ids, o.batch.ID)
	o.seq, o.since, o.holder, o.holders, o.attempt, o.missing = 0, time.Now(), "", nil, 0, 0
	r.mu.orders[o.batch.ID] = o
}

func (r *Runner) forget(o *order) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range o.ids {
		delete(r.mu.orders, id)
	}
}

// Waits between attempts to put a batch in.
const (
	publishTime   = 5 * time.Second
	firstPublish  = 50 * time.Millisecond
	slowestResend = 2 * time.Second
)

// publish puts the batch into the jobs stream, as often as it takes: the hub may be
// away, or its disk full. The ID keeps a repeated message from being a second one.
func (r *Runner) publish(ctx context.Context, o *order) error {
	data, err := o.batch.Encode()
	if err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	wait := firstPublish
	for {
		limited, cancel := context.WithTimeout(ctx, publishTime)
		ack, err := r.js.Publish(limited, r.cfg.Kind.Subject(r.tuner), data, jetstream.WithMsgID(o.batch.ID))
		cancel()
		if err == nil {
			r.mu.Lock()
			o.seq, o.since = ack.Sequence, time.Now()
			r.mu.Unlock()
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, nats.ErrConnectionClosed) {
			return fmt.Errorf("fleet: %w", errClosed)
		}
		r.say("the hub does not take batches: " + err.Error())
		if gone(err) {
			if err := r.settle(ctx); err != nil && ctx.Err() == nil {
				r.say("the hub does not make streams: " + err.Error())
			}
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
		wait = min(2*wait, slowestResend)
	}
}

// gone tells whether an error means that the stream is not there.
func gone(err error) bool {
	return errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders) ||
		errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrConsumerDeleted)
}

// withdraw takes a batch that nobody waits for out of the stream, if it is there.
func (r *Runner) withdraw(seq uint64) {
	if seq == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	// Best effort: what stays goes when the tuner leaves.
	if s, err := r.js.Stream(ctx, remote.JobsStream(r.cfg.Kind.Generator)); err == nil {
		_ = s.DeleteMsg(ctx, seq)
	}
}
