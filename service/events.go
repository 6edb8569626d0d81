package service

import (
	"time"

	"qtune/service/api"
	"qtune/tuner"
)

// What the tuner says, in the words of the API.

func progressOf(e tuner.Progress, before time.Duration) api.Progress {
	p := api.Progress{
		Done: e.Done, Budget: e.Budget, Failed: e.Failed, PerSecond: e.PerSecond,
		ElapsedS: (before + e.Elapsed).Seconds(), LeftS: e.ETA.Seconds(),
		NetworkNS: float64(e.Network), DefaultNS: float64(e.Default),
	}
	for _, t := range e.Tasks {
		p.Tasks = append(p.Tasks, api.TaskProgress{
			Workload: t.Workload.String(), Count: t.Count, Trials: t.Trials,
			DefaultNS: float64(t.Default), BestNS: float64(t.Best), Ended: t.Ended,
		})
	}
	return p
}

func resumedOf(e tuner.Resumed) api.Resumed {
	r := api.Resumed{Trials: e.Trials, Ignored: e.Ignored, Budget: e.Budget, Tasks: e.Tasks}
	for _, s := range e.Skipped {
		r.Skipped = append(r.Skipped, s.Task.Workload.String()+": "+s.Reason)
	}
	return r
}

func improvedOf(e tuner.Improved) api.Improved {
	return api.Improved{
		Task: e.Task, Workload: e.Workload.String(), Schedule: e.Schedule.String(),
		TimeNS: float64(e.Time), BeforeNS: float64(e.Before), DefaultNS: float64(e.Default),
	}
}

func failedOf(e tuner.Failed) api.TrialFailed {
	return api.TrialFailed{
		Task: e.Task, Workload: e.Workload.String(), Schedule: e.Schedule.String(),
		Status: e.Status.String(), Message: e.Message,
	}
}

func finalistOf(e tuner.Finalist) api.Finalist {
	return api.Finalist{
		Task: e.Task, Done: e.Done, Of: e.Of, Workload: e.Workload.String(), Schedule: e.Schedule.String(),
		DefaultNS: float64(e.Default), TunedNS: float64(e.Tuned),
	}
}

// ResultOf is a tuner's report as the API and the command line print it.
func ResultOf(r *tuner.Report) *api.Result {
	res := &api.Result{
		GeoMeanGain: r.GeoMeanGain, Trials: r.Counts.New, Known: r.Counts.Known, Statuses: map[string]int{},
		WallS: r.Wall.Seconds(), PerSecond: r.PerSecond(), Interrupted: r.Interrupted,
	}
	for s, n := range r.Counts.ByStatus {
		res.Statuses[s.String()] = n
	}
	for _, t := range r.Tasks {
		e := api.TaskResult{
			Workload: t.Task.Workload.String(), Count: t.Task.Count, Trials: t.Trials, Failures: t.Failures,
			DefaultNS: float64(t.Default), TunedNS: float64(t.Tuned), Gain: t.Gain, Share: t.Share,
			Final: t.Final, Noise: t.Noise, Schedule: t.Schedule.String(), Ended: t.Ended,
		}
		if t.Tuned == 0 {
			e.Error = t.Error
		}
		res.Tasks = append(res.Tasks, e)
	}
	return res
}
