package pages

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"qtune/kernels/module"
	"qtune/measure/sim"
	"qtune/qnn/tflite"
	"qtune/schedules"
	"qtune/service"
	"qtune/service/api"
	"qtune/service/client"
	"qtune/service/server"
	"qtune/service/views"
	"qtune/service/views/viewstest"
)

// A gate is a simulated machine that measures when a test lets it.
type gate struct {
	*sim.Runner
	batches chan struct{} // that may be measured
}

func newGate() *gate {
	batches := make(chan struct{})
	return &gate{sim.New(sim.Config{Seed: 3, Noise: 0.02, Slots: 1, Fail: viewstest.Fail, Gate: batches}), batches}
}

// pace is how often a job measures that is looked at.
const pace = 200 * time.Millisecond

// during lets so many batches be measured at most, one every so often, while f runs.
func (g *gate) during(every time.Duration, batches int, f func()) {
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		for range batches {
			select {
			case g.batches <- struct{}{}:
				time.Sleep(every)
			case <-ended:
				return
			}
		}
	}()
	f()
}

// A place is a service with its pages at an address that remains when it restarts.
type place struct {
	*service.Service
	gate    *gate
	dir     string
	address string
	close   func() // the service
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{gate: newGate(), dir: t.TempDir(), address: "127.0.0.1:0"}
	p.open(t)
	t.Cleanup(func() { p.close() })
	return p
}

// open begins to serve.
func (p *place) open(t *testing.T) {
	t.Helper()
	s, err := service.Open(service.Config{Dir: p.dir, Runner: p.gate, Machine: viewstest.Target.Machine, ISAs: []schedules.ISA{viewstest.Target.ISA}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	limits := func(context.Context, schedules.ISA) (*views.Machine, error) { return viewstest.Machine(), nil }
	h := server.New(server.Config{Service: s, Open: true, Pages: New(s, nil, limits, log), Log: log})
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- h.Serve(ctx, l, nil) }()
	p.Service, p.address = s, l.Addr().String()
	p.close = func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// as returns a client with a new token of a role.
func (p *place) as(t *testing.T, name string, role service.Role) *client.Client {
	t.Helper()
	token, err := p.AddToken(t.Context(), name, role)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New("http://"+p.address, token, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// upload sends a network with hostile names, and returns it and the number of its
// tasks.
func upload(t *testing.T, c *client.Client) (api.Model, int) {
	t.Helper()
	g, err := viewstest.Graph()
	if err != nil {
		t.Fatal(err)
	}
	_, tasks, _, err := module.Tasks(g, viewstest.Target.ISA)
	if err != nil {
		t.Fatal(err)
	}
	file, err := tflite.Export(g)
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.Upload(t.Context(), viewstest.Hostile, file)
	if err != nil {
		t.Fatal(err)
	}
	return m, len(tasks)
}
