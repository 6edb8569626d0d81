package pass

import (
	"slices"

	"qtune/qnn"
)

// residual moves ADD into the CONV_2D or DEPTHWISE_CONV_2D that makes one of its
// operands, if nothing else reads that and the shapes are equal: the sum is
// taken while the convolution's result is at hand. Of two convolutions it is the
// later one, when the other operand exists already. The node stands where the
// ADD was.
func residual(g *qnn.Graph) {
	l := newLinks(g)
	gone := make([]bool, len(g.Nodes))
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if _, ok := n.Op.(qnn.Add); !ok {
			continue
		}
		k := residualOperand(g, l, n)
		if k < 0 {
			continue
		}
		at := l.maker[n.Inputs[k]]
		g.Nodes[i] = withResidual(g, &g.Nodes[at], n, n.Inputs[1-k])
		gone[at] = true
	}
	remove(g, gone)
}

// residualOperand returns which operand of n, an ADD, is made by the convolution
// that n can be part of, or -1.
func residualOperand(g *qnn.Graph, l *links, n *qnn.Node) int {
	best := -1
	for k, id := range n.Inputs {
		if fusesResidual(g, l, n, k) && (best < 0 || l.maker[id] > l.maker[n.Inputs[best]]) {
			best = k
		}
	}
	return best
}

func fusesResidual(g *qnn.Graph, l *links, n *qnn.Node, k int) bool {
	id, other := n.Inputs[k], n.Inputs[1-k]
	if !l.inner(id) || g.Tensors[other].IsConst() ||
		!g.Tensors[id].Shape.Equal(g.Tensors[other].Shape) {
		return false
	}
	m := &g.Nodes[l.maker[id]]
	switch m.Op.(type) {
	case qnn.Conv2D, qnn.Depthwise:
		return m.Residual == nil && m.FromInt8 == n.FromInt8
	}
	return false
}

// withResidual returns the convolution m with n, the ADD of its result and
// other, as its part.
func withResidual(g *qnn.Graph, m, n *qnn.Node, other qnn.TensorID) qnn.Node {
	mid := g.Output(m, 0)
	fused := *m
	fused.Inputs = slices.Clone(m.Inputs)
	if len(fused.Inputs) == 2 {
		fused.Inputs = append(fused.Inputs, qnn.NoTensor)
	}
	fused.Inputs = append(fused.Inputs, other)
	fused.Outputs = slices.Clone(n.Outputs)
	fused.Residual = &qnn.Residual{Name: mid.Name, Mid: mid.Quant, Activation: qnn.FusedActivation(n.Op)}
	return fused
}
