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
	reason  string        // why it is; "" it is not
	pending bool          // reason is this worker's own, and has to be written
	again   time.Duration // when to look again
}

func newAside(s *session) *aside { return &aside{s: s} }

// put puts this worker aside.
func (a *aside) put(why string) {
	a.s.log.Error("putting itself aside", "why", why)
	a.reason, a.pending, a.again = reasonOf([]byte(why)), true, 0
}

// look returns why this worker is put aside; "" where it is not. The bucket is asked
// now and then; where it does not answer, the last answer counts.
func (a *aside) look(ctx context.Context) string {
	if a.s.clock() < a.again {
		return a.reason
	}
	try, cancel := context.WithTimeout(ctx, a.s.pace.try)
	defer cancel()
	var err error
	if a.pending {
		err = a.write(try)
	} else {
		err = a.read(try)
	}
	a.again = a.s.clock() + a.s.pace.look
	if err != nil {
		a.again = a.s.clock() + a.s.again(err)
		a.s.log.Debug("no answer about being put aside", "why", remote.Explain(a.s.cfg.Hub.URL, err))
	}
	return a.reason
}

// write says in the bucket that this worker has put itself aside.
func (a *aside) write(ctx context.Context) error {
	err := a.s.bucket.put(ctx, remote.AsideKey(a.s.cfg.Identity.Name), []byte(a.reason))
	a.pending = err != nil
	return err
}

// read asks the bucket.
func (a *aside) read(ctx context.Context) error {
	entry, err := a.s.bucket.get(ctx, remote.AsideKey(a.s.cfg.Identity.Name))
	was := a.reason
	switch {
	case err == nil:
		a.reason = reasonOf(entry)
	case errors.Is(err, jetstream.ErrKeyNotFound), errors.Is(err, jetstream.ErrBucketNotFound):
		a.reason, err = "", nil
	}
	switch {
	case was == a.reason:
	case a.reason == "":
		a.s.log.Info("let in again")
	default:
		a.s.log.Warn("put aside", "why", a.reason)
	}
	return err
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
