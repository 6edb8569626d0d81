// Package views makes plain data of what a log says about networks and tasks, for
// pages, reports and whoever else shows it: no HTML, no flags. In: a log, a network,
// a target. Out: structs whose fields are ready to print, and charts.
//
//	Network   network.go  its layers by time, where each schedule came from, before and after
//	Task      task.go     one workload's trials, winner, second best, code
//	Job, Worker  job.go   what a service runs; the service fills them
//
// All times are those of the log's records, of one run of a layer on one thread:
// nothing is measured here.
package views

import (
	"context"

	"qtune/kernels"
	"qtune/kernels/module"
	"qtune/logs"
	"qtune/measure"
	"qtune/schedules"
)

// A Choice is the schedule that a network uses for a workload, and what is known
// of it.
type Choice struct {
	Schedule schedules.Schedule
	Source   module.Source
	Loss     float64       // predicted, relative, where it was not measured for this workload
	Tuned    measure.Nanos // 0 = not measured
	Default  measure.Nanos // of the default schedule; 0 = not known
	Estimate measure.Nanos // Tuned, or a guess where that is not known
	Gain     float64       // Default / Tuned; 0 = not known
	Final    bool          // it won a final, in which Tuned and Default were measured in turn
	// InNetwork tells that the default schedule is used because what won alone was
	// slower in the whole network.
	InNetwork bool
}

// ChoiceOf returns what log chooses for w.
func ChoiceOf(ctx context.Context, log *logs.Log, w schedules.Workload, t schedules.Target) (Choice, error) {
	chosen, err := logs.Chooser(ctx, log, t.Machine)(w, t.ISA)
	if err != nil {
		return Choice{}, err
	}
	c := Choice{Schedule: chosen.Schedule, Source: chosen.Source, Loss: chosen.Loss, Estimate: measure.Nanos(chosen.Estimate)}
	if c.Source > module.OtherCPU {
		return c, nil
	}
	r, _, err := log.Best(ctx, logs.Query{Workload: w, Target: t, Generator: kernels.Generator})
	if err != nil || r.Schedule != c.Schedule {
		return c, err
	}
	c.Tuned, c.Default = measure.Nanos(r.CenterNS), measure.Nanos(r.DefaultNS)
	c.Estimate, c.Final, c.InNetwork = c.Tuned, r.Final, r.Protocol == logs.InNetwork
	if c.Default == 0 {
		if c.Default, err = defaultTime(ctx, log, r); err != nil {
			return Choice{}, err
		}
	}
	c.Gain = gain(c.Default, c.Tuned)
	return c, nil
}

// defaultTime looks for the latest trial of the default schedule that was measured
// like r; 0: there is none.
func defaultTime(ctx context.Context, log *logs.Log, r logs.Record) (measure.Nanos, error) {
	space, err := schedules.SpaceFor(r.Workload, r.Target.ISA)
	if err != nil {
		return 0, err
	}
	found := measure.Nanos(0)
	for t, err := range log.Trials(ctx, r.Workload, r.Target) {
		if err != nil {
			return 0, err
		}
		if t.Status == logs.StatusOK && t.Schedule == space.Start() && t.Generator == r.Generator && t.Protocol == r.Protocol {
			found = measure.Nanos(t.CenterNS)
		}
	}
	return found, nil
}
