package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"qtune/measure/sim"
	"qtune/service"
	"qtune/service/api"
)

// Where the answer to a submission is lost the client submits again: there are two
// jobs then, and one of them answers the other.
func TestLostAnswers(t *testing.T) {
	h, s := newServer(t, nil)
	lost := map[string]bool{}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" && !lost[r.URL.Path] {
			lost[r.URL.Path] = true
			h.Config.Handler.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		h.Config.Handler.ServeHTTP(w, r)
	}))
	defer front.Close()
	c := newClient(t, front, "")
	m, err := c.Upload(t.Context(), "net", golden(t, "conv_u8_bigk"))
	if err != nil || len(must(s.Models(t.Context()))) != 1 {
		t.Fatalf("%+v, %v", m, err)
	}
	spec := api.DefaultSpec()
	spec.Model, spec.Trials = m.Hash, 40
	j, err := c.Submit(t.Context(), spec)
	if err != nil || j.ID != 2 {
		t.Fatalf("%+v, %v", j, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.Watch(ctx, j.ID, func(api.Event) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if j, err = c.Job(t.Context(), j.ID); err != nil || j.State != api.Done || j.SameAs != 1 {
		t.Errorf("%+v, %v", j, err)
	}
	if n := must(s.Log().Stats(t.Context())).Trials; n != 40 {
		t.Errorf("%d trials for both", n)
	}
}

// Beyond so many connections others wait, and come in when one ends.
func TestConnectionsAreLimited(t *testing.T) {
	_, s := newServer(t, nil)
	server := New(Config{Service: s, Open: true})
	server.most = 2
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- server.Serve(ctx, l, nil) }()
	idle := []net.Conn{must(net.Dial("tcp", l.Addr().String())), must(net.Dial("tcp", l.Addr().String()))}
	for _, c := range idle { // it has been accepted once it is answered
		fmt.Fprint(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	c := must(net.Dial("tcp", l.Addr().String()))
	defer c.Close()
	fmt.Fprint(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("one connection too many is answered: %v", err)
	}
	idle[0].Close()
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	if res, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || res.StatusCode != 200 {
		t.Errorf("%+v, %v", res, err)
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// gated makes a simulated machine that measures a batch for each element of gate, which
// has some.
func gated(elements int) (r *sim.Runner, gate chan struct{}) {
	gate = make(chan struct{}, elements)
	for range elements {
		gate <- struct{}{}
	}
	return sim.New(sim.Config{Seed: 3, Slots: 1, Gate: gate}), gate
}

// A watcher whose connection breaks goes on after the last event that it saw, also
// with a service that has started anew.
func TestWatchGoesOn(t *testing.T) {
	dir := t.TempDir()
	var handler atomic.Value // http.Handler
	few, _ := gated(9)
	first, s := newServer(t, func(sc *service.Config, _ *Config) { sc.Dir, sc.Runner = dir, few })
	handler.Store(first.Config.Handler)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.Load().(http.Handler).ServeHTTP(w, r)
	}))
	defer front.Close()
	c := newClient(t, front, "")
	m := must(c.Upload(t.Context(), "net", golden(t, "conv_u8_bigk")))
	spec := api.DefaultSpec()
	spec.Model, spec.Trials = m.Hash, 200
	j := must(c.Submit(t.Context(), spec))
	var seqs []int64
	services, states := 0, 0
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := c.Watch(ctx, j.ID, func(e api.Event) error {
		if e.Seq != 0 {
			seqs = append(seqs, e.Seq)
		}
		switch e.Type {
		case api.StateEvent:
			states++
		case api.EndEvent:
			services++
		case api.ProgressEvent:
			if len(seqs) > 2 && services == 0 { // the service restarts
				services++
				go func() {
					if err := s.Close(); err != nil {
						t.Error(err)
					}
					second, _ := newServer(t, func(sc *service.Config, _ *Config) { sc.Dir = dir })
					handler.Store(second.Config.Handler)
				}()
			}
		}
		return nil
	})
	if err != nil || !slices.IsSorted(seqs) || len(slices.Compact(slices.Clone(seqs))) != len(seqs) || services < 2 {
		t.Errorf("%v; events %v, %d ends, %d states", err, seqs, services, states)
	}
	if j, err := c.Job(t.Context(), j.ID); err != nil || j.State != api.Done {
		t.Errorf("%+v, %v", j, err)
	}
}
