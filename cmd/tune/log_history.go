package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"qtune/logs"
	"qtune/measure"
	"qtune/schedules"
)

// A taskHistory is what happened to a workload with one instruction set on one
// class of machine.
type taskHistory struct {
	Workload string         `json:"workload"`
	Target   string         `json:"target"`
	Machine  string         `json:"machine"`
	Events   []historyEvent `json:"events"`
}

// A historyEvent is a session's trials of the workload, a new best time among
// them, or a final.
type historyEvent struct {
	Time      time.Time `json:"time"`
	Kind      string    `json:"kind"`              // trials, best, final
	Session   int64     `json:"session,omitempty"` // in this log
	Generator string    `json:"generator"`
	Trials    int       `json:"trials,omitempty"`
	Failed    int       `json:"failed,omitempty"`
	TimeNS    float64   `json:"time_ns,omitempty"`
	DefaultNS float64   `json:"default_ns,omitempty"`
	Schedule  string    `json:"schedule,omitempty"`
}

// historyOf returns the histories of a workload.
func historyOf(ctx context.Context, log *logs.Log, w schedules.Workload) ([]*taskHistory, error) {
	var all []*taskHistory
	of := func(t schedules.Target) *taskHistory {
		for _, h := range all {
			if h.Target == string(t.ISA) && h.Machine == t.Machine.Class() {
				return h
			}
		}
		h := &taskHistory{Workload: w.String(), Target: string(t.ISA), Machine: t.Machine.Class()}
		all = append(all, h)
		return h
	}
	for t, err := range log.TrialsOf(ctx, w) {
		if err != nil {
			return nil, err
		}
		of(t.Target).trial(t)
	}
	for f, err := range log.FinalsOf(ctx, w) {
		if err != nil {
			return nil, err
		}
		h := of(f.Target)
		h.Events = append(h.Events, historyEvent{
			Time: f.Time, Kind: "final", Session: f.Session, Generator: f.Generator,
			TimeNS: f.TunedNS, DefaultNS: f.DefaultNS, Schedule: f.Schedule.String(),
		})
	}
	for _, h := range all {
		slices.SortStableFunc(h.Events, func(a, b historyEvent) int { return a.Time.Compare(b.Time) })
	}
	slices.SortFunc(all, func(a, b *taskHistory) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Machine, b.Machine))
	})
	return all, nil
}

// trial counts a trial. Times of different generators do not compare.
func (h *taskHistory) trial(t logs.Trial) {
	session, best := -1, 0.0
	for i, e := range h.Events {
		switch {
		case e.Generator != t.Generator:
		case e.Kind == "trials" && e.Session == t.Session:
			session = i
		case e.Kind == "best":
			best = e.TimeNS
		}
	}
	if session < 0 {
		session = len(h.Events)
		h.Events = append(h.Events, historyEvent{Time: t.Time, Kind: "trials", Session: t.Session, Generator: t.Generator})
	}
	h.Events[session].Trials++
	if t.Status != logs.StatusOK {
		h.Events[session].Failed++
		return
	}
	if best == 0 || t.CenterNS < best {
		h.Events = append(h.Events, historyEvent{
			Time: t.Time, Kind: "best", Session: t.Session, Generator: t.Generator, TimeNS: t.CenterNS, Schedule: t.Schedule.String(),
		})
	}
}

func (h *taskHistory) print(w io.Writer) error {
	fmt.Fprintf(w, "%s on %s %s\n", h.Workload, h.Target, h.Machine)
	t := newTable("time", ">session", ">generator", "what", ">time", "schedule")
	for _, e := range h.Events {
		what, took := e.Kind, ""
		switch {
		case e.Kind == "trials":
			what = fmt.Sprintf("%s, %d failed", plural(e.Trials, "trial"), e.Failed)
		case e.Kind == "final" && e.DefaultNS > 0:
			what = fmt.Sprintf("final, default %s, gain %s", measure.Nanos(e.DefaultNS), factor(e.DefaultNS/e.TimeNS))
		}
		if e.TimeNS > 0 {
			took = measure.Nanos(e.TimeNS).String()
		}
		t.add(e.Time.Local().Format(time.DateTime), fmt.Sprint(e.Session), e.Generator, what, took, e.Schedule)
	}
	return t.write(w)
}
