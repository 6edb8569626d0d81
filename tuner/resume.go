package tuner

import (
	"context"
	"fmt"

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
}

// resume takes in what the store knows. Where it is what this very search would
// have done so far, the search goes on as if it had not been interrupted;
// otherwise (another seed, budget or strategy, several logs merged) what is known
// is a start for a new one.
func (t *tuner) resume(ctx context.Context) error {
	known := make([][]knownTrial, len(t.tasks))
	ignored := 0
	for i, k := range t.tasks {
		at := map[schedules.Schedule]int{} // in known[i]
		for row, err := range t.cfg.Store.Trials(ctx, k.Workload, t.cfg.Target) {
			if err != nil {
				return fmt.Errorf("reading what is known of %v: %w", k.Workload, err)
			}
			res, ok := t.known(k, row)
			n, twice := at[row.Schedule]
			switch {
			case !ok || twice && known[i][n].result.Status != measure.WorkerLost:
				ignored++
			case twice:
				known[i][n].result = res
				ignored++
			default:
				at[row.Schedule] = len(known[i])
				known[i] = append(known[i], knownTrial{row.Schedule, res})
			}
		}
	}
	if !t.retrace(known) {
		if err := t.reset(); err != nil {
			return err
		}
		ignored += t.adopt(known)
	}
	for _, k := range t.tasks {
		t.counts.Known += k.stored
	}
	t.emit(Resumed{Trials: t.counts.Known, Ignored: ignored, Budget: t.cfg.Trials, Tasks: len(t.tasks), Skipped: t.skipped})
	return nil
}

// retrace plans and learns as the search does, with results that are known. So
// strategies, model and budget come to the state that they had, random numbers
// included. What was planned but is not known was being measured at the end: it is
// the window, to be measured. It reports whether all that is known was met.
func (t *tuner) retrace(known [][]knownTrial) bool {
	for i, k := range t.tasks {
		k.known = map[schedules.Schedule]measure.Result{}
		for _, n := range known[i] {
			k.known[n.schedule] = n.result
		}
	}
	t.advance()
	for _, k := range t.tasks {
		if len(k.known) > 0 {
			return false
		}
	}
	return true
}

// adopt tells what is known, but for what was lost, which may be tried again. It
// returns how many those were.
func (t *tuner) adopt(known [][]knownTrial) (lost int) {
	for i, k := range t.tasks {
		var told []strategy.Trial
		for _, n := range known[i] {
			if n.result.Status == measure.WorkerLost {
				lost++
				continue
			}
			told = append(told, k.learn(n.schedule, n.result, t.cfg.FailureLimit))
		}
		k.asked, k.stored = len(told), len(told)
		t.planned += len(told)
		k.strategy.Tell(told)
	}
	return lost
}

// known turns a row into a Result. Rows that do not count are those of another
// protocol or generator, and of schedules that the space has no more.
func (t *tuner) known(k *task, row logs.Trial) (measure.Result, bool) {
	status, err := measure.ParseStatus(row.Status)
	if err != nil ||
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
