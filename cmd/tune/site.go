package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"qtune/kernels"
	"qtune/measure/remote"
	"qtune/measure/remote/fleet"
	"qtune/schedules"
	"qtune/tuner"
)

// A site is what tuning measures with: this machine, or workers.
type site struct {
	target schedules.Target
	runner tuner.Runner
	local  bool
	close  func() error
}

// site makes it. What workers and hub have to say goes to the display.
func (f *tuneFlags) site(c *cobra.Command, display *progress) (*site, error) {
	if f.hub.url != "" {
		return f.remoteSite(c, display)
	}
	isa, _, err := f.target.resolve()
	if err != nil {
		return nil, err
	}
	if isa == schedules.Ref {
		return nil, errNothingToTune
	}
	r, err := newRunner(f.parallel, nil)
	if err != nil {
		return nil, err
	}
	return &site{schedules.Target{ISA: isa, Machine: schedules.HostMachine()}, r, true, r.Close}, nil
}

var errNothingToTune = errors.New("target ref has nothing to tune: it is plain Go")

func (f *tuneFlags) remoteSite(c *cobra.Command, display *progress) (*site, error) {
	var isa schedules.ISA
	if f.target.target != "" {
		var err error
		if isa, err = f.target.parse(); err != nil {
			return nil, err
		}
		if isa == schedules.Ref {
			return nil, errNothingToTune
		}
	}
	team, err := joinFleet(c, &f.hub, isa, f.machine, slog.New(lineHandler{display.line}))
	if err != nil {
		return nil, err
	}
	return &site{team.target, team.runner, false, team.close}, nil
}

// A membership is this program's in a fleet.
type membership struct {
	nc     *nats.Conn
	target schedules.Target
	runner *fleet.Runner
}

// joinFleet connects to a hub, waits for workers and is their tuner.
func joinFleet(c *cobra.Command, f *hubFlags, isa schedules.ISA, machine string, log *slog.Logger) (*membership, error) {
	nc, err := f.dial("tune", log)
	if err != nil {
		return nil, err
	}
	target, err := findWorkers(c, nc, isa, machine)
	if err != nil {
		nc.Close()
		return nil, err
	}
	kind := remote.Kind{Generator: kernels.Generator, ISA: target.ISA, Class: target.Machine.Class()}
	r, err := fleet.New(c.Context(), fleet.Config{Conn: nc, Kind: kind, Log: log})
	if err != nil {
		nc.Close()
		return nil, err
	}
	return &membership{nc, target, r}, nil
}

func (m *membership) close() error {
	m.runner.Close()
	m.nc.Close()
	return nil
}

// workers lists all of the hub's.
func (m *membership) workers(ctx context.Context) ([]remote.Status, error) {
	js, err := jetstream.New(m.nc)
	if err != nil {
		return nil, err
	}
	kv, err := remote.OpenWorkers(ctx, js)
	if err != nil {
		return nil, err
	}
	return allWorkers(ctx, m.nc, kv)
}
