package strategy

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"qtune/schedules"
	"qtune/tuner/model"
)

// anneal is simulated annealing over a model (Kirkpatrick, Gelatt and Vecchi,
// "Optimization by simulated annealing", 1983): chains walk through the space, up
// in predicted time the seldomer the colder it gets, and the fastest schedules that
// they met are asked. Where the model says nothing it is the evolution alone.
type anneal struct{ modelled }

// Parameters of the annealing. Temperatures are in ln(time).
const (
	chains = 32
	steps  = 16
	hot    = 0.3
	cold   = 0.01
)

func newAnneal(space Space, rng *rand.Rand, task *model.Task) *anneal {
	return &anneal{modelled{*newEvolve(space, rng), task}}
}

// Ask walks the chains.
func (a *anneal) Ask(n int) []schedules.Schedule {
	if a.told < infancy {
		return a.evolve.Ask(n)
	}
	met, ok := a.walk()
	if !ok {
		return a.evolve.Ask(n)
	}
	return a.mix(met, nil, n)
}

// walk returns the schedules that chains met and that were not visited, those
// predicted to be fast first.
func (a *anneal) walk() ([]schedules.Schedule, bool) {
	at := make([]schedules.Schedule, chains)
	for i := range at {
		at[i] = a.parent()
	}
	survey := a.task.Survey(at)
	if survey == nil {
		return nil, false
	}
	height := make([]float64, chains)
	for i := range height {
		height[i] = survey.Guess(i).Mean
	}
	met := map[schedules.Schedule]float64{}
	for step := range steps {
		temperature := hot * math.Pow(cold/hot, float64(step)/(steps-1))
		next := make([]schedules.Schedule, chains)
		for i := range next {
			next[i] = a.space.Mutate(a.rng, at[i])
		}
		if survey = a.task.Survey(next); survey == nil {
			return nil, false
		}
		for i, s := range next {
			y := survey.Guess(i).Mean
			if !a.visited[s] {
				met[s] = y
			}
			if y < height[i] || a.rng.Float64() < math.Exp((height[i]-y)/temperature) {
				at[i], height[i] = s, y
			}
		}
	}
	var list []schedules.Schedule
	for s := range met {
		list = append(list, s)
	}
	slices.SortFunc(list, func(x, y schedules.Schedule) int {
		return cmp.Or(cmp.Compare(met[x], met[y]), cmp.Compare(x.String(), y.String()))
	})
	return list, true
}
