package pass

import (
	"slices"

	"qtune/qnn"
	"qtune/qnn/ref"
)

// Bounds of what is folded: a small file can describe constants that are not.
const (
	maxFolded    = 16 << 20 // bytes that a node makes
	maxFoldedAll = 64 << 20 // bytes that all nodes make
	maxFoldSteps = 1 << 28  // multiplications, or elements read and written, of all nodes
)

// fold computes nodes all of whose inputs are constant, and SHAPE, whose result
// is known anyway. Their outputs become constants. What makes an output of the
// network stays a node, but its result is known to those after it.
func fold(g *qnn.Graph) {
	l := newLinks(g)
	vals := make(ref.Values, len(g.Tensors)) // of what is known, but not constant
	gone := make([]bool, len(g.Nodes))
	bytes, steps := 0, 0.0
	for i := range g.Nodes {
		n := &g.Nodes[i]
		size := resultBytes(g, n)
		cost := foldSteps(g, n)
		if !known(g, n, vals) || size > maxFolded || bytes+size > maxFoldedAll || steps+cost > maxFoldSteps {
			continue
		}
		if ref.Node(g, n, vals) != nil {
			for _, id := range n.Outputs {
				vals[id] = nil
			}
			continue
		}
		bytes, steps = bytes+size, steps+cost
		if slices.ContainsFunc(n.Outputs, func(id qnn.TensorID) bool { return l.output[id] }) {
			continue
		}
		for _, id := range n.Outputs {
			g.Tensors[id].Data, vals[id] = vals[id], nil
		}
		gone[i] = true
	}
	remove(g, gone)
}

// known tells whether the result of n does not depend on the network's inputs.
func known(g *qnn.Graph, n *qnn.Node, vals ref.Values) bool {
	switch n.Op.(type) {
	case qnn.Unsupported:
		return false
	case qnn.ShapeOf:
		return true
	}
	for _, id := range n.Inputs {
		if id != qnn.NoTensor && vals.Of(g, id) == nil {
			return false
		}
	}
	return true
}

// resultBytes is at most a little over maxFolded.
func resultBytes(g *qnn.Graph, n *qnn.Node) int {
	size := 0
	for i := range n.Outputs {
		size += min(g.Output(n, i).Bytes(), maxFolded+1)
		if size > maxFolded {
			break
		}
	}
	return size
}

// foldSteps estimates the work of n.
func foldSteps(g *qnn.Graph, n *qnn.Node) float64 {
	elements := func(t *qnn.Tensor) float64 {
		if t == nil {
			return 0
		}
		return float64(t.Shape.Elems())
	}
	steps := 0.0
	for i := range n.Inputs {
		steps += elements(g.Input(n, i))
	}
	for i := range n.Outputs {
		steps += elements(g.Output(n, i))
	}
	switch op := n.Op.(type) {
	case qnn.ShapeOf:
		return elements(g.Output(n, 0))
	case qnn.Conv2D, qnn.Depthwise, qnn.Dense, qnn.TransposeConv:
		return steps + elements(g.Input(n, 0))*elements(g.Input(n, 1)) + elements(g.Output(n, 0))*elements(g.Input(n, 1))
	case qnn.AveragePool:
		return steps + elements(g.Output(n, 0))*float64(op.FilterH)*float64(op.FilterW)
	case qnn.MaxPool:
		return steps + elements(g.Output(n, 0))*float64(op.FilterH)*float64(op.FilterW)
	}
	return steps
}
