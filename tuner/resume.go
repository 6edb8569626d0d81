package tuner

import (
	"context"
	"fmt"
	"slices"
	"time"

	"qtune/kernels"
	"qtune/logs"
	"qtune/measure"
	"qtune/schedules"
	"qtune/tuner/strategy"
)

// A knownTrial is a trial of the store that counts.
type knownTrial struct {
	schedule schedules.Schedule
	result   measure.Result
	time     time.Time
}

// resume takes in what the store knows. Where it is what this very search would
// have done so far, the search goes on as if it had not been interrupted;
// otherwise (another seed, budget or strategy, several logs merged) what is known
// is a start for a new one.
func (t *tuner) resume(ctx context.Context) error {
	known := make([][]knownTrial, len(t.tasks))
	trials, ignored := 0, 0
	for i, k := range t.tasks {
		seen := map[schedules.Schedule]bool{}
		for row, err := range t.cfg.Store.Trials(ctx, k.Workload, t.cfg.Target) {
			if err != nil {
				return fmt.Errorf("reading what is known of %v: %w", k.Workload, err)
			}
			res, ok := t.known(k, row)
			if !ok || seen[row.Schedule] {
				ignored++
				continue
			}
			seen[row.Schedule] = true
			known[i] = append(known[i], knownTrial{row.Schedule, res, row.Time})
			trials++
		}
	}
	if trials > 0 && !t.retrace(known, trials) {
		if err := t.reset(); err != nil {
			return err
		}
		t.adopt(known)
	}
	t.counts.Known = trials
	t.emit(Resumed{Trials: trials, Ignored: ignored, Budget: t.cfg.Trials, Tasks: len(t.tasks), Skipped: t.skipped})
	return nil
}

// retrace plans and takes in batch after batch, with the results that are known
// and in the order of their storing. So strategies, model and budget come to the
// state that they had, random numbers included. What was planned but is not known
// was being measured at the end: it waits to be. It reports whether all that is
// known was met.
func (t *tuner) retrace(known [][]knownTrial, trials int) bool {
	results := map[*task]map[schedules.Schedule]knownTrial{}
	for i, k := range t.tasks {
		results[k] = map[schedules.Schedule]knownTrial{}
		for _, n := range known[i] {
			results[k][n.schedule] = n
		}
	}
	met := 0
	for {
		for len(t.waiting) < t.cfg.Runner.Slots() {
			b := t.next()
			if b == nil {
				break
			}
			t.waiting = append(t.waiting, b)
		}
		first := -1
		var at time.Time
		for i, b := range t.waiting {
			n, ok := results[b.owners[0]][b.jobs[0].Schedule]
			if ok && (first < 0 || n.time.Before(at)) {
				first, at = i, n.time
			}
		}
		if first < 0 {
			return met == trials
		}
		b := t.waiting[first]
		t.waiting = slices.Delete(t.waiting, first, first+1)
		for i, j := range b.jobs {
			n, ok := results[b.owners[i]][j.Schedule]
			if !ok {
				return false
			}
			b.results = append(b.results, n.result)
			met++
		}
		t.digest(b)
	}
}

// adopt tells what is known.
func (t *tuner) adopt(known [][]knownTrial) {
	for i, k := range t.tasks {
		var told []strategy.Trial
		for _, n := range known[i] {
			told = append(told, k.learn(n.schedule, n.result, t.cfg.FailureLimit))
		}
		k.asked = len(told)
		t.planned += len(told)
		k.strategy.Tell(told)
	}
}

// known turns a row into a Result. Rows that do not count are those of another
// protocol or generator, of schedules that the space has no more, and of
// candidates of which nothing is known because their worker was lost.
func (t *tuner) known(k *task, row logs.Trial) (measure.Result, bool) {
	status, err := measure.ParseStatus(row.Status)
	if err != nil || status == measure.WorkerLost ||
		row.Generator != kernels.Generator || row.Protocol != t.cfg.Protocol.String() ||
		k.space.Validate(row.Schedule) != nil {
		return measure.Result{}, false
	}
	return measure.Result{
		Status: status, Message: row.Message, SamplesNS: row.SamplesNS, CodeHash: row.CodeHash,
		Summary: measure.Summary{
			Center: measure.Nanos(row.CenterNS), Lo: measure.Nanos(row.LoNS), Hi: measure.Nanos(row.HiNS),
			N: len(row.SamplesNS),
		},
	}, true
}
