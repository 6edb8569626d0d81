package web

import (
	"fmt"
	"net/http"
	"time"

	"qtune/logs"
	"qtune/schedules"
)

func (h *Handler) jobs(r *http.Request) (content, error) {
	jobs, err := h.source.Jobs(r.Context())
	return content{title: "Jobs", template: "jobs", data: jobs, live: true}, err
}

func (h *Handler) job(r *http.Request) (content, error) {
	j, err := h.source.Job(r.Context(), r.PathValue("id"))
	if err != nil {
		return content{}, err
	}
	return content{title: fmt.Sprintf("Job %s: %s", j.ID, j.Model), template: "job", data: j, live: !j.IsOver()}, nil
}

func (h *Handler) network(r *http.Request) (content, error) {
	id := r.PathValue("id")
	n, err := h.source.Network(r.Context(), id)
	if err != nil {
		return content{}, err
	}
	return content{title: "Network: " + n.Name, template: "network", data: &networkPage{Network: n, Job: id}}, nil
}

func (h *Handler) task(r *http.Request) (content, error) {
	q := r.URL.Query()
	w, err := schedules.ParseWorkload(q.Get("workload"))
	if err != nil {
		return content{}, &statusError{http.StatusBadRequest, err.Error()}
	}
	target, err := schedules.ParseTarget(q.Get("target"))
	if err != nil {
		return content{}, &statusError{http.StatusBadRequest, err.Error()}
	}
	if _, err := schedules.SpaceFor(w, target.ISA); err != nil { // nothing is generated for it
		return content{}, &statusError{http.StatusBadRequest, err.Error()}
	}
	t, err := h.source.Task(r.Context(), w, target, q.Get("knob"))
	if err != nil {
		return content{}, err
	}
	return content{title: short(w), template: "task", data: &taskPage{Task: t, Level: 2, Form: true}}, nil
}

func (h *Handler) workers(r *http.Request) (content, error) {
	workers, err := h.source.Workers(r.Context())
	return content{title: "Workers", template: "workers", data: workers, live: true}, err
}

// Bounds of a search in the log.
const (
	maxQuery   = 200 // bytes
	maxMatches = 200
)

func (h *Handler) search(r *http.Request) (content, error) {
	query := r.URL.Query().Get("q")
	if len(query) > maxQuery {
		return content{}, &statusError{http.StatusBadRequest, fmt.Sprintf("At most %d bytes can be searched for.", maxQuery)}
	}
	matches, more, err := h.source.SearchLog(r.Context(), query, maxMatches)
	data := struct {
		Query   string
		Matches []logs.Match
		More    bool
	}{query, matches, more}
	return content{title: "Log", template: "log", data: data}, err
}

// How often an event is sent at most, and at least, so that a connection that is
// gone is noticed; and how long a write may take.
const (
	eventsApart = 2 * time.Second
	heartbeat   = 15 * time.Second
	writeWithin = 10 * time.Second
)

// events tells of every change of a job, with no more than that it changed, until
// it is over. Changes that follow each other closely are one event.
func (h *Handler) events(w http.ResponseWriter, r *http.Request) {
	changed, err := h.source.Watch(r.Context(), r.PathValue("id"))
	if err != nil {
		e := h.explain(r, err)
		http.Error(w, e.text, e.status)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	send := func(text string) bool {
		_ = out.SetWriteDeadline(time.Now().Add(writeWithin)) // not all writers have one
		_, err := w.Write([]byte(text))
		return err == nil && out.Flush() == nil
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for alive := send(": here\n\n"); alive; {
		select {
		case <-r.Context().Done():
			return
		case <-beat.C:
			alive = send(": here\n\n")
		case _, more := <-changed:
			alive = send("data: changed\n\n") && more
			select {
			case <-r.Context().Done():
			case <-time.After(eventsApart):
			}
		}
	}
}
