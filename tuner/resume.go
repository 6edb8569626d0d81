package tuner

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"qtune/kernels"
	"qtune/logs"
	"qtune/measure"
	"qtune/schedules"
	"qtune/tuner/strategy"
)

// A knownTrial is a trial of the store.
type knownTrial struct {
	schedule schedules.Schedule
	result   measure.Result
}

// maxSuggested is how many schedules of another code generator's trials are tried
// of each task.
const maxSuggested = 3

// resume takes in what the store knows. Where it is what this very search would
// have done so far, the search goes on as if it had not been interrupted;
// otherwise (another seed, budget or strategy, several logs merged) what is known
// is a start for a new one.
func (t *tuner) resume(ctx context.Context) error {
	known := make([][]knownTrial, len(t.tasks))
	ignored, suggested := 0, 0
	for i, k := range t.tasks {
		var rows, stale trialSet
		for row, err := range t.cfg.Store.Trials(ctx, k.Workload, t.cfg.Target) {
			if err != nil {
				return fmt.Errorf("reading what is known of %v: %w", k.Workload, err)
			}
			res, ok := t.known(k, row)
			switch {
			case ok && row.Generator == kernels.Generator && rows.add(row.Schedule, res):
				continue
			case ok && row.Generator != kernels.Generator:
				stale.add(row.Schedule, res)
			}
			ignored++
		}
		known[i] = rows.list
		k.suggested = stale.fastest(maxSuggested, k.space.Start())
		suggested += len(k.suggested)
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
	t.emit(Resumed{Trials: t.counts.Known, Ignored: ignored, Suggested: suggested, Budget: t.cfg.Trials, Tasks: len(t.tasks), Skipped: t.skipped})
	if t.counts.Known > 0 {
		t.emit(t.progress()) // there may be nothing to add
	}
	return nil
}

// A trialSet holds one trial of each schedule.
type trialSet struct {
	list []knownTrial
	at   map[schedules.Schedule]int // in list
}

// add adds the first trial of a schedule, or one in place of a trial that was lost.
// It reports whether the set has become larger.
func (s *trialSet) add(c schedules.Schedule, r measure.Result) bool {
	if i, ok := s.at[c]; ok {
		if s.list[i].result.Status == measure.WorkerLost {
			s.list[i].result = r
		}
		return false
	}
	if s.at == nil {
		s.at = map[schedules.Schedule]int{}
	}
	s.at[c] = len(s.list)
	s.list = append(s.list, knownTrial{c, r})
	return true
}

// fastest returns the n fastest schedules, but for one.
func (s *trialSet) fastest(n int, but schedules.Schedule) []schedules.Schedule {
	ranked := slices.DeleteFunc(slices.Clone(s.list), func(k knownTrial) bool {
		return k.result.Status != measure.OK || k.schedule == but
	})
	slices.SortFunc(ranked, func(a, b knownTrial) int {
		return cmp.Or(cmp.Compare(a.result.Summary.Center, b.result.Summary.Center), cmp.Compare(a.schedule.String(), b.schedule.String()))
	})
	var out []schedules.Schedule
	for _, k := range ranked[:min(n, len(ranked))] {
		out = append(out, k.schedule)
	}
	return out
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

// known turns a row into a Result. Rows that tell nothing are those of another
// protocol, and of schedules that the space has no more.
func (t *tuner) known(k *task, row logs.Trial) (measure.Result, bool) {
	status, err := measure.ParseStatus(row.Status)
	if err != nil || row.Protocol != t.cfg.Protocol.String() ||
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
