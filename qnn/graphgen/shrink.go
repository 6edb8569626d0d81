package graphgen

import (
	"iter"
	"slices"

	"qtune/qnn"
)

// maxTries bounds how often Shrink asks whether a network fails.
const maxTries = 4000

// Shrink returns a network on which fails still holds, as it does on g, and
// that no single reduction makes smaller: fewer nodes, plainer options and
// quantisation, less extent, more zeros. Every network that it asks about is
// valid.
func Shrink(g *qnn.Graph, fails func(*qnn.Graph) bool) *qnn.Graph {
	s := &shrinker{best: tidy(g.Clone()), fails: fails}
	if s.fails(s.best) {
		s.cost = cost(s.best)
	} else { // unused tensors matter
		s.best, s.cost = g, cost(g)
	}
	for s.pass() {
	}
	return s.best
}

// A shrinker holds the smallest failing network so far.
type shrinker struct {
	best  *qnn.Graph
	cost  []int
	fails func(*qnn.Graph) bool
	tries int
}

// A reduction yields networks that are smaller than g in one way.
type reduction func(g *qnn.Graph) iter.Seq[*qnn.Graph]

var reductions = []reduction{single, fewerOutputs, fewerNodes, bypassed, withoutBias, plainerOps, plainerQuant, trimmed, smallerInts, zeroed}

// pass tries every reduction until it helps no more, and tells whether any did.
func (s *shrinker) pass() bool {
	any := false
	for _, r := range reductions {
		for s.reduce(r) {
			any = true
		}
	}
	return any
}

// reduce takes the first network of r that fails as well and costs less.
func (s *shrinker) reduce(r reduction) bool {
	for g := range r(s.best) {
		g = tidy(g)
		c := cost(g)
		if slices.Compare(c, s.cost) >= 0 || g.Validate() != nil {
			continue
		}
		if s.tries++; s.tries > maxTries {
			return false
		}
		if s.fails(g) {
			s.best, s.cost = g, c
			return true
		}
	}
	return false
}

// single keeps one computed tensor as the only output, and what it needs.
func single(g *qnn.Graph) iter.Seq[*qnn.Graph] {
	return func(yield func(*qnn.Graph) bool) {
		for i := range g.Nodes {
			for _, id := range g.Nodes[i].Outputs {
				c := g.Clone()
				c.Outputs = []qnn.TensorID{id}
				if !yield(withoutDead(c)) {
					return
				}
			}
		}
	}
}

// fewerOutputs drops an output, with and without the nodes that only it needs.
func fewerOutputs(g *qnn.Graph) iter.Seq[*qnn.Graph] {
	return func(yield func(*qnn.Graph) bool) {
		for i := range g.Outputs {
			c := g.Clone()
			c.Outputs = slices.Delete(c.Outputs, i, i+1)
			if len(c.Outputs) > 0 && (!yield(withoutDead(c.Clone())) || !yield(c)) {
				return
			}
		}
	}
}

// fewerNodes makes the results of a node inputs of the network, with and
// without the nodes that only it needs.
func fewerNodes(g *qnn.Graph) iter.Seq[*qnn.Graph] {
	return func(yield func(*qnn.Graph) bool) {
		for i := range g.Nodes {
			c := g.Clone()
			c.Inputs = append(c.Inputs, c.Nodes[i].Outputs...)
			c.Nodes = slices.Delete(c.Nodes, i, i+1)
			if !yield(withoutDead(c.Clone())) || !yield(c) {
				return
			}
		}
	}
}

// bypassed reads an input of a node in place of its result.
func bypassed(g *qnn.Graph) iter.Seq[*qnn.Graph] {
	return func(yield func(*qnn.Graph) bool) {
		for i := range g.Nodes {
			n := &g.Nodes[i]
			for k, id := range n.Inputs {
				x, y := g.Input(n, k), g.Output(n, 0)
				if len(n.Outputs) > 1 || x == nil || x.Type != y.Type || !x.Shape.Equal(y.Shape) {
					continue
				}
				c := g.Clone()
				c.Nodes = slices.Delete(c.Nodes, i, i+1)
				replace(c, n.Outputs[0], id)
				if !yield(withoutDead(c)) {
					return
				}
			}
		}
	}
}

// withoutBias drops the last operand of a layer.
func withoutBias(g *qnn.Graph) iter.Seq[*qnn.Graph] {
	return func(yield func(*qnn.Graph) bool) {
		for i := range g.Nodes {
			switch g.Nodes[i].Op.(type) {
			case qnn.Conv2D, qnn.Depthwise, qnn.Dense, qnn.TransposeConv:
			default:
				continue
			}
			c := g.Clone()
			n := &c.Nodes[i]
			n.Inputs = n.Inputs[:len(n.Inputs)-1]
			if !yield(c) {
				return
			}
		}
	}
}

// replace makes all readers of tensor y read x.
func replace(g *qnn.Graph, y, x qnn.TensorID) {
	in := func(ids []qnn.TensorID) {
		for i, id := range ids {
			if id == y {
				ids[i] = x
			}
		}
	}
	for i := range g.Nodes {
		in(g.Nodes[i].Inputs)
	}
	in(g.Outputs)
}

// withoutDead drops the nodes that no output needs.
func withoutDead(g *qnn.Graph) *qnn.Graph {
	used := make([]bool, len(g.Tensors))
	mark := func(ids []qnn.TensorID) {
		for _, id := range ids {
			if id != qnn.NoTensor {
				used[id] = true
			}
		}
	}
	mark(g.Outputs)
	var live []qnn.Node
	for _, n := range slices.Backward(g.Nodes) {
		if slices.ContainsFunc(n.Outputs, func(id qnn.TensorID) bool { return used[id] }) {
			mark(n.Inputs)
			live = append(live, n)
		}
	}
	slices.Reverse(live)
	g.Nodes = live
	return g
}

// tidy drops the tensors that are neither read nor made by a node nor outputs,
// and counts nodes from 0.
func tidy(g *qnn.Graph) *qnn.Graph {
	to := make([]qnn.TensorID, len(g.Tensors))
	var tensors []qnn.Tensor
	keep := func(ids []qnn.TensorID) {
		for i, id := range ids {
			if id == qnn.NoTensor {
				continue
			}
			if to[id] == 0 {
				tensors = append(tensors, g.Tensors[id])
				to[id] = qnn.TensorID(len(tensors))
			}
			ids[i] = to[id] - 1
		}
	}
	for i := range g.Nodes {
		g.Nodes[i].Index = i
		keep(g.Nodes[i].Inputs)
		keep(g.Nodes[i].Outputs)
	}
	keep(g.Outputs)
	g.Inputs = slices.DeleteFunc(g.Inputs, func(id qnn.TensorID) bool { return to[id] == 0 })
	keep(g.Inputs)
	g.Tensors = tensors
	return g
}
