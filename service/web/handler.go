package web

import (
	"bytes"
	"context"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"

	"qtune/logs"
	"qtune/schedules"
	"qtune/service/views"
)

// A Source is what the pages show. Its methods are called by many requests at a
// time. ErrNotFound is the error for what there is not; the text of any other
// stays in the Handler's log.
type Source interface {
	JobSource
	LogSource
	// Workers returns those that measure, sorted by name.
	Workers(ctx context.Context) ([]views.Worker, error)
}

// A JobSource knows the jobs.
type JobSource interface {
	// Jobs returns all jobs, the newest first, without their Tasks.
	Jobs(ctx context.Context) ([]views.Job, error)
	Job(ctx context.Context, id string) (*views.Job, error)
	// Watch returns a channel that receives when the job has changed. It is closed
	// when the job is over or ctx ends.
	Watch(ctx context.Context, id string) (<-chan struct{}, error)
	// Network returns the network of a job as the log knows it now.
	Network(ctx context.Context, id string) (*views.Network, error)
}

// A LogSource knows what was measured.
type LogSource interface {
	// Task is views.NewTask.
	Task(ctx context.Context, w schedules.Workload, t schedules.Target, knob string) (*views.Task, error)
	// SearchLog is logs.Log.Search.
	SearchLog(ctx context.Context, text string, limit int) (matches []logs.Match, more bool, err error)
}

// ErrNotFound is the error of a Source for what there is not.
var ErrNotFound = errors.New("not found")

// policy lets a page load what this handler serves, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// A Handler serves the pages.
type Handler struct {
	source    Source
	log       *slog.Logger
	mux       *http.ServeMux
	fragments fragments
}

// New returns the pages, which expect to be at the root of their host. They only
// read: whoever may see them is for the caller to check. log is told of errors.
func New(source Source, log *slog.Logger) *Handler {
	mux := http.NewServeMux()
	h := &Handler{source: source, log: log, mux: mux}
	mux.HandleFunc("GET /{$}", h.page(h.jobs))
	mux.HandleFunc("GET /jobs/{id}", h.page(h.job))
	mux.HandleFunc("GET /jobs/{id}/live", h.live)
	mux.HandleFunc("GET /jobs/{id}/events", h.events)
	mux.HandleFunc("GET /live/jobs", h.liveList("joblist", func(ctx context.Context) (any, error) { return source.Jobs(ctx) }))
	mux.HandleFunc("GET /live/workers", h.liveList("workerlist", func(ctx context.Context) (any, error) { return source.Workers(ctx) }))
	mux.HandleFunc("GET /networks/{id}", h.page(h.network))
	mux.HandleFunc("GET /task", h.page(h.task))
	mux.HandleFunc("GET /workers", h.page(h.workers))
	mux.HandleFunc("GET /log", h.page(h.search))
	static, err := fs.Sub(staticFiles, "static")
	if err != nil {
		panic(err) // the name is a constant
	}
	for _, name := range append(public, "/live.js") {
		mux.HandleFunc("GET "+name, func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, static, name[1:]) })
	}
	mux.HandleFunc("/", h.page(h.nowhere))
	return h
}

// ServeHTTP answers somebody who need not log in.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	h.mux.ServeHTTP(w, r)
}

// secure adds the headers that all answers have.
func secure(head http.Header) {
	head.Set("Content-Security-Policy", policy)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cache-Control", "no-store")
}

// A page is what the layout shows.
type page struct {
	Title, Heading string
	Nav            []navEntry
	User           string // who has logged in; empty: nobody has to
	Live           bool
	Body           template.HTML
}

type navEntry struct {
	Name, Href string
	Here       bool
}

// A content is a page's inner part: a template with its data.
type content struct {
	title, template string
	data            any
	live            bool // it changes while it is looked at
}

// A statusError is an error with its HTTP status, and a text that may be shown.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return e.text }

// page makes a handler of what makes a content.
func (h *Handler) page(make func(*http.Request) (content, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := make(r)
		status := http.StatusOK
		if err != nil {
			c, status = h.failure(r, err)
		}
		h.write(w, r, status, c, page{Nav: navigation(r.URL.Path), User: user(r)})
	}
}

// write answers with a content in the layout of p.
func (h *Handler) write(w http.ResponseWriter, r *http.Request, status int, c content, p page) {
	var body, whole bytes.Buffer
	err := templates().ExecuteTemplate(&body, c.template, c.data)
	if err == nil {
		p.Title, p.Heading, p.Live, p.Body = c.title, c.title, c.live, template.HTML(body.String())
		err = templates().ExecuteTemplate(&whole, "page", p)
	}
	if err != nil {
		h.log.ErrorContext(r.Context(), "page", "path", r.URL.Path, "error", err)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(whole.Bytes()) // who has gone needs no page
}

// failure is the page of an error.
func (h *Handler) failure(r *http.Request, err error) (content, int) {
	e := h.explain(r, err)
	return content{title: http.StatusText(e.status), template: "error", data: e.text}, e.status
}

// explain says what of an error may be shown.
func (h *Handler) explain(r *http.Request, err error) *statusError {
	var e *statusError
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, ErrNotFound):
		return &statusError{http.StatusNotFound, "There is nothing of this name."}
	case r.Context().Err() == nil:
		h.log.ErrorContext(r.Context(), "page", "path", r.URL.Path, "error", err)
	}
	return &statusError{http.StatusInternalServerError, "Something went wrong here; the service's log says what."}
}

// navigation are the links of all pages.
func navigation(path string) []navEntry {
	nav := []navEntry{{Name: "Jobs", Href: "/"}, {Name: "Workers", Href: "/workers"}, {Name: "Log", Href: "/log"}}
	for i := range nav {
		nav[i].Here = path == nav[i].Href
	}
	nav[0].Here = nav[0].Here || strings.HasPrefix(path, "/jobs/") || strings.HasPrefix(path, "/networks/")
	return nav
}

// nowhere answers what no other route does.
func (h *Handler) nowhere(r *http.Request) (content, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return content{}, &statusError{http.StatusMethodNotAllowed, "These pages are for reading."}
	}
	return content{}, ErrNotFound
}
