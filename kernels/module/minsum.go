package module

import (
	"math"
	"slices"
	"time"
)

// A minSum is variables of a few values each, and what combinations of them cost.
// solve finds the values of least cost by dynamic programming over all variables:
// one after the other is eliminated, those that are bound to the fewest others
// first (Bertele and Brioschi, "Nonserial Dynamic Programming", 1972).
type minSum struct {
	sizes []int          // values of each variable
	costs [][]*costTable // that each variable is in
}

// A costTable is what each combination of the values of some variables costs, the
// first variable's value the slowest.
type costTable struct {
	vars []int
	cost []time.Duration
}

// never is the cost of what cannot be. Sums of many do not overflow.
const never = time.Duration(1 << 50)

// maxTable bounds the size of a table. A variable that is bound to too many others
// keeps its first value.
const maxTable = 1 << 16

// variable adds a variable of n values.
func (p *minSum) variable(n int) int {
	p.sizes, p.costs = append(p.sizes, n), append(p.costs, nil)
	return len(p.sizes) - 1
}

// add adds the cost of each combination of the values of vars.
func (p *minSum) add(cost func(values []int) time.Duration, vars ...int) {
	t := p.tabulate(vars, cost)
	for _, v := range vars {
		p.costs[v] = append(p.costs[v], t)
	}
}

func (p *minSum) tabulate(vars []int, cost func(values []int) time.Duration) *costTable {
	t := &costTable{vars, make([]time.Duration, p.combinations(vars))}
	values := make([]int, len(vars))
	for i := range t.cost {
		rest := i
		for k := len(vars) - 1; k >= 0; k-- {
			values[k] = rest % p.sizes[vars[k]]
			rest /= p.sizes[vars[k]]
		}
		t.cost[i] = cost(values)
	}
	return t
}

func (p *minSum) combinations(vars []int) int {
	n := 1
	for _, v := range vars {
		n = min(n*p.sizes[v], maxTable+1)
	}
	return n
}

// at looks the cost up for the values of all variables.
func (p *minSum) at(t *costTable, values []int) time.Duration {
	i := 0
	for _, v := range t.vars {
		i = i*p.sizes[v] + values[v]
	}
	return t.cost[i]
}

// solve returns the value of each variable.
func (p *minSum) solve() []int {
	values := make([]int, len(p.sizes))
	left := make([]int, len(p.sizes))
	for v := range left {
		left[v] = v
	}
	type eliminated struct {
		v     int
		costs []*costTable // those it was in
	}
	var order []eliminated
	for len(left) > 0 {
		v := slices.MinFunc(left, func(a, b int) int { return p.combinations(p.bound(a)) - p.combinations(p.bound(b)) })
		left = slices.DeleteFunc(left, func(x int) bool { return x == v })
		order = append(order, eliminated{v, p.eliminate(v, values)})
	}
	for _, e := range slices.Backward(order) {
		_, values[e.v] = p.least(e.v, e.costs, values)
	}
	return values
}

// bound lists the other variables that have costs together with v.
func (p *minSum) bound(v int) []int {
	var vars []int
	for _, t := range p.costs[v] {
		vars = append(vars, t.vars...)
	}
	slices.Sort(vars)
	return slices.DeleteFunc(slices.Compact(vars), func(x int) bool { return x == v })
}

// eliminate replaces the costs that v is in, which it returns, by what the best
// value of v costs. values is scratch.
func (p *minSum) eliminate(v int, values []int) []*costTable {
	vars, of := p.bound(v), p.remove(v)
	if p.combinations(vars) > maxTable {
		p.fix(v, of, values)
		return nil
	}
	p.add(func(some []int) time.Duration {
		for i, x := range vars {
			values[x] = some[i]
		}
		cost, _ := p.least(v, of, values)
		return cost
	}, vars...)
	return of
}

// remove takes the costs that v is in away from all variables.
func (p *minSum) remove(v int) []*costTable {
	of := p.costs[v]
	for _, t := range of {
		for _, x := range t.vars {
			p.costs[x] = slices.DeleteFunc(slices.Clone(p.costs[x]), func(o *costTable) bool { return o == t })
		}
	}
	return of
}

// fix replaces costs that v is in by what its first value costs.
func (p *minSum) fix(v int, of []*costTable, values []int) {
	values[v] = 0
	for _, t := range of {
		vars := slices.DeleteFunc(slices.Clone(t.vars), func(x int) bool { return x == v })
		p.add(func(some []int) time.Duration {
			for i, x := range vars {
				values[x] = some[i]
			}
			return p.at(t, values)
		}, vars...)
	}
}

// least returns the least cost of costs over the values of v, given those of all
// others in them, and the first value that has it. It leaves that of v changed.
func (p *minSum) least(v int, costs []*costTable, values []int) (time.Duration, int) {
	least, best := time.Duration(math.MaxInt64), 0
	for values[v] = range p.sizes[v] {
		sum := time.Duration(0)
		for _, t := range costs {
			sum += p.at(t, values)
		}
		if sum < least {
			least, best = sum, values[v]
		}
	}
	return least, best
}
