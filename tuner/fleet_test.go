package tuner

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"qtune/kernels"
	"qtune/measure"
	"qtune/measure/remote"
	"qtune/measure/remote/fleet"
	"qtune/measure/remote/hub"
	"qtune/measure/remote/worker"
	"qtune/measure/sim"
	"qtune/schedules"
)

// simulatedFleet is what workers of the tests measure with.
func simulatedFleet() *sim.Runner { return sim.New(sim.Config{Seed: 3, Noise: 0.03, Slots: 2}) }

// fleetKind is the kind of the tests' workers.
func fleetKind() remote.Kind {
	return remote.Kind{Generator: kernels.Generator, ISA: testTarget.ISA, Class: testTarget.Machine.Class()}
}

func fleetWorker(url, name string) (*worker.Worker, error) {
	return worker.New(worker.Config{
		Hub:      remote.Options{URL: url},
		Identity: remote.Identity{Name: name, Version: "test", Generator: kernels.Generator, Machine: testTarget.Machine},
		ISAs:     []schedules.ISA{testTarget.ISA}, Runner: simulatedFleet(),
	})
}

// TestFleet tunes with the same seed on a machine, and with one and with four
// workers of a hub: the trials and the winners are the same.
func TestFleet(t *testing.T) {
	config := func(store Store) Config {
		cfg := windowConfig(t, store, 1, 1)
		cfg.Trials = 4 * windowTrials
		cfg.Runner = simulatedFleet()
		return cfg
	}
	store := &memory{}
	report := tune(t, config(store))
	want := searchOf(report, store.trials)
	for _, workers := range []int{1, 4} {
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			store := &memory{}
			cfg := config(store)
			r := startFleet(t, workers)
			cfg.Runner = r
			report := tune(t, cfg)
			r.Close()
			for _, row := range store.trials {
				if row.Status == measure.OK.String() && row.Message == "" {
					t.Errorf("%v: nobody says who measured it", row.Schedule)
				}
			}
			searchOf(report, store.trials).check(t, "the fleet", want)
		})
	}
}

// startFleet starts a hub and workers in this process, and connects to them.
func startFleet(t *testing.T, workers int) *fleet.Runner {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	h, err := hub.New(ctx, hub.Config{Listen: "127.0.0.1:0", Store: filepath.Join(t.TempDir(), "hub")})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	hubContext, endHub := context.WithCancel(context.Background())
	var hubs sync.WaitGroup // the last to end
	hubs.Go(func() {
		if err := h.Run(hubContext); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); all.Wait(); endHub(); hubs.Wait() })
	for i := range workers {
		w, err := fleetWorker(h.URL(), fmt.Sprintf("w%d", i))
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			if err := w.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	nc, err := remote.Dial(remote.Options{URL: h.URL(), Name: "tuner"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	r, err := fleet.New(ctx, fleet.Config{Conn: nc, Kind: fleetKind()})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
