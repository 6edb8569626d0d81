package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"qtune/measure"
	"qtune/measure/remote"
)

// outcome is what became of a batch.
type outcome string

// Outcomes.
const (
	answered  outcome = "answered"
	refused   outcome = "refused"
	lost      outcome = "lost"       // it may be another worker's
	givenBack outcome = "given back" // for another worker
)

var outcomes = []outcome{answered, refused, lost, givenBack}

// errMismatch is a batch by one tuner in the name of another.
var errMismatch = errors.New("it is not by the tuner that it names")

// serve does what a delivery asks for, as long as its lease and ctx last.
func (s *session) serve(ctx context.Context, d *delivery, fit *fitness) outcome {
	batch, err := remote.DecodeBatch(d.msg.Data())
	if batch != nil && remote.TunerOfJob(d.msg.Subject()) != batch.Tuner {
		batch, err = nil, errMismatch
	}
	if batch == nil {
		s.log.Warn("unreadable batch", "subject", d.msg.Subject(), "why", err)
		if err := d.msg.TermWithReason(oneLine(err.Error())); err != nil {
			s.log.Warn("unreadable batch", "ending it", err)
		}
		return refused
	}
	w := s.hold(ctx, d, batch)
	defer w.end()
	answer := &remote.Answer{Batch: batch.ID, Attempt: w.attempt, Worker: s.cfg.Identity, Refused: s.refusal(d, batch, err)}
	if answer.Refused == "" {
		if answer.Results, err = w.measure(); err != nil {
			return w.unmeasured(err, fit)
		}
		s.board.measured(answer.Results)
		fit.measured(answer.Results)
	}
	if err := w.answer(answer); err != nil {
		return w.unmeasured(err, fit)
	}
	if answer.Refused != "" {
		s.log.Warn("refused", "batch", batch.ID, "tuner", batch.Tuner, "why", answer.Refused)
		return refused
	}
	fit.worked()
	s.log.Debug("answered", "batch", batch.ID, "attempt", w.attempt, "jobs", len(batch.Jobs), "after", s.clock()-d.asked)
	return answered
}

// refusal says why a batch is not for this worker; "" where it is. err is what
// decoding it said.
func (s *session) refusal(d *delivery, b *remote.Batch, err error) string {
	switch name := s.cfg.Identity.Name; {
	case err != nil:
		return oneLine(err.Error())
	case b.Kind != d.kind:
		return fmt.Sprintf("it is for %v; %s measures %v", b.Kind, name, d.kind)
	case b.Avoid == name:
		return fmt.Sprintf("another worker than %s is asked for", name)
	case s.cfg.MaxBatch > 0 && len(b.Jobs) > s.cfg.MaxBatch:
		return fmt.Sprintf("%d jobs; %s takes at most %d", len(b.Jobs), name, s.cfg.MaxBatch)
	}
	return ""
}

// A loan is a batch under a lease.
type loan struct {
	*session
	d       *delivery
	batch   *remote.Batch
	attempt int
	lease   *lease
	ctx     context.Context // ends when the work on it should; Cause errLost where the lease is lost
	cancel  context.CancelCauseFunc
	beats   sync.WaitGroup
}

// hold begins to extend a lease.
func (s *session) hold(ctx context.Context, d *delivery, b *remote.Batch) *loan {
	w := &loan{session: s, d: d, batch: b, attempt: 1, lease: newLease(s.clock, d.lease, d.asked)}
	if m, err := d.msg.Metadata(); err == nil {
		w.attempt = int(m.NumDelivered)
	}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	w.beats.Go(func() { w.lease.keep(w.ctx, w.beat, func() { w.cancel(errLost) }) })
	return w
}

// end stops extending the lease.
func (w *loan) end() {
	w.cancel(nil)
	w.beats.Wait()
}

// beat tells the tuner, and the hub, whose reply says that it has extended the lease.
func (w *loan) beat(ctx context.Context) error {
	if err := w.tell(remote.Beat{Batch: w.batch.ID, Attempt: w.attempt}); err != nil {
		return err
	}
	_, err := w.nc.RequestWithContext(ctx, w.d.msg.Reply(), []byte("+WPI"))
	return err
}

// tell sends the tuner a beat.
func (w *loan) tell(b remote.Beat) error {
	data, err := b.Encode()
	if err != nil {
		return err
	}
	return w.nc.Publish(remote.BeatSubject(w.batch.Tuner, w.cfg.Identity.Name), data)
}

// measure has the batch measured. Its error is errLost, ctx's, or the Runner's.
func (w *loan) measure() ([]measure.Result, error) {
	if w.attempt > 1 {
		w.log.Info("another worker had it", "batch", w.batch.ID, "attempt", w.attempt)
	}
	start := time.Now()
	results, err := w.cfg.Runner.Measure(w.ctx, w.batch.Jobs)
	w.metrics.seconds.Add(time.Since(start).Seconds())
	if w.ctx.Err() != nil {
		return nil, context.Cause(w.ctx)
	}
	if err == nil && len(results) != len(w.batch.Jobs) {
		err = fmt.Errorf("%d results for %d jobs", len(results), len(w.batch.Jobs))
	}
	if err != nil {
		return nil, fmt.Errorf("measuring: %w", err)
	}
	return results, nil
}

// answer publishes an answer until the stream of answers has it, and then ends the
// loan. Nothing is sent once the lease is lost.
func (w *loan) answer(a *remote.Answer) error {
	data, err := a.Encode()
	if err != nil { // what a Runner should not give
		a.Results, a.Refused = nil, err.Error()
		if data, err = a.Encode(); err != nil {
			return err
		}
	}
	msg := &nats.Msg{Subject: remote.ResultSubject(w.batch.Tuner, w.cfg.Identity.Name), Data: data}
	err = w.insist("answering", func(ctx context.Context) error {
		// A try is one message: between two the lease is looked at.
		ack, err := w.js.PublishMsg(ctx, msg, jetstream.WithMsgID(a.Batch), jetstream.WithExpectStream(remote.ResultsStream), jetstream.WithRetryAttempts(0))
		if err == nil && ack.Duplicate {
			w.log.Info("answered before", "batch", a.Batch)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := w.insist("acknowledging", w.d.msg.DoubleAck); err != nil {
		// The answer is there: whoever measures it again does so for nothing.
		w.log.Warn("a batch that is answered may be lent again", "batch", a.Batch, "why", err)
	}
	return nil
}

// insist tries something until it works, as long as the lease lasts.
func (w *loan) insist(what string, try func(context.Context) error) error {
	deadline := w.clock() + w.pace.publish
	for pause := w.pace.retry; ; pause = min(2*pause, w.pace.tired) {
		left := w.lease.left()
		if left <= 0 {
			return errLost
		}
		ctx, cancel := context.WithTimeout(w.ctx, min(left, w.pace.try))
		err := try(ctx)
		cancel()
		switch {
		case err == nil:
			return nil
		case w.ctx.Err() != nil:
			return context.Cause(w.ctx)
		case w.clock() > deadline:
			return fmt.Errorf("%s: %w", what, err)
		}
		w.log.Warn(what, "batch", w.batch.ID, "error", remote.Explain(w.cfg.Hub.URL, err))
		sleep(w.ctx, pause)
	}
}

// unmeasured ends a loan without an answer.
func (w *loan) unmeasured(err error, fit *fitness) outcome {
	if errors.Is(err, errLost) || !w.lease.held() {
		w.log.Warn("given up", "batch", w.batch.ID, "why", errLost)
		return lost
	}
	delay := time.Duration(0)
	if w.ctx.Err() == nil { // not the end of this worker: it is at fault
		delay = w.troubled(fit, err)
	}
	back := w.tell(remote.Beat{Batch: w.batch.ID, Attempt: w.attempt, Back: true})
	if err := errors.Join(back, w.d.msg.NakWithDelay(delay)); err != nil {
		w.log.Warn("giving back", "batch", w.batch.ID, "error", err)
	}
	return givenBack
}

// troubled notes that nothing could be measured or answered, and returns for how
// long nothing will be taken.
func (s *session) troubled(fit *fitness, err error) time.Duration {
	pause := fit.failed(s.clock(), err)
	s.log.Warn("pausing", "why", err, "for", pause)
	return pause
}

// oneLine makes one line of a text that may have several.
func oneLine(text string) string { return strings.ReplaceAll(strings.TrimSpace(text), "\n", "; ") }
