package service

import (
	"context"
	"io"
	"slices"

	"qtune/service/api"
)

// feedOf returns the feed of a job that has not ended, and makes it where there is
// none.
func (s *Service) feedOf(id int64) *feed {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.mu.feeds[id]
	if f == nil {
		f = newFeed()
		if s.mu.closed {
			f.end(api.ServiceStopped)
		}
		s.mu.feeds[id] = f
	}
	return f
}

// tellState tells the watchers of a job of its state.
func (s *Service) tellState(j api.Job) {
	if j.State.Ended() {
		s.tellEnd(j.ID)
		return
	}
	s.feedOf(j.ID).publish(api.StateEvent, j)
}

// tellEnd tells the watchers of a job that it has ended, and forgets its events.
func (s *Service) tellEnd(id int64) {
	f := s.feedOf(id)
	if j, err := s.Job(context.WithoutCancel(s.ctx), id); err == nil {
		f.publish(api.StateEvent, j)
	} else {
		s.cfg.Log.Error("job cannot be read", "job", id, "error", err)
	}
	f.end(api.JobEnded)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.mu.feeds, id)
}

// StopWatchers ends all watchers, which are told why.
func (s *Service) StopWatchers() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.closed = true
	for _, f := range s.mu.feeds {
		f.end(api.ServiceStopped)
	}
}

// A Watch reads the events of one job.
type Watch struct {
	feed  *feed
	first []api.Event
	seq   int64
	ended bool
}

// Watch begins to read the events of a job after number after; 0 means all that are
// kept. The first event is the job as it is.
func (s *Service) Watch(ctx context.Context, id, after int64) (*Watch, error) {
	if _, err := s.Job(ctx, id); err != nil {
		return nil, err
	}
	f := s.feedOf(id) // before the state is read, so that no change is missed
	j, err := s.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	w := &Watch{feed: f, seq: f.bound(after), first: []api.Event{{Type: api.StateEvent, Data: mustJSON(j)}}}
	if j.State.Ended() {
		f.end(api.JobEnded)
		w.seq = f.after(0).last()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.mu.feeds[id] == f {
			delete(s.mu.feeds, id)
		}
	}
	return w, nil
}

// last is the number of the last event of a reading, 0 where there is none.
func (r reading) last() int64 {
	if len(r.events) == 0 {
		return 0
	}
	return r.events[len(r.events)-1].Seq
}

// Next waits for events and returns them. After the last one, of type EndEvent, it
// returns io.EOF; where ctx ends, its error.
func (w *Watch) Next(ctx context.Context) ([]api.Event, error) {
	if w.ended {
		return nil, io.EOF
	}
	events := w.first
	w.first = nil
	for {
		r := w.feed.after(w.seq)
		if r.lost {
			events = append(events, api.Event{Type: api.LostEvent, Data: mustJSON(api.Lost{Reason: "events between were dropped: too slow, or away for too long"})})
		}
		events = append(slices.Clip(events), r.events...)
		if len(r.events) > 0 {
			w.seq = r.last()
		}
		if w.ended = r.end != ""; w.ended {
			events = append(events, api.Event{Type: api.EndEvent, Data: mustJSON(api.End{Reason: r.end})})
		}
		if len(events) > 0 {
			return events, nil
		}
		select {
		case <-r.changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
