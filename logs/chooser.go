package logs

import (
	"context"
	"time"

	"qtune/kernels"
	"qtune/kernels/module"
	"qtune/schedules"
)

// Chooser returns what module.Compile takes to choose schedules by l, which may
// be nil, for machine: the best record of the workload, else of the nearest
// workload, else the default schedule.
func Chooser(ctx context.Context, l *Log, machine schedules.Machine) module.Chooser {
	c := chooser{context.WithoutCancel(ctx), l, machine} // lookups are short
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
	Exact:    module.Exact,
	Stale:    module.Stale,
	OtherCPU: module.OtherCPU,
}

func (c *chooser) choose(w schedules.Workload, isa schedules.ISA) (module.Choice, error) {
	space, err := schedules.SpaceFor(w, isa)
	if err != nil {
		return module.Choice{}, err
	}
	if c.log == nil {
		return module.HeuristicOf(space, w, isa), nil
	}
	q := Query{Workload: w, Target: schedules.Target{ISA: isa, Machine: c.machine}, Generator: kernels.Generator}
	best, from, err := c.log.Best(c.ctx, q)
	if err != nil {
		return module.Choice{}, err
	}
	if source, found := compilerSources[from]; found {
		choice := module.Choice{Schedule: best.Schedule, Source: source, Estimate: time.Duration(best.CenterNS), CodeHash: best.CodeHash}
		if space.Validate(best.Schedule) == nil {
			choice.Others, err = c.others(space, w, best)
			return choice, err
		}
		if s, _, ok := space.Adapt(best.Schedule); ok { // of a version with other knobs
			choice.Schedule, choice.Source, choice.CodeHash = s, max(source, module.Stale), ""
			return choice, nil
		}
	}
	return c.similar(q, space)
}

// similar chooses what is best for the nearest workload, if that is near, or the
// default.
func (c *chooser) similar(q Query, space *schedules.Space) (module.Choice, error) {
	w := q.Workload
	near, err := c.log.Nearest(c.ctx, q, neighbours)
	if err != nil {
		return module.Choice{}, err
	}
	for _, n := range near {
		if n.Distance > Transfer {
			break
		}
		if s, _, ok := space.Adapt(n.Schedule); ok {
			return module.Choice{
				Schedule: s, Source: module.Nearest, Loss: TransferLoss(n.Distance),
				Estimate: time.Duration(n.CenterNS * float64(w.MACs()) / float64(n.Workload.MACs())),
			}, nil
		}
	}
	return module.HeuristicOf(space, w, q.Target.ISA), nil
}

// others returns the fastest schedules measured like best that have other layouts.
func (c *chooser) others(space *schedules.Space, w schedules.Workload, best Record) ([]module.Alternative, error) {
	seen := map[module.Layout]bool{}
	first := 0.0 // time of the fastest
	var list []module.Alternative
	for t, err := range likeBest(c.ctx, c.log, best, func(_ *trialRow, t Trial) Trial { return t }) {
		if err != nil {
			return nil, err
		}
		if first == 0 {
			first, seen[module.LayoutOf(w, best.Schedule)] = t.CenterNS, true
		}
		if l := module.LayoutOf(w, t.Schedule); !seen[l] && space.Validate(t.Schedule) == nil {
			seen[l] = true
			list = append(list, module.Alternative{Schedule: t.Schedule, Extra: time.Duration(t.CenterNS - first), CodeHash: t.CodeHash})
			break // no operator's schedules have a third
		}
	}
	return list, nil
}
