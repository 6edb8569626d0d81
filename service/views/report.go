package views

import (
	"context"
	"time"

	"qtune/logs"
	"qtune/qnn"
	"qtune/schedules"
)

// A Report is a network with all of its tasks.
type Report struct {
	*Network
	Log   string // the file's name
	Made  time.Time
	Tasks []Task // in the order of Network.Layers
	// Trials and Failures are those of all tasks.
	Trials   int
	Failures []FailureKind
}

// NewReport looks up a network and its tasks. machine may be nil, as for
// NewNetwork.
func NewReport(ctx context.Context, log *logs.Log, g *qnn.Graph, name string, t schedules.Target, machine *Machine) (*Report, error) {
	n, err := NewNetwork(ctx, log, g, name, t, machine)
	if err != nil {
		return nil, err
	}
	r := &Report{Network: n, Log: log.Path(), Made: time.Now()}
	for _, l := range n.Layers {
		task, err := NewTask(ctx, log, l.Workload, t, "")
		if err != nil {
			return nil, err
		}
		r.Tasks = append(r.Tasks, *task)
		r.Trials += task.Trials
		for _, f := range task.Failures {
			r.Failures = AddFailures(r.Failures, f)
		}
	}
	return r, nil
}
