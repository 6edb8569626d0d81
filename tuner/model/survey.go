package model

import (
	"math"

	"qtune/schedules"
)

// A Guess is what is expected of a schedule: ln(time), relative to the task's
// first schedule.
type Guess struct{ Mean, Deviation float64 }

// Improvement is by how much ln(time) is expected to fall below best if the
// schedule is tried (Jones, Schonlau and Welch, "Efficient global optimization of
// expensive black-box functions", 1998).
func (g Guess) Improvement(best float64) float64 {
	d := best - g.Mean
	if g.Deviation <= 0 {
		return max(d, 0)
	}
	u := d / g.Deviation
	return d*0.5*math.Erfc(-u/math.Sqrt2) + g.Deviation*math.Exp(-u*u/2)/math.Sqrt(2*math.Pi)
}

// A Survey is a model's view of a pool of schedules.
type Survey struct {
	process *process
	points  []point
	columns [][]float64 // kernel columns solved by the factor: [point of process][pool]
	mean    []float64
	rest    []float64 // variance that is left, in units of the signal's
	best    float64
}

// Survey looks at a pool. It is nil where nothing is known of the task, or
// something is wrong with the model: a search must do without it then.
func (k *Task) Survey(pool []schedules.Schedule) (s *Survey) {
	defer func() {
		if recover() != nil { // a bug of the model is no reason to stop tuning
			s = nil
		}
	}()
	if k == nil || len(k.rows) == 0 {
		return nil
	}
	k.model.fit()
	points := make([]point, len(pool))
	for i, c := range pool {
		points[i] = k.codec.point(c)
	}
	if k.process == nil {
		k.process = k.newProcess()
	}
	s = k.process.survey(points, k.codec.grown(k.process))
	for i, c := range pool {
		s.mean[i] += k.process.mean + k.model.base(k.describe.features(c))
		if math.IsNaN(s.mean[i]) || math.IsInf(s.mean[i], 0) {
			return nil
		}
	}
	s.best = k.process.best
	return s
}

// Best is the least that is expected of what the task has tried: of noisy times the
// shortest is the luckiest.
func (s *Survey) Best() float64 { return s.best }

// Guess is what is expected of pool[i].
func (s *Survey) Guess(i int) Guess {
	return Guess{s.mean[i], math.Sqrt(s.process.scale * max(s.rest[i], 0))}
}

// Believe takes what is expected of pool[i] for true: what else is worth trying
// in the same batch are then schedules of which that tells little (the "kriging
// believer" of Ginsbourger, Le Riche and Carraro, 2010).
func (s *Survey) Believe(i int) {
	factor := make([]float64, len(s.columns)+1)
	for k, column := range s.columns {
		factor[k] = column[i]
	}
	factor[len(factor)-1] = math.Sqrt(max(s.rest[i], 0) + s.process.noise)
	s.extend(s.points[i], factor, 0)
}

// extend takes in a point: its row of the Cholesky factor, and its target solved
// by the factor.
func (s *Survey) extend(x point, factor []float64, target float64) {
	column := make([]float64, len(s.points))
	for i, p := range s.points {
		column[i] = s.process.kernel(x, p)
	}
	last := len(factor) - 1
	for k, f := range factor[:last] {
		for i, v := range s.columns[k] {
			column[i] -= f * v
		}
	}
	for i := range column {
		column[i] /= factor[last]
		s.mean[i] += column[i] * target
		s.rest[i] -= column[i] * column[i]
	}
	s.columns = append(s.columns, column)
}
