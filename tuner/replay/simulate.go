package replay

import (
	"cmp"
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"qtune/measure"
	"qtune/schedules"
	"qtune/tuner/strategy"
)

// How a choice is made of what a search tried: the leaders are measured again, as
// in a tuner's final.
const (
	samples      = 5
	leaders      = 6
	finalSamples = 32
)

// A simulation is one search of one recording.
type simulation struct {
	rec      *Recording
	strategy strategy.Strategy
	seed     uint64
	leaders  []tried   // fastest first
	curve    []float64 // efficiency of what would be chosen after each trial
}

type tried struct {
	schedule  schedules.Schedule
	time      measure.Nanos // in the search
	finalTime measure.Nanos
}

// step asks for a batch of n and tells what became of it.
func (r *simulation) step(n int) {
	var told []strategy.Trial
	for _, s := range r.strategy.Ask(n) {
		told = append(told, strategy.Trial{Schedule: s, Time: r.try(s)})
		r.curve = append(r.curve, r.rec.Efficiency(r.choice()))
	}
	r.strategy.Tell(told)
}

// try measures a schedule.
func (r *simulation) try(s schedules.Schedule) measure.Nanos {
	h := fnv.New64a()
	h.Write([]byte(s.String())) // never fails, says package hash
	rng := rand.New(rand.NewPCG(r.seed, h.Sum64()))
	got := r.rec.observe(rng, s, samples)
	if got == nil {
		return 0
	}
	t := tried{s, measure.Summarise(got).Center, measure.Summarise(r.rec.observe(rng, s, finalSamples)).Center}
	r.leaders = append(r.leaders, t)
	slices.SortStableFunc(r.leaders, func(a, b tried) int { return cmp.Compare(a.time, b.time) })
	r.leaders = r.leaders[:min(len(r.leaders), leaders)]
	return t.time
}

// choice is what the final says now.
func (r *simulation) choice() schedules.Schedule {
	if len(r.leaders) == 0 {
		return schedules.Schedule{}
	}
	return slices.MinFunc(r.leaders, func(a, b tried) int { return cmp.Compare(a.finalTime, b.finalTime) }).schedule
}

// after is the efficiency after n trials, or of all that the space has.
func (r *simulation) after(n int) float64 {
	if len(r.curve) == 0 {
		return 0
	}
	return r.curve[min(n, len(r.curve))-1]
}
