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
	workloads, err := l.workloads(ctx, q.Workload.Op, q.Target.ISA)
	if err != nil {
		return nil, err
	}
	type candidate struct {
		workload schedules.Workload
		distance float64
	}
	var candidates []candidate
	for _, w := range workloads {
		if w != q.Workload {
			candidates = append(candidates, candidate{w, Distance(q.Workload, w)})
		}
	}
	slices.SortFunc(candidates, func(a, b candidate) int {
		if a.distance != b.distance {
			return cmp.Compare(a.distance, b.distance)
		}
		return cmp.Compare(l.cache.workloadText(a.workload), l.cache.workloadText(b.workload))
	})
	var near []Neighbour
	for _, c := range candidates {
		if len(near) >= limit {
			break
		}
		other := q
		other.Workload = c.workload
		r, source, err := l.Best(ctx, other)
		if err != nil {
			return nil, err
		}
		if source != Heuristic {
			near = append(near, Neighbour{r, c.distance})
		}
	}
	return near, nil
}

// workloads returns those of an operator that have a usable record.
func (l *Log) workloads(ctx context.Context, op schedules.Op, isa schedules.ISA) ([]schedules.Workload, error) {
	return texts(ctx, l, "workloads", l.cache.workload, `SELECT w.id, w.text FROM workloads w WHERE w.op = +? AND
		(EXISTS (SELECT 1 FROM setups u CROSS JOIN machines m WHERE u.isa = +? AND `+anyOfGroup+`) OR
		 EXISTS (SELECT 1 FROM finals f WHERE f.workload = w.id AND f.isa = +?))`, string(op), string(isa), string(isa))
}

// Distance says how different two workloads are for a schedule: the sum of the
// doublings between their sizes, and of a part of one for each difference of
// class. It is infinite between operators, and between weights that saturate more or
// less often: what is fastest for the one takes the other three times as long.
func Distance(a, b schedules.Workload) float64 {
	if a.Op != b.Op || a.Saturation != b.Saturation {
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

// Transfer is the distance up to which a schedule of another workload is worth
// more than the default one. Measured on the 87 layers of Inception v3 and
// MobileNet v2 on Zen 5, each with schedules of others: up to here they took as
// long as the default's (1.00 of the tuned time on average, depthwise 1.03 where
// the default took 1.08); beyond, they were up to 3.7 times as slow.
const Transfer = 4

// TransferLoss predicts how much more time the best schedule of a workload takes
// on another at a distance, relative to the best of that: 1 % for each doubling.
func TransferLoss(distance float64) float64 { return 0.01 * distance }
