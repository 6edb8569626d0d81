package server

import (
	"context"
	"net/http"
	"strconv"

	"qtune/service"
	"qtune/service/api"
)

func (s *Server) postJob(w http.ResponseWriter, r *http.Request, c service.Caller) error {
	spec := api.DefaultSpec()
	if err := readJSON(r, &spec); err != nil {
		return err
	}
	j, err := s.cfg.Service.Submit(r.Context(), c, spec)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/v1/jobs/"+strconv.FormatInt(j.ID, 10))
	return writeJSON(w, http.StatusCreated, j)
}

func (s *Server) getJobs(w http.ResponseWriter, r *http.Request, _ service.Caller) error {
	q, err := parameters(r, "state", "model", "before", "limit")
	if err != nil {
		return err
	}
	f := service.JobFilter{State: api.State(q["state"]), Model: q["model"]}
	if f.Before, err = number(q, "before"); err != nil {
		return err
	}
	limit, err := number(q, "limit")
	if err != nil {
		return err
	}
	f.Limit = int(min(limit, 1<<20))
	jobs, err := s.cfg.Service.Jobs(r.Context(), f)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, api.Jobs{Jobs: jobs})
}

// parameters returns the query's, each of which may be given once and must be one
// of names.
func parameters(r *http.Request, names ...string) (map[string]string, error) {
	values := map[string]string{}
	known := map[string]bool{}
	for _, n := range names {
		known[n] = true
	}
	query := r.URL.Query()
	for name, given := range query {
		if !known[name] || len(given) != 1 {
			return nil, httpErrorf(http.StatusBadRequest, "parameter %q is unknown, or given more than once (known: %v)", api.Clip(name), names)
		}
		values[name] = given[0]
	}
	return values, nil
}

// number reads a parameter that is a number; 0 where it is not given.
func number(q map[string]string, name string) (int64, error) {
	if q[name] == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(q[name], 10, 64)
	if err != nil || n < 0 {
		return 0, httpErrorf(http.StatusBadRequest, "%s: %q is not a number", name, api.Clip(q[name]))
	}
	return n, nil
}

// jobID reads the number of a job from the path.
func jobID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id <= 0 {
		return 0, httpErrorf(http.StatusNotFound, "there is no job %q", api.Clip(r.PathValue("id")))
	}
	return id, nil
}

func (s *Server) getJob(w http.ResponseWriter, r *http.Request, _ service.Caller) error {
	id, err := jobID(r)
	if err != nil {
		return err
	}
	j, err := s.cfg.Service.Job(r.Context(), id)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, j)
}

// change makes a handler of a change of a job's state.
func (s *Server) change(f func(*service.Service, context.Context, service.Caller, int64) (api.Job, error)) func(http.ResponseWriter, *http.Request, service.Caller) error {
	return func(w http.ResponseWriter, r *http.Request, c service.Caller) error {
		id, err := jobID(r)
		if err != nil {
			return err
		}
		j, err := f(s.cfg.Service, r.Context(), c, id)
		if err != nil {
			return err
		}
		return writeJSON(w, http.StatusOK, j)
	}
}
