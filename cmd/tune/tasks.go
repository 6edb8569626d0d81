package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"qtune/kernels/module"
	"qtune/schedules"
)

// A taskReport is a line of "tune tasks".
type taskReport struct {
	Task     int     `json:"task"`
	Count    int     `json:"count"`
	MACs     int64   `json:"macs"`
	Share    float64 `json:"share_of_macs"`
	Points   int     `json:"schedules"`
	Workload string  `json:"workload"`
}

func tasksCommand() *cobra.Command {
	var (
		model  modelFlag
		target targetFlags
		json   bool
	)
	c := &cobra.Command{
		Use:   "tasks --model M.tflite",
		Short: "List the distinct workloads of a network",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			g, err := model.load()
			if err != nil {
				return err
			}
			isa, err := target.parse()
			if err != nil {
				return err
			}
			_, tasks, skipped, err := module.Tasks(g, isa)
			if err != nil {
				return fmt.Errorf("%s: %w", model.path, err)
			}
			for _, s := range skipped {
				fmt.Fprintf(c.ErrOrStderr(), "not tuned: %s\n", s)
			}
			reports, err := reportTasks(tasks, isa)
			if err != nil {
				return err
			}
			if json {
				return writeJSON(c.OutOrStdout(), reports)
			}
			return printTasks(c, reports)
		},
	}
	model.register(c)
	target.register(c)
	registerJSON(c, &json)
	return c
}

func reportTasks(tasks []schedules.Task, isa schedules.ISA) ([]taskReport, error) {
	total := int64(0)
	for _, t := range tasks {
		total += t.MACs
	}
	reports := make([]taskReport, len(tasks))
	for i, t := range tasks {
		reports[i] = taskReport{Task: i, Count: t.Count, MACs: t.MACs, Share: float64(t.MACs) / float64(total), Workload: t.Workload.String()}
		if isa == schedules.Ref {
			continue
		}
		space, err := schedules.SpaceFor(t.Workload, isa)
		if err != nil {
			return nil, fmt.Errorf("task %d: %w", i, err)
		}
		reports[i].Points = space.Size()
	}
	return reports, nil
}

func printTasks(c *cobra.Command, reports []taskReport) error {
	t := newTable(">task", ">count", ">MMAC", ">share", ">schedules", "workload")
	for _, r := range reports {
		t.add(strconv.Itoa(r.Task), strconv.Itoa(r.Count), fmt.Sprintf("%.2f", float64(r.MACs)/1e6),
			percent(r.Share, 1), strconv.Itoa(r.Points), r.Workload)
	}
	return t.write(c.OutOrStdout())
}
