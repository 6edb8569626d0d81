package logs

import (
	"context"
	"fmt"

	"qtune/kernels"
	"qtune/schedules"
)

// An Audit says what the best record of a task is worth with the generator of
// this program.
type Audit struct {
	Record
	Usable bool   // its schedule is still valid, and code is generated for it
	Stale  bool   // the code is not what was measured: the time does not hold
	Why    string // it is stale or unusable; or, where it is neither, what has changed all the same
}

// Audit generates the code of the best record of each task again, and compares.
func (l *Log) Audit(ctx context.Context) ([]Audit, error) {
	tasks, err := l.tasks(ctx)
	if err != nil {
		return nil, err
	}
	var all []Audit
	for _, q := range tasks {
		r, source, err := l.Best(ctx, q)
		if err != nil {
			return nil, err
		}
		if source <= Stale && r.Target.ISA != schedules.Ref {
			all = append(all, audit(r))
		}
	}
	return all, ctx.Err()
}

func audit(r Record) Audit {
	a := Audit{Record: r}
	versions := ""
	if r.Generator != kernels.Generator {
		versions = fmt.Sprintf("generator %s, now %s: ", r.Generator, kernels.Generator)
	}
	k, err := kernels.Build(r.Workload, r.Schedule, r.Target.ISA)
	switch {
	case err != nil:
		a.Stale, a.Why = true, versions+err.Error()
		return a
	case r.CodeHash == "":
		a.Stale, a.Why = versions != "", versions+"the record has no hash of its code"
	case k.CodeHash() != r.CodeHash:
		a.Stale, a.Why = true, fmt.Sprintf("%sthe code of this schedule changed (%s, now %s)", versions, r.CodeHash, k.CodeHash())
	case versions != "":
		a.Why = versions + "the code is the same"
	}
	a.Usable = true
	return a
}
