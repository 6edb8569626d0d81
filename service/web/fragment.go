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
	maxFragments = 256 // jobs
)

// A fragment is the live part of a job's page.
type fragment struct {
	mu           sync.Mutex // held while it is made: others wait for the same
	at           time.Time
	state        string
	trials       int
	html, zipped []byte
}

// fragments are those of all jobs. The zero fragments is empty.
type fragments struct {
	mu sync.Mutex
	of map[string]*fragment
}

// get returns the live part of the page of a job that read returns, as text and
// compressed.
func (f *fragments) get(ctx context.Context, id string, read func() (*views.Job, error)) (html, zipped []byte, err error) {
	p := f.job(id)
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
			if err := p.make(j); err != nil {
				return nil, nil, err
			}
			return p.html, p.zipped, nil
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

func (f *fragments) job(id string) *fragment {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.of[id]
	if p == nil {
		if f.of == nil || len(f.of) >= maxFragments {
			f.of = map[string]*fragment{}
		}
		p = new(fragment)
		f.of[id] = p
	}
	return p
}

// make makes it anew. The caller holds the lock.
func (p *fragment) make(j *views.Job) error {
	at := time.Now()
	var html, zipped bytes.Buffer
	if err := templates().ExecuteTemplate(&html, "live", j); err != nil {
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
	p.at, p.state, p.trials, p.html, p.zipped = at, j.State, j.Done, html.Bytes(), zipped.Bytes()
	return nil
}

// live answers with the part of a job's page that changes.
func (h *Handler) live(w http.ResponseWriter, r *http.Request) {
	ctx, id := r.Context(), r.PathValue("id")
	html, zipped, err := h.fragments.get(ctx, id, func() (*views.Job, error) { return h.source.Job(ctx, id) })
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
