package server

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"qtune/logs"
	"qtune/service"
	"qtune/service/api"
)

// A route is a path of the API that a method may be used on.
type route struct {
	method, path string
	role         service.Role // that a caller needs; NoRole: anybody
	handle       func(http.ResponseWriter, *http.Request, service.Caller) error
}

// table lists all routes of the API. openapi.json describes the same.
func (s *Server) table() []route {
	return []route{
		{"POST", "/v1/models", service.Submit, s.postModel},
		{"GET", "/v1/models", service.Read, s.getModels},
		{"GET", "/v1/models/{hash}", service.Read, s.getModel},
		{"GET", "/v1/models/{hash}/best", service.Read, s.getModelBest},
		{"POST", "/v1/jobs", service.Submit, s.postJob},
		{"GET", "/v1/jobs", service.Read, s.getJobs},
		{"GET", "/v1/jobs/{id}", service.Read, s.getJob},
		{"GET", "/v1/jobs/{id}/events", service.Read, s.getEvents},
		{"POST", "/v1/jobs/{id}/pause", service.Submit, s.change((*service.Service).Pause)},
		{"POST", "/v1/jobs/{id}/resume", service.Submit, s.change((*service.Service).Resume)},
		{"POST", "/v1/jobs/{id}/cancel", service.Submit, s.change((*service.Service).Cancel)},
		{"GET", "/v1/best", service.Read, s.getBest},
		{"GET", "/v1/log", service.Read, s.getLog},
		{"POST", "/v1/log", service.Admin, s.postLog},
		{"GET", "/v1/workers", service.Read, s.getWorkers},
		{"GET", "/v1/openapi.json", service.NoRole, s.getOpenAPI},
		{"GET", "/healthz", service.NoRole, s.getHealth},
		{"GET", "/readyz", service.NoRole, s.getReady},
		{"GET", "/metrics", service.Read, s.getMetrics},
	}
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	methods := map[string]string{} // of a path
	for _, r := range s.table() {
		mux.Handle(r.method+" "+r.path, s.as(r.role, r.handle))
		if methods[r.path] != "" {
			methods[r.path] += ", "
		}
		methods[r.path] += r.method
	}
	// In JSON, and so that pages do not answer for them.
	for path, allowed := range methods {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", allowed)
			writeError(w, http.StatusMethodNotAllowed, fmt.Sprintf("%s %s: the methods are %s", r.Method, api.Clip(r.URL.Path), allowed))
		})
	}
	none := func(w http.ResponseWriter, r *http.Request) {
		writeError(w, http.StatusNotFound, "there is no "+api.Clip(r.URL.Path))
	}
	mux.HandleFunc("/v1/", none)
	if s.cfg.Pages == nil {
		mux.HandleFunc("/", none)
		return mux
	}
	mux.HandleFunc("GET /login", s.loginForm)
	mux.Handle("POST /login", s.answer(s.login))
	mux.HandleFunc("POST /logout", s.logout) // not GET: a link of another site would do
	for _, path := range s.cfg.Pages.Public() {
		mux.Handle("GET "+path, s.cfg.Pages)
	}
	mux.Handle("/", s.page())
	return mux
}

// chain puts around all handlers what every request meets.
func (s *Server) chain(next http.Handler) http.Handler {
	foreign := http.NewCrossOriginProtection()
	foreign.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, http.StatusForbidden, "a request that another site caused")
	}))
	return s.observe(s.guard(foreign.Handler(s.limitTime(next))))
}

// observe logs and counts each request, and makes a panic a fault.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		seen := &observed{ResponseWriter: w}
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				s.cfg.Log.Error("panic", "method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				if seen.status == 0 {
					writeError(seen, http.StatusInternalServerError, "internal error")
				}
			}
			s.metrics.request(r, seen.status, time.Since(begun))
			s.cfg.Log.Info("request", "method", r.Method, "path", r.URL.Path, "status", seen.status,
				"bytes", seen.bytes, "took", time.Since(begun), "from", r.RemoteAddr, "caller", seen.caller)
		}()
		next.ServeHTTP(seen, r)
	})
}

// observed notes what was answered, and to whom.
type observed struct {
	http.ResponseWriter
	status int
	bytes  int64
	caller string
}

func (o *observed) WriteHeader(status int) {
	if o.status == 0 {
		o.status = status
	}
	o.ResponseWriter.WriteHeader(status)
}

func (o *observed) Write(b []byte) (int, error) {
	if o.status == 0 {
		o.status = http.StatusOK
	}
	n, err := o.ResponseWriter.Write(b)
	o.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (o *observed) Unwrap() http.ResponseWriter { return o.ResponseWriter }

// answer makes a handler of one that returns an error.
func (s *Server) answer(f func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := f(w, r); err != nil {
			s.refuse(w, r, err)
		}
	})
}

// statuses of what the service refuses.
var statuses = map[service.Reason]int{
	service.Invalid:   http.StatusUnprocessableEntity,
	service.NotFound:  http.StatusNotFound,
	service.Conflict:  http.StatusConflict,
	service.Forbidden: http.StatusForbidden,
	service.TooLarge:  http.StatusRequestEntityTooLarge,
	service.Busy:      http.StatusTooManyRequests,
	service.Full:      http.StatusInsufficientStorage,
}

// A httpError is a refusal by the server itself.
type httpError struct {
	status int
	text   string
}

func (e *httpError) Error() string { return e.text }

func httpErrorf(status int, format string, args ...any) error {
	return &httpError{status, fmt.Sprintf(format, args...)}
}

// refuse answers with an error, if nothing was answered yet.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var (
		refusal *service.Refusal
		own     *httpError
	)
	switch {
	case observer(w).status != 0:
		s.cfg.Log.Warn("answer broken off", "path", r.URL.Path, "error", err)
		panic(http.ErrAbortHandler) // so that the client sees that it is not whole
	case errors.As(err, &own):
		writeError(w, own.status, own.text)
	case errors.As(err, &refusal):
		if refusal.Reason == service.Busy {
			w.Header().Set("Retry-After", "60")
		}
		writeError(w, statuses[refusal.Reason], refusal.Error())
	case errors.Is(err, errSlow):
		writeError(w, http.StatusRequestTimeout, "the body came too slowly")
	case r.Context().Err() != nil || isBroken(err):
		writeError(w, http.StatusBadRequest, "the request was broken off") // nobody reads it
	case logs.IsFull(err):
		s.cfg.Log.Error("the disk is full", "method", r.Method, "path", r.URL.Path, "error", err)
		writeError(w, http.StatusInsufficientStorage, "the disk of the service is full: nothing was stored")
	default:
		s.cfg.Log.Error("fault", "method", r.Method, "path", r.URL.Path, "error", err)
		writeError(w, http.StatusInternalServerError, "internal error")
	}
}

// observer returns what observe put around a writer; nil where it did not.
func observer(w http.ResponseWriter) *observed {
	for {
		if o, ok := w.(*observed); ok {
			return o
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil
		}
		w = u.Unwrap()
	}
}

// note has a request's line in the log say who asked.
func note(w http.ResponseWriter, c service.Caller) {
	if o := observer(w); o != nil {
		o.caller = c.Name
	}
}

func (s *Server) getOpenAPI(w http.ResponseWriter, _ *http.Request, _ service.Caller) error {
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(api.OpenAPI)
	return err
}

// getHealth says that the process answers.
func (s *Server) getHealth(w http.ResponseWriter, _ *http.Request, _ service.Caller) error {
	return writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// getReady says that the store answers too.
func (s *Server) getReady(w http.ResponseWriter, r *http.Request, _ service.Caller) error {
	if _, err := s.cfg.Service.CountJobs(r.Context()); err != nil {
		s.cfg.Log.Error("not ready", "error", err)
		return httpErrorf(http.StatusServiceUnavailable, "the store does not answer")
	}
	return writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

func (s *Server) getMetrics(w http.ResponseWriter, r *http.Request, _ service.Caller) error {
	promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
	return nil
}

func (s *Server) getWorkers(w http.ResponseWriter, r *http.Request, _ service.Caller) error {
	list := api.Workers{Workers: []api.Worker{}}
	if s.cfg.Workers != nil {
		workers, err := s.cfg.Workers(r.Context())
		if err != nil {
			return err
		}
		list.Workers = append(list.Workers, workers...)
	}
	return writeJSON(w, http.StatusOK, list)
}
