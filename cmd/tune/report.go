package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"qtune/logs"
	"qtune/schedules"
	"qtune/service/views"
	"qtune/service/web"
)

// reportFlags are the flags of "tune report".
type reportFlags struct {
	model   modelFlag
	target  targetFlags
	machine string
	log     string
	format  string
	out     string
}

// reportFormats are what a report can be written as.
var reportFormats = map[string]func(io.Writer, *views.Report) error{"html": web.Report, "md": web.Markdown}

func reportCommand() *cobra.Command {
	var f reportFlags
	c := &cobra.Command{
		Use:   "report --model M.tflite [--format html|md] [-o FILE]",
		Short: "Write what the log says about a network as one file, to mail or to attach",
		Long: `Write what the log says about a network: layers by time, where each schedule came
from, before and after, and of each task all trials, the winner's code and why the
second best lost. HTML is one file that needs nothing else; md are the tables that a
comment has room for.

Times are those of the log's records; nothing of the network is measured. Where the
report is for this machine, what it could do at most is measured, in a second or two.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return writeReport(c, &f) },
	}
	f.model.register(c)
	f.target.register(c)
	registerMachine(c, &f.machine)
	registerLog(c, &f.log)
	c.Flags().StringVar(&f.format, "format", "html", "html or md")
	c.Flags().StringVarP(&f.out, "output", "o", "", "file to write (default: standard output)")
	return c
}

func writeReport(c *cobra.Command, f *reportFlags) error {
	write, known := reportFormats[f.format]
	if !known {
		return usageErrorf("--format %q: want html or md", f.format)
	}
	isa, err := f.target.parse()
	if err != nil {
		return err
	}
	if isa == schedules.Ref {
		return fmt.Errorf("target ref is not tuned: it is plain Go")
	}
	g, err := f.model.load()
	if err != nil {
		return err
	}
	log, err := logs.Open(f.log, logs.Options{ReadOnly: true, Warn: warner(c)})
	if err != nil {
		return err
	}
	defer log.Close()
	machine, err := machineOf(c.Context(), log, f.machine)
	if err != nil {
		return err
	}
	t := schedules.Target{ISA: isa, Machine: machine}
	limits, err := limitsOf(c.Context(), t)
	if err != nil {
		return err
	}
	r, err := views.NewReport(c.Context(), log, g, f.model.path, t, limits)
	if err != nil {
		return fmt.Errorf("%s: %w", f.model.path, err)
	}
	if f.out == "" {
		return write(c.OutOrStdout(), r)
	}
	return writeFile(f.out, func(w io.Writer) error { return write(w, r) })
}

// limitsOf measures what one core of t can do; nil where t is not this machine.
func limitsOf(ctx context.Context, t schedules.Target) (*views.Machine, error) {
	if t.Machine.Class() != schedules.HostMachine().Class() || !slices.Contains(schedules.HostISAs(), t.ISA) {
		return nil, nil
	}
	return measureLimits(ctx, t.ISA)
}

// measureLimits measures what one core of this machine can do with isa.
func measureLimits(ctx context.Context, isa schedules.ISA) (*views.Machine, error) {
	m, err := measureMachine(ctx, isa, 1)
	if err != nil {
		return nil, err
	}
	peaks, levels := m.roofs(string(isa))
	return &views.Machine{Peaks: peaks, Levels: levels}, nil
}
