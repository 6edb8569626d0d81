// Package strategy chooses which schedules to try. A Strategy is asked for
// candidates and told what became of them; it measures nothing and knows no
// clock. What it asks is a function of its space, its seed and the calls made
// to it and to its model, in their order; it never asks the same schedule twice, nor one that it
// was told of.
package strategy

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"

	"qtune/measure"
	"qtune/schedules"
	"qtune/tuner/model"
)

// A Strategy searches one space.
type Strategy interface {
	// Ask returns up to n schedules that are new. Fewer than n means that the
	// space has no more.
	Ask(n int) []schedules.Schedule
	// Tell reports what became of schedules, asked or known from elsewhere.
	Tell(trials []Trial)
}

// A Trial is a schedule with what it took.
type Trial struct {
	Schedule schedules.Schedule
	Time     measure.Nanos // 0 = it failed
}

// Space is what a strategy needs of schedules.Space.
type Space interface {
	Start() schedules.Schedule
	Sample(*rand.Rand) (schedules.Schedule, bool)
	Mutate(*rand.Rand, schedules.Schedule) schedules.Schedule
	Crossover(rng *rand.Rand, a, b schedules.Schedule) schedules.Schedule
	Neighbours(schedules.Schedule) []schedules.Schedule
	All() iter.Seq[schedules.Schedule]
	Size() int
}

// Default is the name of the strategy to use where none is asked for.
const Default = "model"

// strategies lists the strategies, best first.
var strategies = []struct {
	name  string
	start func(Space, *rand.Rand, *model.Task) Strategy
}{
	{"model", func(s Space, rng *rand.Rand, k *model.Task) Strategy { return newLearned(s, rng, k) }},
	{"anneal", func(s Space, rng *rand.Rand, k *model.Task) Strategy { return newAnneal(s, rng, k) }},
	{"evolve", func(s Space, rng *rand.Rand, _ *model.Task) Strategy { return newEvolve(s, rng) }},
	{"descent", func(s Space, rng *rand.Rand, _ *model.Task) Strategy { return newDescent(s, rng) }},
	{"random", func(s Space, rng *rand.Rand, _ *model.Task) Strategy { return newRandom(s, rng) }},
	{"grid", func(s Space, _ *rand.Rand, _ *model.Task) Strategy { return newGrid(s) }},
}

// Names lists the strategies.
func Names() []string {
	var names []string
	for _, s := range strategies {
		names = append(names, s.name)
	}
	return names
}

// New starts the named strategy. All ask for the space's start schedule first. The
// model is told by the strategy, if that uses one; nil does without.
func New(name string, space Space, seed uint64, task *model.Task) (Strategy, error) {
	for _, s := range strategies {
		if s.name == name {
			return s.start(space, rand.New(rand.NewPCG(seed, 0x7175_6e65)), task), nil
		}
	}
	return nil, fmt.Errorf("unknown tuner %q (known: %s)", name, strings.Join(Names(), ", "))
}

// visited is the set of schedules that must not be asked again.
type visited map[schedules.Schedule]bool

// add reports whether s is new.
func (v visited) add(s schedules.Schedule) bool {
	if v[s] {
		return false
	}
	v[s] = true
	return true
}

func (v visited) tell(trials []Trial) {
	for _, t := range trials {
		v[t.Schedule] = true
	}
}

// unvisited lists what is left of a space.
func (v visited) unvisited(space Space) []schedules.Schedule {
	var rest []schedules.Schedule
	for s := range space.All() {
		if !v[s] {
			rest = append(rest, s)
		}
	}
	return rest
}
