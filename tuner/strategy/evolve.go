package strategy

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"qtune/schedules"
)

// evolve is an evolutionary search. It breeds from the best that were measured:
// neighbours in the space, mutations, crossovers. A share is drawn uniformly, so
// that the population cannot lead it into a corner for good.
type evolve struct {
	random         // the uniform draws, what is visited, and what is left at the end
	best   []Trial // fastest first, at most population
	told   int     // successful trials

	near map[schedules.Schedule][]schedules.Schedule // neighbours of parents
}

// Parameters of the search.
const (
	population  = 24   // parents
	infancy     = 12   // successful trials before parents mean anything
	uniform     = 0.10 // share drawn uniformly
	byNeighbour = 0.40 // shares of how the others are bred; the rest are crossovers
	byMutation  = 0.35
)

func newEvolve(space Space, rng *rand.Rand) *evolve {
	return &evolve{random: *newRandom(space, rng), near: map[schedules.Schedule][]schedules.Schedule{}}
}

// Tell remembers the trials.
func (e *evolve) Tell(trials []Trial) {
	e.random.Tell(trials)
	for _, t := range trials {
		if t.Time <= 0 {
			continue
		}
		e.told++
		e.best = append(e.best, t)
	}
	slices.SortFunc(e.best, func(a, b Trial) int {
		if a.Time != b.Time {
			return int(math.Copysign(1, float64(a.Time-b.Time)))
		}
		return strings.Compare(a.Schedule.String(), b.Schedule.String())
	})
	e.best = e.best[:min(len(e.best), population)]
}

// Ask breeds candidates.
func (e *evolve) Ask(n int) []schedules.Schedule {
	var out []schedules.Schedule
	if start := e.space.Start(); n > 0 && e.add(start) {
		out = append(out, start)
	}
	if e.told < infancy {
		return e.grow(out, n)
	}
	return e.mix(e.breed(n-len(out)), out, n)
}

// mix takes candidates, and uniform draws in place of some, until there are n.
func (e *evolve) mix(candidates, out []schedules.Schedule, n int) []schedules.Schedule {
	for _, s := range candidates {
		if len(out) >= n {
			break
		}
		if e.rng.Float64() < uniform {
			if u, ok := e.next(); ok {
				out = append(out, u)
				continue
			}
		}
		if e.add(s) {
			out = append(out, s)
		}
	}
	return e.fill(out, n)
}

// grow takes neighbours of the start schedule, which is a good guess, and
// uniform draws in turn.
func (e *evolve) grow(out []schedules.Schedule, n int) []schedules.Schedule {
	near := e.space.Neighbours(e.space.Start())
	e.rng.Shuffle(len(near), func(i, j int) { near[i], near[j] = near[j], near[i] })
	for _, s := range near {
		if len(out) >= n {
			return out
		}
		if !e.add(s) {
			continue
		}
		if out = append(out, s); len(out) >= n {
			return out
		}
		if u, ok := e.random.next(); ok {
			out = append(out, u)
		}
	}
	return e.fill(out, n)
}

// fill takes uniform draws until there are n, or no more.
func (e *evolve) fill(out []schedules.Schedule, n int) []schedules.Schedule {
	for len(out) < n {
		s, ok := e.next()
		if !ok {
			break
		}
		out = append(out, s)
	}
	return out
}

// breed returns up to n distinct schedules that were not visited.
func (e *evolve) breed(n int) []schedules.Schedule {
	pool := make([]schedules.Schedule, 0, n)
	seen := map[schedules.Schedule]bool{}
	for range 2 * n {
		if len(pool) == n {
			break
		}
		if s := e.child(); !e.visited[s] && !seen[s] {
			seen[s] = true
			pool = append(pool, s)
		}
	}
	return pool
}

func (e *evolve) child() schedules.Schedule {
	parent := e.parent()
	switch r := e.rng.Float64(); {
	case r < byNeighbour:
		if near := e.neighbours(parent); len(near) > 0 {
			return near[e.rng.IntN(len(near))]
		}
		return parent
	case r < byNeighbour+byMutation:
		return e.space.Mutate(e.rng, parent)
	}
	return e.space.Crossover(e.rng, parent, e.parent())
}

// neighbours returns those of a parent, which it is asked for again and again.
func (e *evolve) neighbours(parent schedules.Schedule) []schedules.Schedule {
	near, ok := e.near[parent]
	if !ok {
		near = e.space.Neighbours(parent)
		e.near[parent] = near
	}
	return near
}

// parent draws from the best: the first about three times as often as the last.
func (e *evolve) parent() schedules.Schedule {
	n := len(e.best)
	i := min(e.rng.IntN(n), e.rng.IntN(n+n/2+1))
	return e.best[i].Schedule
}
