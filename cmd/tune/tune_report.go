package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"qtune/logs"
	"qtune/measure"
	"qtune/qnn"
	"qtune/schedules"
	"qtune/tuner"
)

// A tuneReport is what the root command prints. Times are nanoseconds.
type tuneReport struct {
	Tasks       []tunedTask    `json:"tasks"`
	GeoMeanGain float64        `json:"geometric_mean_gain"`
	Trials      int            `json:"trials"` // of this run
	Known       int            `json:"known_trials"`
	Statuses    map[string]int `json:"trials_by_status"`
	WallS       float64        `json:"wall_seconds"`
	PerSecond   float64        `json:"trials_per_second"`
	Interrupted bool           `json:"interrupted"`
	Latency     *endToEnd      `json:"latency,omitempty"`
}

type tunedTask struct {
	Workload  string  `json:"workload"`
	Count     int     `json:"count"`
	Trials    int     `json:"trials"`
	Failures  int     `json:"failures"`
	DefaultNS float64 `json:"default_ns"`
	TunedNS   float64 `json:"tuned_ns"`
	Gain      float64 `json:"gain"`
	Share     float64 `json:"share_of_time"`
	Final     bool    `json:"final"`
	Noise     float64 `json:"noise,omitempty"` // relative: what differed by less in the final was a tie
	Schedule  string  `json:"schedule"`
	Error     string  `json:"error,omitempty"` // the first failure, where nothing worked
	Ended     string  `json:"ended,omitempty"`
}

func tuningReport(r *tuner.Report, latency *endToEnd) tuneReport {
	rep := tuneReport{
		GeoMeanGain: r.GeoMeanGain, Trials: r.Counts.New, Known: r.Counts.Known, Statuses: map[string]int{},
		WallS: r.Wall.Seconds(), PerSecond: r.PerSecond(), Interrupted: r.Interrupted, Latency: latency,
	}
	for s, n := range r.Counts.ByStatus {
		rep.Statuses[s.String()] = n
	}
	for _, t := range r.Tasks {
		e := tunedTask{
			Workload: t.Task.Workload.String(), Count: t.Task.Count, Trials: t.Trials, Failures: t.Failures,
			DefaultNS: float64(t.Default), TunedNS: float64(t.Tuned), Gain: t.Gain, Share: t.Share,
			Final: t.Final, Noise: t.Noise, Schedule: t.Schedule.String(), Ended: t.Ended,
		}
		if t.Tuned == 0 {
			e.Error = t.Error
		}
		rep.Tasks = append(rep.Tasks, e)
	}
	return rep
}

// finishTuning compares the network, if there is one, before and after, and
// prints the report.
func finishTuning(c *cobra.Command, f *tuneFlags, log *logs.Log, g *qnn.Graph, isa schedules.ISA, r *tuner.Report) error {
	if g == nil {
		return printTuning(c, f, tuningReport(r, nil))
	}
	latency, err := compareLatency(c, f, log, g, isa, r)
	if err != nil {
		fmt.Fprintf(c.ErrOrStderr(), "no end-to-end latency: %s: %v\n", f.model.path, err)
	}
	return printTuning(c, f, tuningReport(r, latency))
}

func printTuning(c *cobra.Command, f *tuneFlags, r tuneReport) error {
	w := c.OutOrStdout()
	if f.json {
		return writeJSON(w, r)
	}
	t := newTable(">task", ">count", ">trials", ">default", ">tuned", ">gain", ">share", "workload", "schedule")
	for i, k := range r.Tasks {
		note := k.Schedule
		if k.TunedNS == 0 {
			note = "nothing worked: " + k.Error
		}
		t.add(strconv.Itoa(i), strconv.Itoa(k.Count), strconv.Itoa(k.Trials), nanos(k.DefaultNS), nanos(k.TunedNS),
			factor(k.Gain), percent(k.Share, 1), k.Workload, note)
	}
	if err := t.write(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "%s in %.1f s (%.0f/s), %d known before; failed: %d; geometric mean gain %s\n",
		plural(r.Trials, "trial"), r.WallS, r.PerSecond, r.Known, r.Trials-r.Statuses[measure.OK.String()], factor(r.GeoMeanGain))
	printNoise(w, r.Tasks)
	if l := r.Latency; l != nil {
		fmt.Fprintf(w, "end to end: default %s, tuned %s, gain %s (medians of %d inferences each)\n",
			ms(time.Duration(l.DefaultNS)), ms(time.Duration(l.TunedNS)), factor(float64(l.DefaultNS)/float64(l.TunedNS)), l.Runs)
		for _, text := range l.Reverted {
			fmt.Fprintf(w, "slower in the network than its default, which is used: %s\n", text)
		}
	}
	return nil
}

// printNoise says what was a tie in the finals.
func printNoise(w io.Writer, tasks []tunedTask) {
	var noise []float64
	for _, t := range tasks {
		if t.Noise > 0 {
			noise = append(noise, t.Noise)
		}
	}
	if len(noise) > 0 {
		fmt.Fprintf(w, "finals: differences below the noise are ties: %s to %s\n", percent(slices.Min(noise), 1), percent(slices.Max(noise), 1))
	}
}

// nanos prints a time, "-" where it is not known.
func nanos(ns float64) string {
	if ns == 0 {
		return "-"
	}
	return measure.Nanos(ns).String()
}

// factor prints a gain, "-" where it is not known.
func factor(v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2fx", v)
}
