package fleet

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"qtune/measure/remote"
)

// retryTime is how long the reader waits where the hub gives it nothing to read from.
const retryTime = time.Second

// A pull request lasts so long, and the server must be heard of meanwhile: where the
// consumer has gone without a word, that is how it is noticed.
const (
	pullTime = 10 * time.Second
	pullBeat = time.Second
)

// readResults hands answers to the orders that wait for them, for as long as ctx
// lasts. Where its consumer is gone (the tuner was frozen for long, or the hub lost
// its store) it makes another.
func (r *Runner) readResults(ctx context.Context) {
	for ctx.Err() == nil {
		err := r.readFrom(ctx)
		if ctx.Err() != nil {
			return
		}
		r.say("no results from the hub: " + err.Error())
		select {
		case <-time.After(retryTime):
		case <-ctx.Done():
			return
		}
		_ = r.settle(ctx) // where it fails the next reading does too, and says so
	}
}

// readFrom reads from the consumer until it fails.
func (r *Runner) readFrom(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, publishTime)
	defer cancel()
	consumer, err := remote.ResultsConsumer(limited, r.js, r.tuner)
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullExpiry(pullTime), jetstream.PullHeartbeat(pullBeat))
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, messages.Stop)
	defer stop()
	defer messages.Stop()
	for {
		m, err := messages.Next()
		if errors.Is(err, jetstream.ErrNoHeartbeat) && r.cfg.Conn.Status() != nats.CONNECTED {
			continue // the connection comes back, and with it the consumer
		}
		if err != nil {
			return err
		}
		r.receive(m)
	}
}

// receive takes a message of the results stream in.
func (r *Runner) receive(m jetstream.Msg) {
	worker := remote.WorkerOf(m.Subject())
	answer, err := remote.DecodeAnswer(m.Data())
	if err == nil {
		err = r.deliver(worker, answer)
	}
	if err != nil {
		r.cfg.Log.Warn("a message that is no answer", "worker", worker, "error", err)
	}
	// It is acknowledged whatever it is: it would not be better the next time. An
	// acknowledgement that is lost brings it again, to be counted as late.
	_ = m.Ack()
}

// deliver gives an answer to its order. Answers that nobody waits for are late: the
// batch was measured twice, or given up.
func (r *Runner) deliver(worker string, a *remote.Answer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	o, ok := r.mu.orders[a.Batch]
	if !ok {
		r.cfg.Log.Debug("a late answer", "worker", worker, "batch", a.Batch)
		return nil
	}
	batch := o.batch
	batch.ID = a.Batch
	if err := a.Fits(&batch, worker); err != nil {
		// The worker has acknowledged the batch: nobody will measure it again by itself.
		r.mu.judge.strike(worker)
		o.tell(outcome{again: true})
		return err
	}
	o.tell(outcome{answer: a})
	return nil
}

// beat takes in that a worker is at a batch.
func (r *Runner) beat(m *nats.Msg) {
	worker := remote.WorkerOf(m.Subject)
	b, err := remote.DecodeBeat(m.Data)
	if err != nil {
		r.cfg.Log.Warn("a message that is no beat", "worker", worker, "error", err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	o, ok := r.mu.orders[b.Batch]
	if !ok || b.Batch != o.batch.ID {
		return
	}
	if b.Back {
		o.giveBack(worker)
		return
	}
	if o.holder != worker || o.attempt != b.Attempt {
		if o.holder != "" {
			r.cfg.Log.Info("a batch goes to another worker", "batch", b.Batch, "lost", o.holder, "worker", worker)
		}
		o.holder, o.attempt = worker, b.Attempt
		if !slices.Contains(o.holders, worker) || len(o.holders) < b.Attempt {
			o.holders = append(o.holders, worker)
		}
	}
	o.beat = time.Now()
}

// giveBack notes that a worker has an order no more, which was not the order's fault.
func (o *order) giveBack(worker string) {
	if i := slices.Index(o.holders, worker); i >= 0 {
		o.holders = slices.Delete(o.holders, i, i+1)
	}
	if o.holder == worker {
		o.holder, o.since = "", time.Now()
	}
}
