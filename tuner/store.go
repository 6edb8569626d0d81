package tuner

import (
	"context"
	"iter"
	"time"

	"qtune/kernels"
	"qtune/logs"
	"qtune/measure"
	"qtune/schedules"
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
