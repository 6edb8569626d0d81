package hub

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"qtune/kernels"
	"qtune/measure"
	"qtune/measure/remote"
	"qtune/measure/remote/fleet"
	"qtune/measure/remote/worker"
	"qtune/measure/sim"
	"qtune/schedules"
)

// The real ends of the protocol work together through a hub that lets them do no
// more than they need: several workers, and two tuners with one credential.
func TestATeam(t *testing.T) {
	t.Parallel()
	dir := team(t)
	boards := []*remote.Credentials{
		add(t, dir, "board-0", remote.WorkerRole, Limits{}),
		add(t, dir, "board-1", remote.WorkerRole, Limits{kind.ISA, kind.Class}),
	}
	creds := add(t, dir, "desk", remote.TunerRole, Limits{})
	var book logBook
	h, _ := run(t, Config{Store: dir, Log: book.logger()})
	machine, err := schedules.ParseMachine("amd-26-2 cores=2 l1d=49152 l2=1048576 l3=33554432")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var ends sync.WaitGroup
	t.Cleanup(func() { stop(); ends.Wait() })
	for _, board := range boards {
		w, err := worker.New(worker.Config{
			Hub:      remote.Options{URL: h.URL(), Credentials: board},
			Identity: remote.Identity{Name: board.Name, Version: "test", Generator: kernels.Generator, Machine: machine},
			ISAs:     []schedules.ISA{kind.ISA}, Runner: sim.New(sim.Config{}), Log: book.logger(),
		})
		if err != nil {
			t.Fatal(err)
		}
		ends.Go(func() {
			if err := w.Run(ctx); err != nil {
				t.Errorf("%s: %v", board.Name, err)
			}
		})
	}
	var tuners sync.WaitGroup
	for range 2 {
		nc := dial(t, h, creds, nil)
		tuners.Go(func() {
			r, err := fleet.New(ctx, fleet.Config{Conn: nc, Kind: kind, Log: book.logger()})
			if err != nil {
				t.Error(err)
				return
			}
			for seed := range 5 {
				if err := measureSome(ctx, r, uint64(seed)); err != nil {
					t.Error(err)
				}
			}
			r.Close()
		})
	}
	tuners.Wait()
	nc := dial(t, h, creds, nil)
	if all, err := remote.Census(ctx, nc); err != nil || len(all) != 2 {
		t.Errorf("the census is %v, %v", all, err)
	}
	stop()
	ends.Wait()
	for _, word := range []string{"do not allow it", "level=ERROR"} {
		if text := book.String(); strings.Contains(text, word) {
			t.Errorf("the log has %q:\n%s", word, text)
		}
	}
}

// measureSome has a batch measured.
func measureSome(ctx context.Context, r *fleet.Runner, seed uint64) error {
	w, err := schedules.ParseWorkload("conv2d n1 h28 w28 c32 k1x1 o64 s1x1 d1x1 p0,0,0,0 wz=1 perch=0 round=double sign=0 mult=lt1")
	if err != nil {
		return err
	}
	var jobs []measure.Job
	for i := range 4 {
		jobs = append(jobs, measure.Job{ID: uint64(i), Workload: w, ISA: kind.ISA, Mode: kernels.Native, Protocol: measure.DefaultProtocol(), Seed: seed})
	}
	results, err := r.Measure(ctx, jobs)
	if err != nil {
		return err
	}
	for i, res := range results {
		if res.ID != jobs[i].ID || res.Status != measure.OK {
			return errors.New(res.Message)
		}
	}
	return nil
}
