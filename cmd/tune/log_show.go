package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"qtune/logs"
	"qtune/measure"
)

// A logReport says what a log holds.
type logReport struct {
	Path      string           `json:"path"`
	Machines  int              `json:"machines"`
	Sessions  []sessionReport  `json:"sessions"`
	Trials    int              `json:"trials"`
	Failed    int              `json:"failed"`
	Finals    int              `json:"finals"`
	Workloads []workloadReport `json:"workloads"`
}

type sessionReport struct {
	Command string    `json:"command"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
}

// A workloadReport sums up the trials of a workload with one instruction set on
// one class of machine.
type workloadReport struct {
	Workload string  `json:"workload"`
	Target   string  `json:"target"`
	Machine  string  `json:"machine"`
	Trials   int     `json:"trials"`
	Failed   int     `json:"failed"`
	BestNS   float64 `json:"best_ns,omitempty"`
	Best     string  `json:"best_schedule,omitempty"`
}

func logShowCommand() *cobra.Command {
	var (
		pick pickFlags
		path string
		json bool
	)
	c := &cobra.Command{
		Use:   "show [--workload TEXT | --model M.tflite [--tasks SEL]]",
		Short: "Show what the log holds, or the history of single workloads",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			log, err := logs.Open(path, logs.Options{ReadOnly: true, Warn: warner(c)})
			if err != nil {
				return err
			}
			defer log.Close()
			if pick.workload != "" || pick.model.path != "" {
				return showHistory(c, log, &pick, json)
			}
			rep, err := reportLog(c, log)
			if err != nil {
				return err
			}
			if json {
				return writeJSON(c.OutOrStdout(), rep)
			}
			return rep.print(c)
		},
	}
	pick.register(c)
	registerLog(c, &path)
	registerJSON(c, &json)
	return c
}

// showHistory prints what happened to the workloads that are picked.
func showHistory(c *cobra.Command, log *logs.Log, pick *pickFlags, json bool) error {
	workloads, err := pick.ofAllTargets()
	if err != nil {
		return err
	}
	all := []*taskHistory{}
	for _, w := range workloads {
		histories, err := historyOf(c.Context(), log, w)
		if err != nil {
			return err
		}
		all = append(all, histories...)
	}
	if json {
		return writeJSON(c.OutOrStdout(), all)
	}
	for _, h := range all {
		if err := h.print(c.OutOrStdout()); err != nil {
			return err
		}
	}
	return nil
}

func reportLog(c *cobra.Command, log *logs.Log) (*logReport, error) {
	counts, err := log.Stats(c.Context())
	if err != nil {
		return nil, err
	}
	rep := &logReport{Path: log.Path(), Machines: counts.Machines, Trials: counts.Trials, Failed: counts.Failed, Finals: counts.Finals}
	sessions, err := log.Sessions(c.Context())
	if err != nil {
		return nil, err
	}
	for _, s := range sessions {
		rep.Sessions = append(rep.Sessions, sessionReport{s.Command, s.Started, s.Ended})
	}
	at := map[[3]string]int{}
	for t, err := range log.AllTrials(c.Context()) {
		if err != nil {
			return nil, err
		}
		key := [3]string{t.Workload.String(), string(t.Target.ISA), t.Target.Machine.Class()}
		i, known := at[key]
		if !known {
			i = len(rep.Workloads)
			at[key] = i
			rep.Workloads = append(rep.Workloads, workloadReport{Workload: key[0], Target: key[1], Machine: key[2]})
		}
		rep.Workloads[i].count(t)
	}
	return rep, nil
}

// count adds a trial.
func (w *workloadReport) count(t logs.Trial) {
	w.Trials++
	switch {
	case t.Status != logs.StatusOK:
		w.Failed++
	case w.BestNS == 0 || t.CenterNS < w.BestNS:
		w.BestNS, w.Best = t.CenterNS, t.Schedule.String()
	}
}

func (r *logReport) print(c *cobra.Command) error {
	w := c.OutOrStdout()
	fmt.Fprintf(w, "%s: %d trials (%d failed), %d finals, %d workloads, %d machines\n",
		r.Path, r.Trials, r.Failed, r.Finals, len(r.Workloads), r.Machines)
	for _, s := range r.Sessions {
		ended := "not ended"
		if !s.Ended.IsZero() {
			ended = s.Ended.Sub(s.Started).Round(time.Second).String()
		}
		fmt.Fprintf(w, "%s  %s  %s\n", s.Started.Local().Format(time.DateTime), ended, s.Command)
	}
	t := newTable("target", ">trials", ">failed", ">best", "workload", "schedule")
	for _, l := range r.Workloads {
		best := "-"
		if l.BestNS > 0 {
			best = measure.Nanos(l.BestNS).String()
		}
		t.add(l.Target, strconv.Itoa(l.Trials), strconv.Itoa(l.Failed), best, l.Workload, l.Best)
	}
	return t.write(w)
}
