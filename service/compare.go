package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qtune/schedules"
	"qtune/service/api"
)

// A Comparison is of a network with default schedules and with those that the log has
// now. Where a tuned layer is the slower one among others, the log is told.
type Comparison struct {
	Model, Log string // files
	Session    int64  // of the log
	ISA        schedules.ISA
	Threads    int
	Tasks      []api.TaskResult // what was tuned
}

// compareTime bounds a Comparison: it holds a slot.
const compareTime = 10 * time.Minute

// compare measures the network of a job that has found what it looked for, before and
// after, in the job's turn and beside no batch. What goes wrong there is noted in the
// result; an error is returned only where ctx has ended.
func (r *jobRun) compare(ctx context.Context, turns *share, result *api.Result) error {
	s, spec := r.service, r.claim.job.Spec
	if s.cfg.Compare == nil {
		return nil
	}
	q := Comparison{Model: s.modelPath(spec.Model), Log: s.logPath(), Session: r.claim.session,
		ISA: schedules.ISA(spec.Target), Threads: spec.Threads, Tasks: result.Tasks}
	err := turns.alone(ctx, func() (err error) {
		limited, cancel := context.WithTimeout(ctx, compareTime)
		defer cancel()
		result.Latency, err = s.cfg.Compare(limited, q)
		if errors.Is(limited.Err(), context.DeadlineExceeded) {
			err = fmt.Errorf("it took more than %v", compareTime)
		}
		return err
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		s.cfg.Log.Warn("network not measured", "job", r.claim.job.ID, "error", err)
		result.NoLatency = clip(err.Error())
	default:
		r.feed.publish(api.LatencyEvent, result.Latency)
	}
	return nil
}

// clip bounds a message that is stored.
func clip(text string) string { return text[:min(len(text), maxError)] }
