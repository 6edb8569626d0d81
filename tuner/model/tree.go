package model

import (
	"math"
	"math/rand/v2"
)

// A tree is a regression tree of fixed depth: node i has the children 2i+1 and
// 2i+2, and the last level are leaves. A node that is not worth a split sends all
// rows to the left.
type tree struct {
	Feature   [inner]uint8    `json:"feature"`
	Threshold [inner]float32  `json:"threshold"` // greater values go right
	Leaf      [leaves]float32 `json:"leaf"`
}

const (
	depth  = 4
	inner  = 1<<depth - 1
	leaves = 1 << depth
)

func (t *tree) predict(f *Features) float32 {
	i := 0
	for i < inner {
		next := 2*i + 1
		if f[t.Feature[i]] > t.Threshold[i] {
			next++
		}
		i = next
	}
	return t.Leaf[i-inner]
}

// Parameters of growing a tree.
const (
	offered = 0.5  // share of the features that a tree may use
	shrink  = 1    // a leaf's value counts as if so many more rows said 0
	minGain = 1e-6 // in squared error
)

// grow fits a tree to the rest of each row of sample.
func (t *table) grow(rng *rand.Rand, sample []int, rest []float64) tree {
	var out tree
	features := t.offer(rng)
	var groups [inner + leaves][]int
	groups[0] = sample
	for i := range inner {
		feature, bin, ok := t.split(groups[i], rest, features)
		if !ok {
			out.Threshold[i] = math.MaxFloat32
			groups[2*i+1] = groups[i]
			continue
		}
		out.Feature[i], out.Threshold[i] = feature, t.edge[feature][bin]
		for _, r := range groups[i] {
			next := 2*i + 1
			if t.bin[feature][r] > bin {
				next++
			}
			groups[next] = append(groups[next], r)
		}
	}
	for i := range leaves {
		sum := 0.0
		for _, r := range groups[inner+i] {
			sum += rest[r]
		}
		out.Leaf[i] = float32(sum / float64(len(groups[inner+i])+shrink))
	}
	return out
}

// offer draws the features that a tree may split by.
func (t *table) offer(rng *rand.Rand) []uint8 {
	var out []uint8
	for _, f := range t.used {
		if rng.Float64() < offered {
			out = append(out, f)
		}
	}
	return out
}

// split finds the best split of a group: the first of equals, so that a fit is a
// function of its rows and seed.
func (t *table) split(group []int, rest []float64, features []uint8) (feature, bin uint8, ok bool) {
	if len(group) < 2 {
		return 0, 0, false
	}
	total := 0.0
	for _, r := range group {
		total += rest[r]
	}
	n := float64(len(group))
	best := total*total/(n+shrink) + minGain
	for _, f := range features {
		var sum, count [bins]float64
		column := t.bin[f]
		for _, r := range group {
			sum[column[r]] += rest[r]
			count[column[r]]++
		}
		left, leftN := 0.0, 0.0
		for b := range len(t.edge[f]) - 1 {
			left += sum[b]
			leftN += count[b]
			if count[b] == 0 || leftN == n {
				continue
			}
			right := total - left
			if gain := left*left/(leftN+shrink) + right*right/(n-leftN+shrink); gain > best {
				best, feature, bin, ok = gain, f, uint8(b), true
			}
		}
	}
	return feature, bin, ok
}
