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

func (f *fragments) get(path string) *fragment {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.of[path]
	if p == nil {
		if f.of == nil || len(f.of) >= maxFragments {
			f.of = map[string]*fragment{}
		}
		p = new(fragment)
		f.of[path] = p
	}
	return p
}

// job returns the fragment of a job that read returns, as text and compressed.
func (p *fragment) job(ctx context.Context, read func() (*views.Job, error)) (html, zipped []byte, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		j, err := read()
		if err != nil {
			return nil, nil, err
		}
		left := fragmentAge - time.Since(p.at)
		switch {
		case p.state != j.State || left <= 0:
			p.state, p.trials = j.State, j.Done
			err = p.make("live", j)
			return p.html, p.zipped, err
		case p.trials == j.Done:
			return p.html, p.zipped, nil
		}
		select {
		case <-time.After(left):
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// list returns the fragment of a list that read returns, as text and compressed.
func (p *fragment) list(template string, read func() (any, error)) (html, zipped []byte, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.at) >= fragmentAge {
		data, err := read()
		if err != nil {
			return nil, nil, err
		}
		if err := p.make(template, data); err != nil {
			return nil, nil, err
		}
	}
	return p.html, p.zipped, nil
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
	read := func() (*views.Job, error) { return h.source.Job(r.Context(), r.PathValue("id")) }
	html, zipped, err := h.fragments.get(r.URL.Path).job(r.Context(), read)
	h.writeFragment(w, r, html, zipped, err)
}

// liveList makes a handler that answers with a list, of what read returns.
func (h *Handler) liveList(template string, read func(context.Context) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		html, zipped, err := h.fragments.get(r.URL.Path).list(template, func() (any, error) { return read(r.Context()) })
		h.writeFragment(w, r, html, zipped, err)
	}
}

// writeFragment answers with a fragment, or with why there is none.
func (h *Handler) writeFragment(w http.ResponseWriter, r *http.Request, html, zipped []byte, err error) {
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
