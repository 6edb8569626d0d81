package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"qtune/service"
	"qtune/service/api"
)

// heartbeat is how often a watcher hears something, so that what is between keeps
// the connection, and one that has gone is noticed.
const heartbeat = 15 * time.Second

// together is how long events are collected to be sent at once: hundreds of watchers
// would otherwise cost a system call each for every event.
const together = 500 * time.Millisecond

// getEvents streams the events of a job (https://html.spec.whatwg.org, chapter
// Server-sent events). Header Last-Event-ID names the last one that the client saw.
func (s *Server) getEvents(w http.ResponseWriter, r *http.Request, _ service.Caller) error {
	id, err := jobID(r)
	if err != nil {
		return err
	}
	after := int64(0)
	if text := r.Header.Get("Last-Event-ID"); text != "" {
		if after, err = strconv.ParseInt(text, 10, 64); err != nil || after < 0 {
			return httpErrorf(http.StatusBadRequest, "Last-Event-ID: %q is not the number of an event", api.Clip(text))
		}
	}
	leave, err := enter(s.watches, "watchers")
	if err != nil {
		return err
	}
	defer leave()
	watch, err := s.cfg.Service.Watch(r.Context(), id, after)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // proxies of that kind pass events on at once
	w.WriteHeader(http.StatusOK)
	return stream(r.Context(), w, watch)
}

// stream writes what a watch sees until its end.
func stream(ctx context.Context, w http.ResponseWriter, watch *service.Watch) error {
	control := http.NewResponseController(w)
	var b bytes.Buffer
	for {
		events, err := nextEvents(ctx, watch)
		switch {
		case errors.Is(err, io.EOF) || ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		for _, e := range events {
			b.Reset()
			if e.Seq != 0 {
				fmt.Fprintf(&b, "id: %d\n", e.Seq)
			}
			fmt.Fprintf(&b, "event: %s\ndata: %s\n\n", e.Type, e.Data) // JSON has no line ends
			if _, err := w.Write(b.Bytes()); err != nil {
				return nil // the client has gone
			}
		}
		if len(events) == 0 {
			if _, err := io.WriteString(w, ": still here\n\n"); err != nil {
				return nil // idem
			}
		}
		if err := control.Flush(); err != nil {
			return nil // idem
		}
		select {
		case <-time.After(together):
		case <-ctx.Done():
		}
	}
}

// nextEvents waits for events; none when it is time for a sign of life.
func nextEvents(ctx context.Context, watch *service.Watch) ([]api.Event, error) {
	short, cancel := context.WithTimeout(ctx, heartbeat)
	defer cancel()
	events, err := watch.Next(short)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, nil
	}
	return events, err
}
