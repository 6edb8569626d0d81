package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"qtune/service/views"
)

// Of a large network's job the live part takes ten milliseconds to make, on the
// machine that measures: all who watch share one for fragmentAge. Who asks after a
// change waits until it may be made again; a change of the job's state is shown at
// once.
const (
	fragmentAge  = time.Second
	maxFragments = 256
	listEvery    = 5 * time.Second // a list is fetched again
)

// A fragment is a part of a page that changes.
type fragment struct {
	mu           sync.Mutex // held while it is made: others wait for the same
	at           time.Time
	state        string // of the job
	trials       int    // that it has done
	html, zipped []byte
}

// fragments are those of all pages, by path. The zero fragments is empty.
type fragments struct {
	mu sync.Mutex
	of map[string]*fragment
}

// get returns a fragment, locked.
func (f *fragments) get(path string) *fragment {
	f.mu.Lock()
	p := f.of[path]
	if p == nil {
		if f.of == nil || len(f.of) >= maxFragments {
			f.of = map[string]*fragment{}
		}
		p = new(fragment)
		f.of[path] = p
	}
	f.mu.Unlock()
	p.mu.Lock()
	return p
}

// job brings the fragment of a job that read returns up to date. The caller holds the
// lock.
func (p *fragment) job(ctx context.Context, read func() (*views.Job, error)) error {
	for {
		j, err := read()
		if err != nil {
			return err
		}
		left := fragmentAge - time.Since(p.at)
		switch {
		case p.state != j.State || left <= 0:
			p.state, p.trials = j.State, j.Done
			return p.make("live", j)
		case p.trials == j.Done:
			return nil
		}
		select {
		case <-time.After(left):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// make makes it anew. The caller holds the lock.
func (p *fragment) make(template string, data any) error {
	at := time.Now()
	var html, zipped bytes.Buffer
	if err := templates().ExecuteTemplate(&html, template, data); err != nil {
		return err
	}
	z, err := gzip.NewWriterLevel(&zipped, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if _, err := z.Write(html.Bytes()); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	p.at, p.html, p.zipped = at, html.Bytes(), zipped.Bytes()
	return nil
}

// live answers with the part of a job's page that changes.
func (h *Handler) live(w http.ResponseWriter, r *http.Request) {
	p := h.fragments.get(r.URL.Path)
	err := p.job(r.Context(), func() (*views.Job, error) { return h.source.Job(r.Context(), r.PathValue("id")) })
	h.writeFragment(w, r, p, err)
}

// liveList makes a handler that answers with a list, of what read returns.
func (h *Handler) liveList(template string, read func(context.Context) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p := h.fragments.get(r.URL.Path)
		var err error
		if time.Since(p.at) >= fragmentAge {
			var data any
			if data, err = read(r.Context()); err == nil {
				err = p.make(template, data)
			}
		}
		h.writeFragment(w, r, p, err)
	}
}

// writeFragment unlocks a fragment and answers with it, or with why there is none.
func (h *Handler) writeFragment(w http.ResponseWriter, r *http.Request, p *fragment, err error) {
	html, zipped := p.html, p.zipped
	p.mu.Unlock() // before it waits for the client
	if err != nil {
		e := h.explain(r, err)
		http.Error(w, e.text, e.status)
		return
	}
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		head.Set("Content-Encoding", "gzip")
		html = zipped
	}
	_, _ = w.Write(html) // who has gone needs no page
}
