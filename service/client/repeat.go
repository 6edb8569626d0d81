package client

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// A pace says how requests are repeated that fail for the moment.
type pace struct {
	first, most time.Duration // pauses; each is twice the one before
	away        time.Duration // for how long in all, where nobody answers: a service starts anew in less
	busy        time.Duration // and where the service, or what is in front of it, says that it cannot now
}

var defaultPace = pace{first: 100 * time.Millisecond, most: time.Second, away: 3 * time.Second, busy: 30 * time.Second}

// repeat calls f, which makes a request, until it succeeds or fails for good. Where
// f is not safe, it is not called again once the service may have heard it.
func (c *Client) repeat(ctx context.Context, safe bool, f func() error) error {
	begun := time.Now()
	for pause := c.pace.first; ; pause = min(2*pause, c.pace.most) {
		err := f()
		patience, least := c.pace.judge(err, safe)
		wait := max(pause, least)
		if time.Since(begun)+wait > patience {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// judge tells for how long in all a request that had an outcome is repeated, 0 for
// not at all, and how long to wait at least.
func (p pace) judge(err error, safe bool) (patience, least time.Duration) {
	var (
		status *StatusError
		name   *net.DNSError
		op     *net.OpError
	)
	switch {
	case errors.As(err, &status):
		switch status.Status {
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			return p.busy, status.RetryAfter
		case http.StatusBadGateway: // the proxy may have had a part of an answer
			if safe {
				return p.busy, status.RetryAfter
			}
		}
		return 0, 0
	case errors.As(err, &name): // more likely misspelt than gone
		return 0, 0
	case errors.As(err, &op) && op.Op == "dial":
		return p.away, 0
	case errors.As(err, &op) && (op.Op == "read" || op.Op == "write") || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		if safe {
			return p.away, 0
		}
	}
	return 0, 0 // among them ctx's end, and what is wrong with a certificate
}
