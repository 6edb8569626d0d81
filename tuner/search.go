package tuner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qtune/logs"
	"qtune/measure"
	"qtune/schedules"
	"qtune/tuner/strategy"
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

// A batch is a call of the runner.
type batch struct {
	owners  []*task
	jobs    []measure.Job
	results []measure.Result
	err     error
}

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
	finished := make(chan *batch)
	running := 0
	var failed error
	for {
		for failed == nil && ctx.Err() == nil && running < t.cfg.Runner.Slots() {
			b := t.pending()
			if b == nil {
				break
			}
			running++
			go func() {
				b.results, b.err = t.cfg.Runner.Measure(measuring, b.jobs)
				finished <- b
			}()
		}
		if running == 0 {
			t.reportEnded()
			return errors.Join(failed, t.save(measuring))
		}
		select {
		case b := <-finished:
			running--
			failed = errors.Join(failed, t.take(measuring, b))
			t.reportEnded()
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

// pending returns the next batch to measure: one that waits, or a new one; nil if
// there is none.
func (t *tuner) pending() *batch {
	if len(t.waiting) > 0 {
		b := t.waiting[0]
		t.waiting = t.waiting[1:]
		return b
	}
	return t.next()
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

// endFlat ends the search of tasks that have gone flat.
func (t *tuner) endFlat() {
	for _, k := range t.tasks {
		if k.ended == "" && k.flat() {
			k.ended = fmt.Sprintf("flat: nothing new in %d trials, and the model expects less than can be measured", recentTrials)
		}
	}
}

// next makes the next batch; nil if there is none.
func (t *tuner) next() *batch {
	for {
		t.endFlat()
		shares := plan(t.tasks, t.reachable(), t.cfg.Trials-t.planned, t.cfg.Batch)
		if shares == nil {
			return nil
		}
		b := new(batch)
		for _, s := range shares {
			t.add(b, s.task, s.task.ask(s.n))
		}
		if len(b.jobs) > 0 {
			return b
		}
	}
}

func (t *tuner) add(b *batch, k *task, asked []schedules.Schedule) {
	for _, s := range asked {
		j := t.job(k, s, t.cfg.Protocol)
		j.GiveUp = hopeless * k.time()
		b.jobs = append(b.jobs, j)
		b.owners = append(b.owners, k)
	}
	if len(asked) > 0 {
		k.inFlight++
	}
	t.planned += len(asked)
}

// take takes a batch's results in.
func (t *tuner) take(ctx context.Context, b *batch) error {
	if b.err != nil {
		b.results = nil
	}
	told, improved := t.digest(b)
	t.unsaved = append(t.unsaved, told...)
	for _, e := range improved {
		t.emit(e)
	}
	switch {
	case b.err != nil && errors.Is(b.err, ctx.Err()):
		return nil // ended while it was measured: as if it had not begun
	case b.err != nil:
		return fmt.Errorf("measuring: %w", b.err)
	case t.lost > lostLimit:
		return fmt.Errorf("measuring: %d results in a row were lost, the last: %s", t.lost, b.results[len(b.results)-1].Message)
	}
	return nil
}

// digest tells tasks and strategies what became of a batch. It returns the trials,
// and which of them are a task's new best. Lost ones are neither: they are asked
// again.
func (t *tuner) digest(b *batch) (told []trialOfTask, improved []Improved) {
	tell := map[*task][]strategy.Trial{}
	var order []*task // of tell, so that the run does not depend on a map's order
	for _, k := range b.owners {
		if _, ok := tell[k]; !ok {
			tell[k] = nil
			order = append(order, k)
			k.inFlight--
		}
	}
	for i, r := range b.results {
		k, s := b.owners[i], b.jobs[i].Schedule
		if r.Status == measure.WorkerLost && t.again(k, s) {
			t.lost++
			continue
		}
		t.lost = 0
		before := k.best
		tell[k] = append(tell[k], k.learn(s, r, t.cfg.FailureLimit))
		told = append(told, trialOfTask{k, s, r})
		if k.best != before {
			improved = append(improved, Improved{Task: k.index, Workload: k.Workload, Schedule: s, Time: k.time(), Before: before.summary.Center, Default: k.fallback})
		}
	}
	for _, k := range order {
		k.strategy.Tell(tell[k])
	}
	return told, improved
}

// again has a lost candidate measured once more, if its task goes on.
func (t *tuner) again(k *task, s schedules.Schedule) bool {
	if k.retried[s] || k.ended != "" {
		return false
	}
	k.retried[s] = true
	k.retry = append(k.retry, s)
	k.asked--
	t.planned--
	return true
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
		t.counts.ByStatus[u.result.Status]++
		if u.result.Status != measure.OK {
			t.emit(Failed{Task: u.task.index, Workload: u.task.Workload, Schedule: u.schedule, Status: u.result.Status, Message: u.result.Message})
		}
	}
	t.unsaved = t.unsaved[:0]
	t.emit(t.progress())
	return nil
}

// reportEnded reports tasks that go on no more, each once.
func (t *tuner) reportEnded() {
	for _, k := range t.tasks {
		if k.ended != "" && !k.endReported && k.inFlight == 0 {
			k.endReported = true
			t.emit(Ended{Task: k.index, Workload: k.Workload, Reason: k.ended})
		}
	}
}
