package logs

import (
	"context"
	"slices"
)

// A Change is how the best records of a task differ between two logs. Old or New
// is nil where that log has none.
type Change struct {
	Query    // its machine is one of the class
	Old, New *Record
}

// Diff compares the best records of two logs, task by task: the answers, not the
// trials behind them. Tasks with the same schedule, code and generator are not in
// the result.
func Diff(ctx context.Context, from, to *Log) ([]Change, error) {
	old, err := from.bests(ctx)
	if err != nil {
		return nil, err
	}
	next, err := to.bests(ctx)
	if err != nil {
		return nil, err
	}
	var changes []Change
	for key, o := range old {
		n, found := next[key]
		if !found {
			changes = append(changes, Change{o.Query, &o.Record, nil})
		} else if o.Schedule != n.Schedule || o.Record.Generator != n.Record.Generator || o.CodeHash != n.CodeHash {
			changes = append(changes, Change{n.Query, &o.Record, &n.Record})
		}
	}
	for key, n := range next {
		if _, found := old[key]; !found {
			changes = append(changes, Change{n.Query, nil, &n.Record})
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return slices.Compare(a.key().texts(), b.key().texts()) })
	return changes, nil
}

// A taskKey names a task in any log.
type taskKey struct{ workload, isa, class string }

func (k taskKey) texts() []string { return []string{k.workload, k.isa, k.class} }

func (q Query) key() taskKey {
	return taskKey{q.Workload.String(), string(q.Target.ISA), q.Target.Machine.Class()}
}

// A taskBest is the best record of a task.
type taskBest struct {
	Query
	Record
	source Source
}

// bests returns the best record of each task that has one of its own machine.
func (l *Log) bests(ctx context.Context) (map[taskKey]taskBest, error) {
	tasks, err := l.tasks(ctx)
	if err != nil {
		return nil, err
	}
	all := map[taskKey]taskBest{}
	for _, q := range tasks {
		r, source, err := l.Best(ctx, q)
		if err != nil {
			return nil, err
		}
		if source <= Stale {
			all[q.key()] = taskBest{q, r, source}
		}
	}
	return all, nil
}
