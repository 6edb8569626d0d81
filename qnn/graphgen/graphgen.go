// Package graphgen makes random valid networks for tests, and makes those that
// fail smaller.
//
// A network is decoded from a Recipe: rows of numbers, one row a node. Every
// recipe decodes to a valid network, and smaller numbers to simpler nodes, so
// that Shrink has only to drop rows and lower numbers, and knows nothing of
// operators. (The idea is Hypothesis's: MacIver and Donaldson, "Test-Case
// Reduction via Test-Case Generation", ECOOP 2020.)
package graphgen

import (
	"math/rand/v2"

	"qtune/qnn"
)

// A Recipe says what a network is: the first row its inputs and outputs, each
// other row a node.
type Recipe [][]uint16

// choices is the length of a row; a node that asks for more gets zeros.
const choices = 40

// Random makes a recipe of up to nodes nodes.
func Random(seed uint64, nodes int) Recipe {
	rng := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))
	r := make(Recipe, 2+rng.IntN(nodes))
	for i := range r {
		r[i] = make([]uint16, choices)
		for k := range r[i] {
			r[i][k] = uint16(rng.Uint32())
		}
	}
	return r
}

// Network decodes a recipe. Rows whose node does not fit what there is are
// skipped.
func (r Recipe) Network() *qnn.Graph {
	b := &builder{g: &qnn.Graph{Name: "random"}}
	for i, row := range r {
		b.row = row
		if i == 0 {
			b.inputs()
		} else {
			b.node()
		}
	}
	if len(r) == 0 {
		b.inputs()
	}
	b.outputs()
	return b.g
}

// Shrink returns the smallest recipe that it finds for which fails still
// returns true. fails must be true for r.
func Shrink(r Recipe, fails func(*qnn.Graph) bool) Recipe {
	try := func(c Recipe) bool {
		if fails(c.Network()) {
			r = c
			return true
		}
		return false
	}
	for again := true; again; {
		again = false
		for i := len(r) - 1; i > 0; i-- { // whole nodes, the last first
			again = try(r.without(i)) || again
		}
		for i := range r {
			for k := range r[i] {
				for _, v := range []uint16{0, r[i][k] / 256, r[i][k] / 2, r[i][k] - 1} {
					if r[i][k] != 0 && v < r[i][k] && try(r.with(i, k, v)) {
						again = true
						break
					}
				}
			}
		}
	}
	return r
}

// without returns r without row i.
func (r Recipe) without(i int) Recipe {
	c := append(Recipe{}, r[:i]...)
	return append(c, r[i+1:]...)
}

// with returns r with another number in row i.
func (r Recipe) with(i, k int, v uint16) Recipe {
	c := append(Recipe{}, r...)
	c[i] = append([]uint16{}, r[i]...)
	c[i][k] = v
	return c
}
