package strategy

import (
	"math"
	"math/rand/v2"
	"slices"

	"qtune/schedules"
	"qtune/tuner/model"
)

// learned asks for the schedules of which a model of all tasks expects most: by
// the expected improvement of the task's best time, one after the other, each as
// if the ones before had come out as expected. The pool that it chooses from is
// all of a small space; of a large one what evolution breeds, the neighbours of
// the fastest (local descent), and uniform draws. Where the model says nothing it
// is the evolution alone.
type learned struct {
	modelled
	promise float64
	pending []schedules.Schedule // asked and not yet told of, in that order
}

// modelled is an evolution that tells a model as well.
type modelled struct {
	evolve
	task *model.Task
}

// Tell remembers the trials.
func (m *modelled) Tell(trials []Trial) {
	m.evolve.Tell(trials)
	for _, t := range trials {
		m.task.Tell(t.Schedule, t.Time)
	}
}

// Sizes of the pool.
const (
	wholeSpace  = 512 // schedules of a space that is looked at as a whole
	bredPool    = 192
	uniformPool = 64
	descentFrom = 3 // fastest schedules whose neighbours are in the pool
)

func newLearned(space Space, rng *rand.Rand, task *model.Task) *learned {
	return &learned{modelled: modelled{*newEvolve(space, rng), task}, promise: math.NaN()}
}

// Tell remembers the trials.
func (l *learned) Tell(trials []Trial) {
	l.modelled.Tell(trials)
	told := map[schedules.Schedule]bool{}
	for _, t := range trials {
		told[t.Schedule] = true
	}
	l.pending = slices.DeleteFunc(l.pending, func(s schedules.Schedule) bool { return told[s] })
}

// Ask chooses from the pool.
func (l *learned) Ask(n int) []schedules.Schedule {
	out := l.ask(n)
	l.pending = append(l.pending, out...)
	return out
}

func (l *learned) ask(n int) []schedules.Schedule {
	var out []schedules.Schedule
	if start := l.space.Start(); n > 0 && l.add(start) {
		out = append(out, start)
	}
	var survey *model.Survey
	var pool []schedules.Schedule
	if l.told > 0 && len(out) < n {
		pool = l.pool()
		survey = l.task.Survey(append(slices.Clone(pool), l.pending...))
	}
	if survey == nil {
		return append(out, l.evolve.Ask(n-len(out))...)
	}
	for i := range l.pending { // what is under way is taken for true as well
		survey.Believe(len(pool) + i)
	}
	taken := make([]bool, len(pool))
	l.promise = 0
	for range min(n-len(out), len(pool)) {
		at, most := -1, math.Inf(-1)
		for i := range pool {
			if e := survey.Guess(i).Improvement(survey.Best()); !taken[i] && e > most {
				at, most = i, e
			}
		}
		taken[at] = true
		l.add(pool[at])
		out = append(out, pool[at])
		l.promise = max(l.promise, most)
		survey.Believe(at)
	}
	return l.fill(out, n)
}

// Promise is the share of the task's time that a trial of the last ones asked was
// expected to save; NaN where that is not known.
func (l *learned) Promise() float64 { return l.promise }

// pool returns distinct schedules that were not visited.
func (l *learned) pool() []schedules.Schedule {
	if l.small() {
		return l.unvisited(l.space)
	}
	pool := l.breed(bredPool)
	seen := map[schedules.Schedule]bool{}
	for _, s := range pool {
		seen[s] = true
	}
	add := func(s schedules.Schedule) {
		if !l.visited[s] && !seen[s] {
			seen[s] = true
			pool = append(pool, s)
		}
	}
	for _, t := range l.best[:min(len(l.best), descentFrom)] {
		for _, s := range l.space.Neighbours(t.Schedule) {
			add(s)
		}
	}
	for range uniformPool {
		if s, ok := l.space.Sample(l.rng); ok {
			add(s)
		}
	}
	return pool
}

// small tells whether the space is looked at as a whole.
func (l *learned) small() bool { return l.space.Size() <= wholeSpace }
