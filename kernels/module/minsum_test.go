package module

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestMinSum compares random problems with all combinations tried.
func TestMinSum(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for range 200 {
		p := &minSum{}
		n := 1 + r.IntN(8)
		for range n {
			p.variable(1 + r.IntN(3))
		}
		for range r.IntN(2 * n) {
			vars := r.Perm(n)[:1+r.IntN(min(n, 3))]
			p.add(func([]int) time.Duration { return time.Duration(r.IntN(100)) }, vars...)
		}
		var costs []*costTable
		for _, of := range p.costs {
			for _, t := range of {
				if !slices.Contains(costs, t) {
					costs = append(costs, t)
				}
			}
		}
		total := func(values []int) time.Duration {
			sum := time.Duration(0)
			for _, t := range costs {
				sum += p.at(t, values)
			}
			return sum
		}
		all := make([]int, n)
		for v := range all {
			all[v] = v
		}
		least := slices.Min(p.tabulate(all, total).cost)
		if got := total(p.solve()); got != least {
			t.Fatalf("sizes %v: the solution costs %d, the best %d", p.sizes, got, least)
		}
	}
}

// TestMinSumBoundToMany: of variables that are all bound to each other some keep
// their first value, and the last ones still get their best.
func TestMinSumBoundToMany(t *testing.T) {
	p := &minSum{}
	hub := p.variable(3)
	var spokes []int
	for range 40 {
		spokes = append(spokes, p.variable(3))
	}
	for i, a := range spokes {
		p.add(func(v []int) time.Duration { return time.Duration(max(v[0]-v[1], v[1]-v[0])) }, hub, a)
		for _, b := range spokes[:i] {
			p.add(func(v []int) time.Duration { return time.Duration(4 - v[0] - v[1]) }, a, b)
		}
	}
	values := p.solve()
	best := 0
	for _, v := range spokes {
		if values[v] == 2 {
			best++
		}
	}
	if best < 10 { // 3^10 values are in a table
		t.Errorf("%d of 40 variables have their best value: %v", best, values)
	}
}
