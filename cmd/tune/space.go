package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"qtune/schedules"
)

// A spaceReport describes the space of one workload.
type spaceReport struct {
	Workload string       `json:"workload"`
	Target   string       `json:"target"`
	Points   int          `json:"combinations"`
	Size     int          `json:"schedules"`
	Start    string       `json:"default"`
	Knobs    []knobReport `json:"knobs"`
}

type knobReport struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

func spaceCommand() *cobra.Command {
	var (
		pick   pickFlags
		target targetFlags
		json   bool
	)
	c := &cobra.Command{
		Use:   "space (--workload TEXT | --model M.tflite [--tasks SEL])",
		Short: "Show what can be varied in a workload: knobs, values, number of schedules",
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
			var reports []spaceReport
			for _, w := range workloads {
				space, err := schedules.SpaceFor(w, isa)
				if err != nil {
					return err
				}
				reports = append(reports, reportSpace(space))
			}
			if json {
				return writeJSON(c.OutOrStdout(), reports)
			}
			for _, r := range reports {
				printSpace(c, r)
			}
			return nil
		},
	}
	pick.register(c)
	target.register(c)
	registerJSON(c, &json)
	return c
}

func reportSpace(s *schedules.Space) spaceReport {
	r := spaceReport{
		Workload: s.Workload().String(), Target: string(s.ISA()),
		Points: s.Points(), Size: s.Size(), Start: s.Start().String(),
	}
	for _, k := range s.Knobs() {
		r.Knobs = append(r.Knobs, knobReport{k.Name, k.Values})
	}
	return r
}

func printSpace(c *cobra.Command, r spaceReport) {
	w := c.OutOrStdout()
	fmt.Fprintf(w, "%s\n  target   %s\n  default  %s\n  %d valid schedules of %d combinations\n",
		r.Workload, r.Target, r.Start, r.Size, r.Points)
	for _, k := range r.Knobs {
		fmt.Fprintf(w, "  %-8s %s\n", k.Name, strings.Join(k.Values, " "))
	}
}
