package service

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"qtune/logs"
	"qtune/service/api"
)

// retryAfter is how long the scheduler waits where the store did not answer.
const retryAfter = 2 * time.Second

// An active job is one that runs.
type active struct {
	key    string // see keyOf
	cancel context.CancelFunc
	last   atomic.Pointer[api.Progress] // nil before the first
}

// kick has the scheduler look for jobs to start.
func (s *Service) kick() {
	select {
	case s.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// schedule starts jobs until the service stops.
func (s *Service) schedule() {
	for {
		var again <-chan time.Time
		if err := s.startJobs(); err != nil && s.ctx.Err() == nil {
			s.cfg.Log.Error("jobs cannot be started", "error", err)
			again = time.After(retryAfter)
		}
		select {
		case <-s.wake:
		case <-again:
		case <-s.ctx.Done():
			return
		}
	}
}

// startJobs starts as many of the waiting jobs as may run. Of equal jobs one runs:
// it will answer the others.
func (s *Service) startJobs() (failed error) {
	jobs, err := s.waitingJobs(s.ctx)
	if err != nil {
		return err
	}
	for _, w := range jobs {
		if s.ctx.Err() != nil {
			return nil
		}
		ctx, a, full := s.admit(w)
		if full {
			return failed
		}
		if a == nil {
			continue
		}
		c, err := s.claimJob(s.ctx, w.id)
		if err != nil || c == nil {
			s.leave(w.id, a)
			if isRefusal(err, Conflict) { // paused or cancelled in between
				continue
			}
			if logs.IsFull(err) { // so the others cannot be started either
				return err
			}
			if err == nil {
				s.tellEnd(w.id)
			}
			failed = errors.Join(failed, err)
			continue
		}
		s.ended.Go(func() {
			defer s.kick()
			defer s.leave(w.id, a)
			s.run(ctx, c, &a.last)
		})
	}
	return failed
}

// admit makes a waiting job an active one, if it may be now.
func (s *Service) admit(w waiting) (ctx context.Context, a *active, full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mu.active) >= s.cfg.MaxJobs {
		return nil, nil, true
	}
	for id, o := range s.mu.active {
		if id == w.id || o.key == w.key { // it still ends, or an equal one runs
			return nil, nil, false
		}
	}
	ctx, cancel := context.WithCancel(s.ctx)
	a = &active{key: w.key, cancel: cancel}
	s.mu.active[w.id] = a
	return ctx, a, false
}

// finishWithRoom is finish, but where the disk is full it tries again until there is
// room: a job whose end is not stored would neither run nor end. It gives up when the
// service stops: the next start goes on with the job.
func (s *Service) finishWithRoom(ctx context.Context, id int64, result *api.Result, failure error) (ended bool, err error) {
	for said := false; ; said = true {
		ended, err = s.finish(ctx, id, result, failure)
		if !logs.IsFull(err) {
			return ended, err
		}
		if !said {
			s.cfg.Log.Error("the disk is full: the end of a job waits for room", "job", id, "failure", failure)
		}
		select {
		case <-time.After(retryAfter):
		case <-s.ctx.Done():
			return false, err
		}
	}
}

// leave says that a job does not run any more.
func (s *Service) leave(id int64, a *active) {
	a.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.mu.active, id)
}

// interrupt ends the run of a job, if it runs. What it has measured is kept.
func (s *Service) interrupt(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.mu.active[id]; a != nil {
		a.cancel()
	}
}
