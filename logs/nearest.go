package logs

import (
	"cmp"
	"context"
	"math"
	"slices"

	"qtune/schedules"
)

// A Neighbour is the best record of another workload.
type Neighbour struct {
	Record
	Distance float64 // see Distance
}

// Nearest returns the records of the workloads nearest in shape to the one
// asked for, of the same operator and instruction set, the nearest first, at
// most limit. The schedules are of other spaces: adapt them.
func (l *Log) Nearest(ctx context.Context, q Query, limit int) ([]Neighbour, error) {
	candidates, err := l.workloads(ctx, q.Workload.Op, q.Target.ISA)
	if err != nil {
		return nil, err
	}
	candidates = slices.DeleteFunc(candidates, func(w schedules.Workload) bool { return w == q.Workload })
	slices.SortFunc(candidates, func(a, b schedules.Workload) int {
		return cmp.Or(cmp.Compare(Distance(q.Workload, a), Distance(q.Workload, b)), cmp.Compare(a.String(), b.String()))
	})
	var near []Neighbour
	for _, w := range candidates {
		if len(near) >= limit {
			break
		}
		other := q
		other.Workload = w
		r, source, err := l.Best(ctx, other)
		if err != nil {
			return nil, err
		}
		if source != Heuristic {
			near = append(near, Neighbour{r, Distance(q.Workload, w)})
		}
	}
	return near, nil
}

// workloads returns those of an operator that have a usable record.
func (l *Log) workloads(ctx context.Context, op schedules.Op, isa schedules.ISA) ([]schedules.Workload, error) {
	rows, err := l.db.QueryContext(ctx, `SELECT w.id, w.text FROM workloads w WHERE w.op = ? AND
		(EXISTS (SELECT 1 FROM trials t WHERE t.workload = w.id AND t.isa = ? AND t.status = 'ok') OR
		 EXISTS (SELECT 1 FROM finals f WHERE f.workload = w.id AND f.isa = ?))`, string(op), string(isa), string(isa))
	if err != nil {
		return nil, l.wrap(err)
	}
	defer rows.Close()
	var all []schedules.Workload
	for rows.Next() {
		var (
			id   int64
			text string
		)
		if err := rows.Scan(&id, &text); err != nil {
			return nil, l.wrap(err)
		}
		w, err := schedules.ParseWorkload(text)
		if err != nil {
			l.skip("workloads", id, err)
			continue
		}
		all = append(all, w)
	}
	return all, l.wrap(rows.Err())
}

// Distance says how different two workloads are for a schedule: the sum of the
// doublings between their sizes, and of a part of one for each difference of
// class. It is infinite between operators.
func Distance(a, b schedules.Workload) float64 {
	if a.Op != b.Op {
		return math.Inf(1)
	}
	d := 0.0
	for _, p := range [][2]int{
		{a.C, b.C}, {a.O, b.O}, {a.N, b.N}, {a.OH(), b.OH()}, {a.OW(), b.OW()}, {a.KH, b.KH}, {a.KW, b.KW},
		{a.StrideH, b.StrideH}, {a.StrideW, b.StrideW}, {a.DilationH, b.DilationH}, {a.DilationW, b.DilationW},
	} {
		d += math.Abs(math.Log2(float64(p[0]) / float64(p[1])))
	}
	for _, p := range [][2]bool{
		{a.WeightZero, b.WeightZero}, {a.PerChannel, b.PerChannel}, {a.Sign, b.Sign},
		{a.General, b.General}, {a.Round == 0, b.Round == 0},
	} {
		if p[0] != p[1] {
			d += 0.25
		}
	}
	return d
}
