package qnn

import (
	"fmt"
	"slices"
	"strings"
)

// Cut returns the part of the network that computes the named tensors, which
// become its outputs in that order. The rest is dropped: nodes, and inputs that
// nothing needs any more. Tensors keep their ids.
func (g *Graph) Cut(outputs []string) (*Graph, error) {
	if len(outputs) == 0 {
		return nil, fmt.Errorf("no outputs named")
	}
	c := g.Clone()
	c.Outputs = nil
	for _, name := range outputs {
		i := slices.IndexFunc(g.Tensors, func(t Tensor) bool { return t.Name == name && !t.IsConst() })
		if i < 0 {
			return nil, fmt.Errorf("no computed tensor is named %s%s", quoteShort(name), g.didYouMean(name))
		}
		c.Outputs = append(c.Outputs, TensorID(i))
	}
	used := make([]bool, len(c.Tensors))
	for _, id := range c.Outputs {
		used[id] = true
	}
	keep := make([]bool, len(c.Nodes))
	for i, n := range slices.Backward(c.Nodes) {
		if !slices.ContainsFunc(n.Outputs, func(id TensorID) bool { return used[id] }) {
			continue
		}
		keep[i] = true
		for _, id := range n.Inputs {
			if id != NoTensor {
				used[id] = true
			}
		}
	}
	i := -1
	c.Nodes = slices.DeleteFunc(c.Nodes, func(Node) bool { i++; return !keep[i] })
	c.Inputs = slices.DeleteFunc(c.Inputs, func(id TensorID) bool { return !used[id] })
	return c, c.Validate()
}

// didYouMean lists the computed tensors with the names nearest to name.
func (g *Graph) didYouMean(name string) string {
	const most = 3
	type near struct {
		name     string
		distance int
	}
	var all []near
	for i := range g.Tensors {
		t := &g.Tensors[i]
		if d := editDistance(name, t.Name); !t.IsConst() && (d <= max(2, len(name)/3) || strings.Contains(t.Name, name)) {
			all = append(all, near{t.Name, d})
		}
	}
	slices.SortStableFunc(all, func(a, b near) int { return a.distance - b.distance })
	var names []string
	for _, n := range all[:min(most, len(all))] {
		names = append(names, quoteShort(n.name))
	}
	if len(names) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(names, ", ") + "?"
}

// editDistance is the number of bytes to insert, delete or replace to make b of
// a. It looks at the first 200 bytes only.
func editDistance(a, b string) int {
	const limit = 200
	a, b = a[:min(len(a), limit)], b[:min(len(b), limit)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
