package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"qtune/kernels"
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
}

func logBestCommand() *cobra.Command {
	var (
		pick   pickFlags
		target targetFlags
		path   string
		json   bool
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
			log, err := logs.Open(path, logs.Options{ReadOnly: true, Warn: warner(c)})
			if err != nil {
				return err
			}
			defer log.Close()
			var reports []bestReport
			for _, w := range workloads {
				r, err := reportBest(c.Context(), log, w, isa)
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
	registerLog(c, &path)
	registerJSON(c, &json)
	return c
}

// reportBest is what the compiler chooses, with the time where that was measured.
func reportBest(ctx context.Context, log *logs.Log, w schedules.Workload, isa schedules.ISA) (bestReport, error) {
	machine := schedules.HostMachine()
	choice, err := logs.Chooser(ctx, log, machine)(w, isa)
	if err != nil {
		return bestReport{}, err
	}
	r := bestReport{Workload: w.String(), Schedule: choice.Schedule.String(), Source: choice.Source.String()}
	if choice.Source > module.OtherCPU {
		return r, nil
	}
	best, _, err := log.Best(ctx, logs.Query{Workload: w, Target: schedules.Target{ISA: isa, Machine: machine}, Generator: kernels.Generator})
	if best.Schedule == choice.Schedule {
		r.TimeNS = best.CenterNS
	}
	return r, err
}

func printBest(c *cobra.Command, reports []bestReport) error {
	t := newTable("from", ">time", "workload", "schedule")
	for _, r := range reports {
		time := "-"
		if r.TimeNS > 0 {
			time = fmt.Sprint(measure.Nanos(r.TimeNS))
		}
		t.add(r.Source, time, r.Workload, r.Schedule)
	}
	return t.write(c.OutOrStdout())
}
