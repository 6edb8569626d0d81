package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"qtune/kernels/module"
	"qtune/logs"
	"qtune/measure"
	"qtune/schedules"
)

// A bestReport is what a network would use for a workload.
type bestReport struct {
	Workload string  `json:"workload"`
	Schedule string  `json:"schedule"`
	Source   string  `json:"source"`
	TimeNS   float64 `json:"time_ns,omitempty"` // measured for this workload
	Loss     float64 `json:"predicted_loss,omitempty"`
}

func logBestCommand() *cobra.Command {
	var (
		pick    pickFlags
		target  targetFlags
		machine string
		path    string
		remote  cacheFlags
		json    bool
	)
	c := &cobra.Command{
		Use:   "best (--workload TEXT | --model M.tflite [--tasks SEL])",
		Short: "Show which schedule would be used for a workload, and why",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			isa, err := target.parse()
			if err != nil {
				return err
			}
			workloads, err := pick.workloads(isa)
			if err != nil {
				return err
			}
			log, done, err := openKnown(c, path, &remote, pick.wanted(workloads, isa))
			if err != nil {
				return err
			}
			defer done()
			m, err := machineOf(c.Context(), log, machine)
			if err != nil {
				return err
			}
			var reports []bestReport
			for _, w := range workloads {
				r, err := reportBest(c.Context(), log, w, schedules.Target{ISA: isa, Machine: m})
				if err != nil {
					return err
				}
				reports = append(reports, r)
			}
			if json {
				return writeJSON(c.OutOrStdout(), reports)
			}
			return printBest(c, reports)
		},
	}
	pick.register(c)
	target.register(c)
	registerMachine(c, &machine)
	registerLog(c, &path)
	remote.register(c)
	registerJSON(c, &json)
	return c
}

// openKnown opens what knows schedules: the log at path, or what a service says.
func openKnown(c *cobra.Command, path string, remote *cacheFlags, w wanted) (log *logs.Log, done func(), err error) {
	if remote.used() {
		return remote.open(c, w)
	}
	log, err = logs.Open(path, logs.Options{ReadOnly: true, Warn: warner(c)})
	return log, func() { log.Close() }, err
}

// reportBest is what the compiler chooses, with the time where that was measured.
func reportBest(ctx context.Context, log *logs.Log, w schedules.Workload, t schedules.Target) (bestReport, error) {
	choice, err := logs.Chooser(ctx, log, t.Machine)(w, t.ISA)
	if err != nil {
		return bestReport{}, err
	}
	r := bestReport{Workload: w.String(), Schedule: choice.Schedule.String(), Source: choice.Source.String(), Loss: choice.Loss}
	if choice.Source <= module.OtherCPU && choice.CodeHash != "" {
		r.TimeNS = float64(choice.Estimate)
	}
	return r, nil
}

func printBest(c *cobra.Command, reports []bestReport) error {
	t := newTable("from", ">time", "workload", "schedule")
	for _, r := range reports {
		time := "-"
		if r.TimeNS > 0 {
			time = fmt.Sprint(measure.Nanos(r.TimeNS))
		}
		from := r.Source
		if r.Loss > 0 {
			from += fmt.Sprintf(", predicted loss %s", percent(r.Loss, 1))
		}
		t.add(from, time, r.Workload, r.Schedule)
	}
	return t.write(c.OutOrStdout())
}
