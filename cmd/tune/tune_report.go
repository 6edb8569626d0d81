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
	"qtune/service"
	"qtune/service/api"
	"qtune/tuner"
)

// finishTuning compares the network, if there is one, before and after, and
// prints the report.
func finishTuning(c *cobra.Command, f *tuneFlags, log *logs.Log, g *qnn.Graph, isa schedules.ISA, session int64, r *tuner.Report) error {
	res := service.ResultOf(r)
	if g != nil {
		p := comparison{g, log, session, isa, f.threads, res.Tasks, func(text string) { fmt.Fprintln(c.ErrOrStderr(), text) }}
		latency, err := p.run(c.Context())
		if err != nil {
			fmt.Fprintf(c.ErrOrStderr(), "no end-to-end latency: %s: %v\n", f.model.path, err)
		}
		res.Latency = latency
	}
	return printTuning(c, res, f.json)
}

func printTuning(c *cobra.Command, r *api.Result, json bool) error {
	if json {
		return writeJSON(c.OutOrStdout(), r)
	}
	return printResult(c.OutOrStdout(), r)
}

// printResult prints what a tuning found, a line for each task.
func printResult(w io.Writer, r *api.Result) error {
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
	printLatency(w, r)
	return nil
}

// printLatency says what the network gained as a whole.
func printLatency(w io.Writer, r *api.Result) {
	if r.NoLatency != "" {
		fmt.Fprintf(w, "no end-to-end latency: %s\n", r.NoLatency)
	}
	l := r.Latency
	if l == nil {
		return
	}
	fmt.Fprintf(w, "end to end: default %s, tuned %s, gain %s (medians of %d inferences each)\n",
		ms(time.Duration(l.DefaultNS)), ms(time.Duration(l.TunedNS)), factor(float64(l.DefaultNS)/float64(l.TunedNS)), l.Runs)
	for _, text := range l.Reverted {
		fmt.Fprintf(w, "slower in the network than its default, which is used: %s\n", text)
	}
}

// printNoise says what was a tie in the finals.
func printNoise(w io.Writer, tasks []api.TaskResult) {
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
