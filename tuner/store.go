package tuner

import (
	"context"
	"fmt"
	"iter"
	"time"

	"qtune/kernels"
	"qtune/logs"
	"qtune/measure"
	"qtune/schedules"
	"qtune/tuner/strategy"
)

// A Store keeps trials; logs.Log is one. Append returns when they are safe.
type Store interface {
	// Trials yields what is known of a workload on a target, oldest first.
	Trials(ctx context.Context, w schedules.Workload, t schedules.Target) iter.Seq2[logs.Trial, error]
	Append(ctx context.Context, trials []logs.Trial) error
	RecordFinal(ctx context.Context, f logs.Final) error
}

var _ Store = (*logs.Log)(nil)

// trialOfTask is a measured candidate.
type trialOfTask struct {
	task     *task
	schedule schedules.Schedule
	result   measure.Result
}

// row is a trial as the store keeps it.
func (t *tuner) row(m trialOfTask) logs.Trial {
	r := m.result
	return logs.Trial{
		Workload: m.task.Workload, Target: t.cfg.Target, Schedule: m.schedule,
		Generator: kernels.Generator, Protocol: t.cfg.Protocol.String(), Seed: layerSeed,
		Status: r.Status.String(), Message: r.Message, SamplesNS: r.SamplesNS,
		CenterNS: float64(r.Summary.Center), LoNS: float64(r.Summary.Lo), HiNS: float64(r.Summary.Hi),
		CodeHash: r.CodeHash, Time: time.Now().UTC(), Session: t.cfg.Session,
	}
}

// resume takes what the store knows into tasks, strategies and budget.
func (t *tuner) resume(ctx context.Context) error {
	ignored := 0
	for _, k := range t.tasks {
		var told []strategy.Trial
		for row, err := range t.cfg.Store.Trials(ctx, k.Workload, t.cfg.Target) {
			if err != nil {
				return fmt.Errorf("reading what is known of %v: %w", k.Workload, err)
			}
			res, ok := t.known(k, row)
			if !ok {
				ignored++
				continue
			}
			told = append(told, k.learn(row.Schedule, res, t.cfg.FailureLimit))
		}
		k.asked = len(told)
		t.counts.Known += len(told)
		k.strategy.Tell(told)
	}
	t.planned = t.counts.Known
	t.emit(Resumed{Trials: t.counts.Known, Ignored: ignored, Budget: t.cfg.Trials, Tasks: len(t.tasks), Skipped: t.skipped})
	return nil
}

// known turns a row into a Result. Rows that do not count are those of another
// protocol or generator, of schedules that the space has no more, and of
// candidates of which nothing is known because their worker was lost.
func (t *tuner) known(k *task, row logs.Trial) (measure.Result, bool) {
	status, err := measure.ParseStatus(row.Status)
	if err != nil || status == measure.WorkerLost || k.seen[row.Schedule] ||
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
