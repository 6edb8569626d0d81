package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"qtune/measure/remote"
)

// errLost ends the work on a batch that may be another worker's by now.
var errLost = errors.New("no beat got through: the batch is given up")

// A lease says whether a batch is still this worker's. The hub extends it with each
// beat, at the earliest when the beat is sent: from there it is counted.
type lease struct {
	clock  func() time.Duration
	length time.Duration
	mu     struct {
		sync.Mutex
		beat time.Duration // when the last beat that got through was sent
		lost bool
	}
}

// newLease makes the lease of a batch that was asked for at a time of the clock.
func newLease(clock func() time.Duration, length, asked time.Duration) *lease {
	l := &lease{clock: clock, length: length}
	l.mu.beat = asked
	return l
}

// left is how long the lease is believed in without another beat; 0 or less means
// that it is lost, for good: a beat that gets through later would extend the lease
// of whoever has the batch then.
func (l *lease) left() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := l.mu.beat + remote.GiveUp(l.length) - l.clock()
	if left <= 0 {
		l.mu.lost = true
	}
	if l.mu.lost {
		return 0
	}
	return left
}

func (l *lease) held() bool { return l.left() > 0 }

// confirm notes that a beat got through which was sent at a time of the clock.
func (l *lease) confirm(sent time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.beat = max(l.mu.beat, sent)
}

// keep beats, at once and every remote.BeatInterval, until ctx ends; where the
// lease is lost it says so and returns.
func (l *lease) keep(ctx context.Context, beat func(context.Context) error, lost func()) {
	interval := remote.BeatInterval(l.length)
	for ctx.Err() == nil {
		sent := l.clock()
		left := l.left()
		if left <= 0 {
			lost()
			return
		}
		try, cancel := context.WithTimeout(ctx, min(left, interval))
		err := beat(try)
		cancel()
		pause := interval
		if err == nil {
			l.confirm(sent)
		} else {
			pause = interval / 8 // it may be the hub's restart
		}
		sleep(ctx, min(pause, l.left()))
	}
}
