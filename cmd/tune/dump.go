package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"qtune/kernels"
	"qtune/schedules"
)

// A dumpReport is the code of one kernel.
type dumpReport struct {
	Workload string `json:"workload"`
	Schedule string `json:"schedule"`
	Target   string `json:"target"`
	CodeHash string `json:"code_hash"`
	Text     string `json:"text"`
}

func dumpCommand() *cobra.Command {
	var (
		pick     pickFlags
		target   targetFlags
		schedule string
		json     bool
	)
	c := &cobra.Command{
		Use:   "dump (--workload TEXT | --model M.tflite [--tasks SEL])",
		Short: "Show the plan and the assembly of kernels",
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
			var reports []dumpReport
			for _, w := range workloads {
				r, err := dumpKernel(w, schedule, isa)
				if err != nil {
					return err
				}
				reports = append(reports, r)
			}
			if json {
				return writeJSON(c.OutOrStdout(), reports)
			}
			for _, r := range reports {
				fmt.Fprintf(c.OutOrStdout(), "; %s\n; %s\n; %s, code %s\n%s\n", r.Workload, r.Schedule, r.Target, r.CodeHash, r.Text)
			}
			return nil
		},
	}
	pick.register(c)
	target.register(c)
	c.Flags().StringVar(&schedule, "schedule", "", "a schedule's text (default: the default schedule)")
	registerJSON(c, &json)
	return c
}

func dumpKernel(w schedules.Workload, schedule string, isa schedules.ISA) (dumpReport, error) {
	space, err := schedules.SpaceFor(w, isa)
	if err != nil {
		return dumpReport{}, err
	}
	s, err := parseScheduleFlag(schedule, space)
	if err != nil {
		return dumpReport{}, err
	}
	k, err := kernels.Build(w, s, isa)
	if err != nil {
		return dumpReport{}, err
	}
	return dumpReport{w.String(), s.String(), string(isa), k.CodeHash(), k.Dump()}, nil
}
