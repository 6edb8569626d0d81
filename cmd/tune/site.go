package main

import (
	"errors"
	"fmt"
	"log/slog"

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
	log := slog.New(lineHandler{display.line})
	nc, err := f.hub.dial("tune", log)
	if err != nil {
		return nil, fmt.Errorf("--workers %w", err)
	}
	target, err := findWorkers(c, nc, isa, f.machine)
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
	return &site{target, r, false, func() error {
		defer nc.Close()
		return r.Close()
	}}, nil
}
