package pass

import "qtune/qnn"

// residual moves ADD into the convolution, depthwise or dense node that makes
// one of its operands, if nothing else reads that: the sum is then taken while
// the result is in registers. The node moves to the place of the ADD, where the
// other operand is there. Of two candidates it takes the later one, whose
// inputs are the younger.
func residual(g *qnn.Graph) {
	u := usesOf(g)
	gone := make([]bool, len(g.Nodes))
	for i := range g.Nodes {
		n := &g.Nodes[i]
		k, ok := residualOperand(g, &u, n)
		if !ok {
			continue
		}
		from := u.maker[n.Inputs[k]]
		gone[from] = true
		g.Nodes[i] = withResidual(g, &g.Nodes[from], n, n.Inputs[1-k])
	}
	g.Nodes = without(g.Nodes, gone)
}

// residualOperand returns which operand of n, an ADD, comes from a node that n
// can move into.
func residualOperand(g *qnn.Graph, u *uses, n *qnn.Node) (k int, ok bool) {
	if _, add := n.Op.(qnn.Add); !add {
		return 0, false
	}
	fits := func(k int) bool {
		from := u.makerOf(g, n.Inputs[k])
		if from == nil || !u.private(n.Inputs[k]) || from.Residual != nil || from.FromInt8 != n.FromInt8 {
			return false
		}
		switch from.Op.(type) {
		case qnn.Conv2D, qnn.Depthwise, qnn.Dense:
		default:
			return false
		}
		own, other, y := g.Input(n, k), g.Input(n, 1-k), g.Output(n, 0)
		return own.Shape.Equal(y.Shape) && other.Shape.Equal(y.Shape) && !other.IsConst()
	}
	first, second := fits(0), fits(1)
	if first && second {
		first = u.maker[n.Inputs[0]] > u.maker[n.Inputs[1]]
	}
	if first {
		return 0, true
	}
	return 1, second
}

// withResidual is conv with the addition of tensor other.
func withResidual(g *qnn.Graph, conv, add *qnn.Node, other qnn.TensorID) qnn.Node {
	own := g.Output(conv, 0)
	m := *conv
	m.Residual = &qnn.Residual{Name: own.Name, Mid: own.Quant, Activation: add.Op.(qnn.Add).Activation}
	bias := qnn.NoTensor
	if len(conv.Inputs) > 2 {
		bias = conv.Inputs[2]
	}
	m.Inputs = []qnn.TensorID{conv.Inputs[0], conv.Inputs[1], bias, other}
	m.Outputs = add.Outputs
	return m
}
