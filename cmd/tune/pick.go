package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"qtune/kernels/module"
	"qtune/schedules"
)

// pickFlags are the flags of commands that look at single workloads: one given
// as text, or tasks of a network.
type pickFlags struct {
	model    modelFlag
	tasks    string
	workload string
}

func (f *pickFlags) register(c *cobra.Command) {
	f.model.register(c)
	c.Flags().StringVar(&f.tasks, "tasks", "", `tasks of the model: numbers, ranges and operators, such as "0,4-6,dense" (default: all)`)
	c.Flags().StringVar(&f.workload, "workload", "", "a workload's text, in place of a model")
}

// workloads returns what the flags select.
func (f *pickFlags) workloads(isa schedules.ISA) ([]schedules.Workload, error) {
	switch {
	case f.workload != "" && f.model.path != "":
		return nil, usageErrorf("--workload and --model exclude each other")
	case f.workload != "":
		w, err := schedules.ParseWorkload(f.workload)
		if err != nil {
			return nil, usageErrorf("--workload: %w", err)
		}
		return []schedules.Workload{w}, nil
	case f.model.path == "":
		return nil, usageErrorf("--model or --workload is missing")
	}
	g, err := f.model.load()
	if err != nil {
		return nil, err
	}
	_, tasks, _, err := module.Tasks(g, isa)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.model.path, err)
	}
	numbers, err := schedules.SelectTasks(tasks, f.tasks)
	if err != nil {
		return nil, usageErrorf("--tasks %w", err)
	}
	var picked []schedules.Workload
	for _, i := range numbers {
		picked = append(picked, tasks[i].Workload)
	}
	return picked, nil
}

// wanted is what a service is asked for: the model, or the one workload.
func (f *pickFlags) wanted(workloads []schedules.Workload, isa schedules.ISA) wanted {
	if f.model.path != "" {
		return wanted{model: f.model.path, isa: isa}
	}
	return wanted{workload: workloads[0], isa: isa}
}

// ofAllTargets returns the workloads for each target, those of several once.
func (f *pickFlags) ofAllTargets() ([]schedules.Workload, error) {
	var all []schedules.Workload
	for _, isa := range schedules.ISAs() {
		some, err := f.workloads(isa)
		if err != nil {
			return nil, err
		}
		for _, w := range some {
			if !slices.Contains(all, w) {
				all = append(all, w)
			}
		}
	}
	return all, nil
}

// parseScheduleFlag reads --schedule and checks it against the space; no text
// means the space's default.
func parseScheduleFlag(text string, space *schedules.Space) (schedules.Schedule, error) {
	if text == "" {
		return space.Start(), nil
	}
	s, err := schedules.ParseSchedule(text)
	if err != nil {
		return s, usageErrorf("--schedule: %w", err)
	}
	if err := space.Validate(s); err != nil {
		return s, usageErrorf("--schedule: %w", err)
	}
	return s, nil
}
