package module

import (
	"qtune/qnn"
	"qtune/qnn/pass"
	"qtune/schedules"
)

// Tasks returns the workloads of g for isa, with g in the form in which Compile
// computes them; see schedules.Extract.
func Tasks(g *qnn.Graph, isa schedules.ISA) (*qnn.Graph, []schedules.Task, []schedules.Skipped, error) {
	legal, err := pass.Run(g, Passes(false)...)
	if err != nil {
		return nil, nil, nil, err
	}
	tasks, skipped, err := schedules.Extract(legal, isa)
	return legal, tasks, skipped, err
}
