package service

import (
	"context"
	"iter"
	"slices"

	"qtune/logs"
	"qtune/schedules"
)

// A view is the log as one job sees it: what was in it when the job first started,
// but for what other jobs were measuring then, and the job's own trials. So what a
// job finds is the same whatever runs beside it, and a job that goes on after a
// restart finds the log that it left.
type view struct {
	*logs.Log
	claim *claim
}

// Trials yields the trials that the job sees.
func (v *view) Trials(ctx context.Context, w schedules.Workload, t schedules.Target) iter.Seq2[logs.Trial, error] {
	return func(yield func(logs.Trial, error) bool) {
		for trial, err := range v.Log.Trials(ctx, w, t) {
			if err == nil && !v.shows(trial) {
				continue
			}
			if !yield(trial, err) {
				return
			}
		}
	}
}

func (v *view) shows(t logs.Trial) bool {
	c := v.claim
	return t.Session == c.session ||
		t.Session < c.session && !slices.Contains(c.hidden, t.Session) && t.Time.Before(c.since)
}
