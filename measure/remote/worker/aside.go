package worker

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"qtune/measure/remote"
)

// An aside knows whether this worker is put aside: by an entry of the workers'
// bucket, or by itself where its own entry could not be written yet. Its methods
// are called by one goroutine.
type aside struct {
	s       *session
	reason  string // why it is; "" it is not
	pending bool   // reason is this worker's own, and has to be written
	looked  time.Duration
}

func newAside(s *session) *aside { return &aside{s: s, looked: -s.pace.look} }

// put puts this worker aside.
func (a *aside) put(why string) {
	a.s.log.Error("putting itself aside", "why", why)
	a.reason, a.pending, a.looked = reasonOf([]byte(why)), true, -a.s.pace.look
}

// look returns why this worker is put aside; "" where it is not. The bucket is asked
// now and then; where it does not answer, the last answer counts.
func (a *aside) look(ctx context.Context) string {
	now := a.s.clock()
	if now-a.looked < a.s.pace.look {
		return a.reason
	}
	a.looked = now
	try, cancel := context.WithTimeout(ctx, a.s.pace.try)
	defer cancel()
	if a.pending {
		if err := a.s.bucket.put(try, remote.AsideKey(a.s.cfg.Identity.Name), []byte(a.reason)); err != nil {
			a.s.log.Warn("that it is aside cannot be written", "why", err)
			return a.reason
		}
		a.pending = false
		return a.reason
	}
	entry, err := a.s.bucket.get(try, remote.AsideKey(a.s.cfg.Identity.Name))
	was := a.reason
	switch {
	case err == nil:
		a.reason = reasonOf(entry)
	case errors.Is(err, jetstream.ErrKeyNotFound), errors.Is(err, jetstream.ErrBucketNotFound):
		a.reason = ""
	default:
		a.s.log.Debug("the workers' bucket does not answer", "why", err)
	}
	if was != a.reason {
		if a.reason != "" {
			a.s.log.Warn("put aside", "why", a.reason)
		} else {
			a.s.log.Info("let in again")
		}
	}
	return a.reason
}

// reasonOf makes a reason of what somebody wrote.
func reasonOf(entry []byte) string {
	const longest = 256
	text := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, string(entry[:min(len(entry), longest)]))
	if text = strings.TrimSpace(text); text == "" {
		return "no reason is given"
	}
	return text
}
