package service

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"qtune/schedules"
	"qtune/service/api"
	"qtune/tuner"
)

// saveEvery is how often the progress of a job is stored: the time that it has had
// of its limit must survive.
const saveEvery = 5 * time.Second

// run tunes a claimed job, and stores what came of it. last holds the job's progress,
// task by task, while it runs.
func (s *Service) run(ctx context.Context, c *claim, last *atomic.Pointer[api.Progress]) {
	log := s.cfg.Log.With("job", c.job.ID)
	log.Info("job runs", "model", c.job.ModelName, "owner", c.job.Owner)
	s.tellState(c.job)
	r := &jobRun{service: s, claim: c, feed: s.feedOf(c.job.ID), live: last}
	if p := c.job.Progress; p != nil {
		r.before = time.Duration(p.ElapsedS * float64(time.Second))
		r.last = *p
	}
	result, err := r.tune(ctx)
	// What is stored now must be, also while the service stops.
	late := context.WithoutCancel(ctx)
	if r.progressed {
		if err := s.saveProgress(late, c.job.ID, r.last); err != nil {
			log.Error("progress cannot be stored", "error", err)
		}
	}
	if ctx.Err() != nil && (err != nil || result.Interrupted) {
		log.Info("job interrupted")
		return
	}
	ended, storeErr := s.finishWithRoom(late, c.job.ID, result, err)
	if storeErr != nil {
		log.Error("result cannot be stored", "error", storeErr) // the next start goes on with the job
		return
	}
	if err := s.log.EndSession(late, c.session); err != nil {
		log.Error("session cannot be ended", "error", err)
	}
	if ended {
		log.Info("job ended", "error", err)
		s.tellEnd(c.job.ID)
	}
}

// A jobRun is one run of a job. The tuner's goroutine has it.
type jobRun struct {
	service    *Service
	claim      *claim
	feed       *feed
	live       *atomic.Pointer[api.Progress]
	before     time.Duration // that earlier runs took
	last       api.Progress
	progressed bool
	saved      time.Time
}

// tune is tuner.Tune for the job, and what follows it. A panic on its goroutine is an
// error of the job, not the end of the service.
func (r *jobRun) tune(ctx context.Context) (result *api.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			r.service.cfg.Log.Error("panic", "job", r.claim.job.ID, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("internal error: %v", p)
		}
	}()
	spec := r.claim.job.Spec
	tasks, err := r.service.JobTasks(spec)
	if err != nil {
		return nil, err
	}
	machine, err := schedules.ParseMachine(spec.Machine)
	if err != nil {
		return nil, err
	}
	limit := spec.Time()
	if limit > 0 { // what is left of it; never 0, which would be no limit
		limit = max(limit-r.before, time.Nanosecond)
	}
	runner := r.service.mux.share(spec.Priority)
	defer runner.leave()
	r.saved = time.Now()
	report, err := tuner.Tune(ctx, tuner.Config{
		Tasks:    tasks,
		Target:   schedules.Target{ISA: schedules.ISA(spec.Target), Machine: machine},
		Runner:   runner,
		Store:    &view{r.service.log, r.claim},
		Trials:   spec.Trials,
		Time:     limit,
		Session:  r.claim.session,
		Strategy: spec.Strategy,
		Seed:     spec.Seed,
		Listen:   r.listen,
	})
	if err != nil {
		return nil, err
	}
	result = ResultOf(report)
	if !report.Interrupted {
		err = r.compare(ctx, runner, result)
	}
	return result, err
}

// listen tells watchers of an event, and stores progress now and then.
func (r *jobRun) listen(e tuner.Event) {
	switch e := e.(type) {
	case tuner.Progress:
		p := progressOf(e, r.before)
		r.service.trials.Add(int64(max(p.Done-r.last.Done, 0)))
		r.last, r.progressed = p, true
		r.live.Store(&p)
		r.feed.publish(api.ProgressEvent, p)
		if time.Since(r.saved) >= saveEvery {
			r.saved = time.Now()
			if err := r.service.saveProgress(context.WithoutCancel(r.service.ctx), r.claim.job.ID, p); err != nil {
				r.service.cfg.Log.Error("progress cannot be stored", "job", r.claim.job.ID, "error", err)
			}
		}
	case tuner.Resumed:
		r.last.Done = e.Trials
		r.feed.publish(api.ResumedEvent, resumedOf(e))
	case tuner.Failed:
		r.service.failed.Add(1)
		r.feed.publish(api.FailedEvent, failedOf(e))
	case tuner.Improved:
		r.feed.publish(api.ImprovedEvent, improvedOf(e))
	case tuner.Ended:
		r.feed.publish(api.EndedEvent, api.TaskEnded{Task: e.Task, Workload: e.Workload.String(), Reason: e.Reason})
	case tuner.Finalist:
		r.feed.publish(api.FinalEvent, finalistOf(e))
	case tuner.Finished: // the job's new state says so
	}
}

// isRefusal tells whether err is a Refusal for a reason.
func isRefusal(err error, reason Reason) bool {
	var r *Refusal
	return errors.As(err, &r) && r.Reason == reason
}
