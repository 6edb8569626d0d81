package pass

import (
	"slices"

	"qtune/qnn"
)

// identity removes nodes whose output has the same bytes, shape and
// quantisation as their input: whoever read the one reads the other. Chains of
// RESHAPE, SQUEEZE and EXPAND_DIMS become one RESHAPE from their start; it does
// not need the shape as an input, however that was computed. A TRANSPOSE that
// moves dimensions of extent 1 only, and others that move nothing, are RESHAPEs
// too.
//
// Inputs and outputs of the network stay tensors of their own, so the last node
// between two of them stays too.
func identity(g *qnn.Graph) {
	p := &aliaser{g: g, links: newLinks(g), same: make([]qnn.TensorID, len(g.Tensors)), gone: make([]bool, len(g.Nodes))}
	for i := range p.same {
		p.same[i] = qnn.TensorID(i)
	}
	for i := range g.Nodes {
		p.node(i)
	}
	for i := range g.Nodes { // renaming also concerns nodes that were passed
		p.redirect(&g.Nodes[i])
	}
	remove(g, p.gone)
	dead(g) // reshapes in the middle of a chain, and what computed their shapes
}

type aliaser struct {
	g *qnn.Graph
	*links
	same []qnn.TensorID // the tensor to read in place of each
	gone []bool
}

func (p *aliaser) node(i int) {
	n := &p.g.Nodes[i]
	p.redirect(n)
	if movesNothing(p.g, n) {
		p.reshape(n)
	}
	x, ok := copyOf(p.g, n)
	if !ok {
		return
	}
	y := n.Outputs[0]
	switch {
	case !p.output[y]:
		p.same[y] = x
		p.gone[i] = true
	case p.maker[x] >= 0 && !p.output[x]: // let the maker of x make y
		m := &p.g.Nodes[p.maker[x]]
		m.Outputs[slices.Index(m.Outputs, x)] = y
		p.maker[x], p.maker[y] = -1, p.maker[x]
		p.same[x] = y
		p.gone[i] = true
	}
}

// redirect lets n read what stands for its inputs.
func (p *aliaser) redirect(n *qnn.Node) {
	for k, id := range n.Inputs {
		for id != qnn.NoTensor && p.same[id] != id {
			id = p.same[id]
		}
		n.Inputs[k] = id
	}
}

// reshape makes n a RESHAPE that starts where the chain of RESHAPEs does.
func (p *aliaser) reshape(n *qnn.Node) {
	x := n.Inputs[0]
	if _, ok := n.Op.(qnn.Split); ok { // the axis comes first
		x = n.Inputs[1]
	}
	if at := p.maker[x]; at >= 0 && isReshape(p.g.Nodes[at].Op) {
		x = p.g.Nodes[at].Inputs[0]
	} else if _, plain := n.Op.(qnn.Reshape); isReshape(n.Op) && !plain {
		return // a single SQUEEZE stays what it is
	}
	n.Op, n.Inputs = qnn.Reshape{}, []qnn.TensorID{x}
}

func isReshape(op qnn.Op) bool {
	switch op.(type) {
	case qnn.Reshape, qnn.Squeeze, qnn.ExpandDims:
		return true
	}
	return false
}

// movesNothing tells whether the bytes of the only output of n are those of an
// input in the same order.
func movesNothing(g *qnn.Graph, n *qnn.Node) bool {
	if isReshape(n.Op) {
		return true
	}
	switch n.Op.(type) {
	case qnn.Split, qnn.SplitV, qnn.Unpack:
		return len(n.Outputs) == 1
	case qnn.Pack:
		return len(n.Inputs) == 1
	case qnn.SpaceToDepth, qnn.DepthToSpace:
		return g.Input(n, 0).Shape.Equal(g.Output(n, 0).Shape)
	case qnn.Slice:
		return g.Input(n, 0).Shape.Equal(g.Output(n, 0).Shape)
	case qnn.StridedSlice:
		ranges, err := g.StridedRanges(n)
		return err == nil && g.Input(n, 0).Shape.Elems() == g.Output(n, 0).Shape.Elems() &&
			!slices.ContainsFunc(ranges, func(r qnn.Range) bool { return r.First != 0 || r.Step != 1 && r.Count > 1 })
	case qnn.Transpose:
		return keepsOrder(g, n)
	}
	return false
}

// keepsOrder tells whether TRANSPOSE leaves the dimensions in order, not
// counting those of extent 1.
func keepsOrder(g *qnn.Graph, n *qnn.Node) bool {
	perm, err := g.Permutation(n)
	if err != nil {
		return false
	}
	x, last := g.Input(n, 0).Shape, -1
	for _, d := range perm {
		if x[d] == 1 {
			continue
		}
		if d < last {
			return false
		}
		last = d
	}
	return true
}

// copyOf returns the input of which the output of n is a copy, if it is one.
func copyOf(g *qnn.Graph, n *qnn.Node) (qnn.TensorID, bool) {
	if len(n.Inputs) == 0 || n.Inputs[0] == qnn.NoTensor || len(n.Outputs) != 1 {
		return 0, false
	}
	x, y := g.Input(n, 0), g.Output(n, 0)
	if !x.Shape.Equal(y.Shape) || !alike(x, y) {
		return 0, false
	}
	switch op := n.Op.(type) {
	case qnn.Reshape, qnn.Squeeze, qnn.ExpandDims, qnn.Quantize, qnn.Pad, qnn.PadValue, qnn.MirrorPad:
		return n.Inputs[0], true
	case qnn.Concat:
		return n.Inputs[0], len(n.Inputs) == 1
	case qnn.AveragePool:
		return n.Inputs[0], isPoint(op.Pool, y)
	case qnn.MaxPool:
		return n.Inputs[0], isPoint(op.Pool, y)
	}
	return 0, false
}

// isPoint tells whether a pooling operator from and to y's shape looks at one
// pixel at a time and clamps nothing away.
func isPoint(p qnn.Pool, y *qnn.Tensor) bool {
	lo, hi := qnn.ActivationRange(p.Activation, y)
	least, most := y.Type.Limits()
	return p.FilterH == 1 && p.FilterW == 1 && p.StrideH == 1 && p.StrideW == 1 && lo <= least && hi >= most
}
