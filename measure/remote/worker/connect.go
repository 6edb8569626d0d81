package worker

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"

	"qtune/measure/remote"
)

// connect waits for the hub. Its error is ctx's, or one that waiting does not mend.
// A connection that the hub refuses later ends the worker through fail.
func (w *Worker) connect(ctx context.Context, fail context.CancelCauseFunc) (*nats.Conn, error) {
	o := w.cfg.Hub
	// An answer must not leave after its lease, so nothing waits for the hub.
	o.Name, o.Log, o.Unbuffered = w.cfg.Identity.Name, w.log, true
	noted := -w.pace.waiting
	for pause := w.pace.retry; ; pause = min(2*pause, w.pace.tired) {
		nc, err := remote.Dial(o)
		if err == nil {
			w.log.Info("connected", "url", nc.ConnectedUrlRedacted())
			closed := func(nc *nats.Conn) {
				err := nc.LastError()
				if err == nil {
					err = nats.ErrConnectionClosed
				}
				fail(remote.Explain(o.URL, err))
			}
			nc.SetClosedHandler(closed)
			if nc.IsClosed() { // already
				closed(nc)
			}
			return nc, nil
		}
		var refusal *remote.Refusal
		if errors.As(err, &refusal) || !retryable(o) {
			return nil, err
		}
		if now := w.clock(); now-noted >= w.pace.waiting {
			w.log.Warn("waiting for the hub", "why", err)
			noted = now
		}
		sleep(ctx, pause)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// retryable tells whether options are right, so that only the hub can be at fault.
func retryable(o remote.Options) bool { return remote.CheckURL(o.URL, o.Credentials) == nil }
