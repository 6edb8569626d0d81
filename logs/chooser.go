package logs

import (
	"context"

	"qtune/kernels"
	"qtune/kernels/module"
	"qtune/schedules"
)

// Chooser returns what module.Compile takes to choose schedules by l, which may
// be nil, for machine: the best record of the workload, else of the nearest
// workload, else the default schedule.
func Chooser(ctx context.Context, l *Log, machine schedules.Machine) module.Chooser {
	c := chooser{ctx, l, machine}
	return c.choose
}

type chooser struct {
	ctx     context.Context
	log     *Log
	machine schedules.Machine
}

// neighbours is how many similar workloads are tried.
const neighbours = 3

// compilerSources are the log's words in the compiler's.
var compilerSources = map[Source]module.Source{
	Exact:       module.Exact,
	SameMachine: module.OtherVersion,
	OtherCPU:    module.OtherCPU,
}

func (c *chooser) choose(w schedules.Workload, isa schedules.ISA) (module.Choice, error) {
	space, err := schedules.SpaceFor(w, isa)
	if err != nil {
		return module.Choice{}, err
	}
	start := module.Choice{Schedule: space.Start(), Source: module.Heuristic}
	if c.log == nil {
		return start, nil
	}
	q := Query{Workload: w, Target: schedules.Target{ISA: isa, Machine: c.machine}, Generator: kernels.Generator}
	best, from, err := c.log.Best(c.ctx, q)
	if err != nil {
		return module.Choice{}, err
	}
	if source, found := compilerSources[from]; found {
		if space.Validate(best.Schedule) == nil {
			return module.Choice{Schedule: best.Schedule, Source: source}, nil
		}
		if s, _, ok := space.Adapt(best.Schedule); ok { // of a version with other knobs
			return module.Choice{Schedule: s, Source: max(source, module.OtherVersion)}, nil
		}
	}
	near, err := c.log.Nearest(c.ctx, q, neighbours)
	if err != nil {
		return module.Choice{}, err
	}
	for _, n := range near {
		if s, _, ok := space.Adapt(n.Schedule); ok {
			return module.Choice{Schedule: s, Source: module.Nearest}, nil
		}
	}
	return start, nil
}
