package model

import (
	"cmp"
	"math"
	"slices"
)

// A process is a Gaussian process over the schedules of one task, of what prior
// and forest leave unexplained (Rasmussen and Williams, "Gaussian Processes for
// Machine Learning", 2006, algorithm 2.1).
type process struct {
	similarity
	setting setting
	points  []point
	factor  [][]float64 // of the covariance: lower triangle, Cholesky
	targets []float64   // solved by the factor
	mean    float64
	scale   float64 // variance of the signal
	noise   float64 // that of a trial, in units of scale
	best    float64 // the least of what is expected of the points
}

// What the likelihood chooses from.
var (
	settings = []setting{{0.3, 2}, {1, 1}, {1, 3}, {3, 1}, {3, 3}}
	noises   = []float64{0.003, 0.03, 0.2}
)

const (
	// maxPoints bounds the trials that a process knows: a fit takes time by their
	// third power.
	maxPoints = 128
	// chooseGrowth: a setting is chosen again when there are 1/4 more trials.
	chooseGrowth = 4
	// usualRest is the mean before anything is known, and counts as so many
	// trials: schedules unlike the default are slower.
	usualRest     = 0.15
	usualWeight   = 3
	leastVariance = 0.01
)

// newProcess fits a process to the task's trials.
func (k *Task) newProcess() *process {
	var points []point
	var rest []float64
	sum := usualRest * usualWeight
	for _, i := range k.known() {
		points = append(points, k.points[i])
		rest = append(rest, k.clipped(i)-k.guessed[i])
		sum += rest[len(rest)-1]
	}
	mean := sum / float64(len(rest)+usualWeight)
	for i := range rest {
		rest[i] -= mean
	}
	try, tryNoise := settings, noises
	if len(rest) < k.chosen.due {
		try, tryNoise = []setting{k.chosen.setting}, []float64{k.chosen.noise}
	}
	var best *process
	most := math.Inf(-1)
	for _, s := range try {
		similar := k.codec.similarity(s)
		gram := gramOf(similar, points)
		for _, noise := range tryNoise {
			p := &process{similarity: similar, setting: s, points: points, mean: mean, noise: noise}
			if l := p.solve(gram, rest); l > most {
				best, most = p, l
			}
		}
	}
	best.best = math.Inf(1)
	smooth := best.smooth(rest)
	for j, i := range k.known() {
		best.best = min(best.best, smooth[j]+mean+k.guessed[i])
	}
	if len(try) > 1 {
		k.chosen = choice{best.setting, best.noise, len(rest) + max(2, len(rest)/chooseGrowth)}
	}
	return best
}

// A choice is the setting that the likelihood chose, and the number of trials at
// which it is to choose again.
type choice struct {
	setting setting
	noise   float64
	due     int
}

// known lists the trials that a process is fitted to: all, or the fastest and the
// latest.
func (k *Task) known() []int {
	all := make([]int, len(k.rows))
	for i := range all {
		all[i] = i
	}
	if len(all) <= maxPoints {
		return all
	}
	latest := all[len(all)-maxPoints/2:]
	older := slices.Clone(all[:len(all)-maxPoints/2])
	slices.SortStableFunc(older, func(a, b int) int { return cmp.Compare(k.times[a], k.times[b]) })
	return append(older[:maxPoints/2], latest...)
}

// gramOf is the lower triangle of the points' kernel matrix.
func gramOf(s similarity, points []point) [][]float64 {
	gram := make([][]float64, len(points))
	for i := range gram {
		gram[i] = make([]float64, i+1)
		for j := range gram[i] {
			gram[i][j] = s.kernel(points[i], points[j])
		}
	}
	return gram
}

// solve factors the covariance and returns the log likelihood of y, with the scale
// that makes it greatest; -Inf where it cannot.
func (p *process) solve(gram [][]float64, y []float64) float64 {
	n := float64(len(y))
	determinant, squares := 0.0, 0.0
	for i, row := range gram {
		row = slices.Clone(row)
		row[i] += p.noise
		for j := range row {
			left := row
			if j < i {
				left = p.factor[j]
			}
			for k, v := range row[:j] {
				row[j] -= v * left[k]
			}
			if j < i {
				row[j] /= left[j]
			}
		}
		if !(row[i] > 0) {
			return math.Inf(-1)
		}
		row[i] = math.Sqrt(row[i])
		target := y[i]
		for k, v := range row[:i] {
			target -= v * p.targets[k]
		}
		target /= row[i]
		p.factor, p.targets = append(p.factor, row), append(p.targets, target)
		determinant += math.Log(row[i])
		squares += target * target
	}
	p.scale = (squares + leastVariance) / (n + 1)
	return -determinant - n/2*math.Log(p.scale) - squares/(2*p.scale)
}

// smooth returns what is expected at the points themselves, of which y was seen.
func (p *process) smooth(y []float64) []float64 {
	alpha := slices.Clone(p.targets) // solved by the factor's transpose
	for i := len(alpha) - 1; i >= 0; i-- {
		alpha[i] /= p.factor[i][i]
		for j := range i {
			alpha[j] -= alpha[i] * p.factor[i][j]
		}
	}
	out := make([]float64, len(y))
	for i := range y {
		out[i] = y[i] - p.noise*alpha[i]
	}
	return out
}

// survey looks at a pool, whose values similar knows, too.
func (p *process) survey(pool []point, similar similarity) *Survey {
	p.similarity = similar
	s := &Survey{process: p, points: pool, mean: make([]float64, len(pool)), rest: make([]float64, len(pool))}
	for i := range pool {
		s.rest[i] = 1
	}
	for i, x := range p.points {
		s.extend(x, p.factor[i], p.targets[i])
	}
	return s
}

// grown returns a process's factors with those of values that came since.
func (c *codec) grown(p *process) similarity {
	for k, values := range c.values {
		if len(values) > len(p.similarity[k]) {
			return c.similarity(p.setting)
		}
	}
	return p.similarity
}
