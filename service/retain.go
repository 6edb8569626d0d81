package service

import (
	"context"
	"time"
)

// retainEvery is how often the service looks for what is too old.
const retainEvery = time.Hour

// retain deletes what is too old, until the service stops.
func (s *Service) retain() {
	if s.cfg.Retention == 0 {
		return
	}
	for {
		if err := s.deleteOld(s.ctx, time.Now().Add(-s.cfg.Retention)); err != nil && s.ctx.Err() == nil {
			s.cfg.Log.Error("old jobs cannot be deleted", "error", err)
		}
		select {
		case <-time.After(retainEvery):
		case <-s.ctx.Done():
			return
		}
	}
}

// deleteOld deletes jobs that ended before a point in time, and then models that
// came before it and that no job is of. The log keeps what was measured.
func (s *Service) deleteOld(ctx context.Context, before time.Time) error {
	jobs, err := s.deleteEnded(ctx, before)
	if err != nil {
		return err
	}
	s.files.Lock()
	defer s.files.Unlock()
	models, err := s.deleteUnused(ctx, before)
	if jobs > 0 || models > 0 {
		s.cfg.Log.Info("deleted what is old", "jobs", jobs, "models", models)
	}
	return err
}
