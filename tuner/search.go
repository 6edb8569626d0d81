package tuner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qtune/logs"
	"qtune/measure"
)

// Times of the loop.
const (
	// saveInterval is how long a result may wait to be committed with others.
	saveInterval = 250 * time.Millisecond
	// drainTime is how long an ended search waits for what is being measured.
	drainTime = 2 * time.Second
)

// hopeless is the multiple of a task's best time beyond which a candidate is
// measured no closer: it will not be among the leaders.
const hopeless = 1.25

// lostLimit is how many results in a row may be lost before measuring is given
// up: then it is not the candidates.
const lostLimit = 50

// search spends the budget. It returns when that is spent, no task goes on, the
// time is up, ctx has ended, or nothing can be measured or stored any more.
func (t *tuner) search(ctx context.Context) error {
	measuring, cancel := drained(ctx)
	defer cancel()
	if t.cfg.Time > 0 {
		limited, cancel := context.WithTimeout(ctx, t.cfg.Time)
		defer cancel()
		ctx = limited
	}
	t.lastSaved = time.Now()
	tick := time.NewTicker(t.cfg.saveEvery)
	defer tick.Stop()
	arrivals := make(chan arrival)
	running := 0
	var failed error
	going := func() bool { return failed == nil && ctx.Err() == nil }
	begin := func() {
		for going() && running < t.cfg.Runner.Slots() {
			b := t.pending()
			if b == nil {
				return
			}
			running++
			jobs := b.openJobs()
			go func() {
				results, err := t.cfg.Runner.Measure(measuring, jobs)
				arrivals <- arrival{b, results, err}
			}()
		}
	}
	for {
		begin() // before planning, which takes a while
		if going() {
			t.announce(t.advance())
			begin()
		}
		if running == 0 {
			t.announce(t.finish())
			return errors.Join(failed, t.save(measuring))
		}
		select {
		case a := <-arrivals:
			running--
			failed = errors.Join(failed, t.take(measuring, a))
		case <-tick.C:
		}
		if failed == nil && time.Since(t.lastSaved) >= t.cfg.saveEvery {
			failed = t.save(measuring)
		}
		if failed != nil {
			cancel() // results that cannot be stored are not worth waiting for
		}
	}
}

// An arrival is the runner's answer about the open jobs of a batch.
type arrival struct {
	batch   *batch
	results []measure.Result
	err     error
}

// drained returns a context that ends a while after ctx, so that what is being
// measured then is not lost.
func drained(ctx context.Context) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(drainTime):
			cancel()
		case <-late.Done():
		}
	})
	return late, func() { stop(); cancel() }
}

// reachable is how many trials there will be, known ones included: all, or as many
// as the time allows at the pace so far.
func (t *tuner) reachable() int {
	if t.cfg.Time == 0 || t.counts.New == 0 {
		return t.cfg.Trials
	}
	pace := float64(t.counts.New) / float64(time.Since(t.started))
	return min(t.cfg.Trials, t.counts.Known+int(pace*float64(t.cfg.Time)))
}

// take takes the runner's answer in.
func (t *tuner) take(ctx context.Context, a arrival) error {
	switch {
	case a.err != nil && errors.Is(a.err, ctx.Err()):
		return nil // ended while it was measured: as if it had not begun
	case a.err != nil:
		return fmt.Errorf("measuring: %w", a.err)
	}
	t.arrive(a.batch, a.results)
	if t.lost > lostLimit {
		return fmt.Errorf("measuring: %d results in a row were lost, the last: %s", t.lost, a.results[len(a.results)-1].Message)
	}
	return nil
}

// save commits the results that are waiting, and reports them.
func (t *tuner) save(ctx context.Context) error {
	t.lastSaved = time.Now()
	if len(t.unsaved) == 0 {
		return nil
	}
	rows := make([]logs.Trial, len(t.unsaved))
	for i, u := range t.unsaved {
		rows[i] = t.row(u)
	}
	// Not to be interrupted: it takes milliseconds, and is why there is a store.
	if err := t.cfg.Store.Append(context.WithoutCancel(ctx), rows); err != nil {
		return fmt.Errorf("storing trials: %w", err)
	}
	for _, u := range t.unsaved {
		t.counts.New++
		u.task.stored++
		t.counts.ByStatus[u.result.Status]++
		if u.result.Status != measure.OK {
			t.emit(Failed{Task: u.task.index, Workload: u.task.Workload, Schedule: u.schedule, Status: u.result.Status, Message: u.result.Message})
		}
	}
	t.unsaved = t.unsaved[:0]
	t.emit(t.progress())
	return nil
}

// announce reports new bests, and tasks that go on no more, each once.
func (t *tuner) announce(improved []Improved) {
	for _, e := range improved {
		t.emit(e)
	}
	for _, k := range t.tasks {
		if k.ended != "" && !k.endReported && k.inFlight == 0 {
			k.endReported = true
			t.emit(Ended{Task: k.index, Workload: k.Workload, Reason: k.ended})
		}
	}
}
