package model

import (
	"math/rand/v2"
	"slices"
)

// A size says how a forest is fitted.
type size struct {
	members int     // boosted models, each of a bootstrap sample
	rounds  int     // trees of each
	rate    float64 // how much of what a tree says is believed
}

// Sizes of forests: that of a run is fitted often, to few rows; a prior once, to
// many.
var (
	forestSize = size{members: 4, rounds: 15, rate: 0.3}
	priorSize  = size{members: 2, rounds: 100, rate: 0.15}
)

// A forest is several boosted models; their mean is the prediction.
type forest struct{ members [][]tree }

// newForest trains a forest: gradient boosting (Friedman, "Greedy function
// approximation", 2001) of squared error, on bootstrap samples (Breiman, "Bagging
// predictors", 1996). The second result is, for each row, what those members say
// that have not seen it, or all where there are none.
func newForest(rows []*Features, y []float64, seed uint64, s size) (*forest, []float64) {
	t := newTable(rows)
	f := &forest{}
	unseen := make([]float64, len(rows))
	judges := make([]float64, len(rows))
	for m := range s.members {
		rng := rand.New(rand.NewPCG(seed, uint64(m)))
		sample := make([]int, len(rows))
		seen := make([]bool, len(rows))
		for i := range sample {
			sample[i] = rng.IntN(len(rows))
			seen[sample[i]] = true
		}
		rest := slices.Clone(y)
		var member []tree
		for range s.rounds {
			grown := t.grow(rng, sample, rest)
			for i := range grown.Leaf {
				grown.Leaf[i] *= float32(s.rate)
			}
			member = append(member, grown)
			for i, r := range rows {
				rest[i] -= float64(grown.predict(r))
			}
		}
		f.members = append(f.members, member)
		for i := range rows {
			if !seen[i] {
				unseen[i] += y[i] - rest[i]
				judges[i]++
			}
		}
	}
	for i, r := range rows {
		if judges[i] > 0 {
			unseen[i] /= judges[i]
		} else {
			unseen[i] = f.predict(r)
		}
	}
	return f, unseen
}

func (f *forest) predict(x *Features) float64 {
	sum := float32(0)
	for _, member := range f.members {
		for i := range member {
			sum += member[i].predict(x)
		}
	}
	return float64(sum) / float64(len(f.members))
}
