package pass

import "qtune/qnn"

// activation moves RELU, RELU_N1_TO_1, RELU6, and MAXIMUM and MINIMUM with a
// constant, into the node before, where nothing else reads that node's result,
// and where they only clamp: the quantisation stays the same. The range that is
// left must be that of a fused activation.
func activation(g *qnn.Graph) {
	l := newLinks(g)
	gone := make([]bool, len(g.Nodes))
	for i := range g.Nodes {
		n := &g.Nodes[i]
		from, ok := clampOf(g, n)
		if !ok || !l.inner(from) {
			continue
		}
		at := l.maker[from]
		act, ok := joined(g, &g.Nodes[at], n, from)
		if !ok {
			continue
		}
		g.Nodes[at] = withActivation(g.Nodes[at], act)
		g.Nodes[at].Outputs[0] = n.Outputs[0]
		l.maker[n.Outputs[0]] = at
		gone[i] = true
	}
	remove(g, gone)
}

// clampOf returns the tensor that n may only clamp.
func clampOf(g *qnn.Graph, n *qnn.Node) (from qnn.TensorID, ok bool) {
	switch n.Op.(type) {
	case qnn.Clamp, qnn.Maximum, qnn.Minimum:
		from, ok = elementwise(g, n)
	}
	return from, ok && g.Tensors[from].Type.Is8Bit() && alike(&g.Tensors[from], g.Output(n, 0))
}

// joined returns the activation of m that has the effect of its own and of n,
// which reads its output.
func joined(g *qnn.Graph, m, n *qnn.Node, from qnn.TensorID) (qnn.Activation, bool) {
	own, ok := activationOf(m)
	if !ok {
		return 0, false
	}
	y := &g.Tensors[from]
	table, err := tabulate(g, []*qnn.Node{n}, from)
	if err != nil {
		return 0, false
	}
	lo, hi, ok := clampRange(&table, y.Type)
	first, last := qnn.ActivationRange(own, y)
	if !ok || max(lo, first) > min(hi, last) {
		return 0, false
	}
	lo, hi = max(lo, first), min(hi, last)
	for _, act := range []qnn.Activation{own, qnn.NoActivation, qnn.Relu, qnn.ReluN1To1, qnn.Relu6} {
		if l, h := qnn.ActivationRange(act, y); l == lo && h == hi {
			return act, true
		}
	}
	return 0, false
}

// clampRange tells whether table clamps values of type d to a range, and which.
func clampRange(table *[256]byte, d qnn.DType) (lo, hi int32, ok bool) {
	value := func(b byte) int32 {
		if d == qnn.Int8 {
			return int32(int8(b))
		}
		return int32(b)
	}
	least, most := d.Limits()
	lo, hi = value(table[byte(least)]), value(table[byte(most)])
	for v := least; v <= most; v++ {
		if value(table[byte(v)]) != min(max(v, lo), hi) {
			return 0, 0, false
		}
	}
	return lo, hi, true
}

// activationOf returns the activation that clamps the output of n last, if n
// has a place for one.
func activationOf(n *qnn.Node) (qnn.Activation, bool) {
	if n.Residual != nil {
		return n.Residual.Activation, true
	}
	switch n.Op.(type) {
	case qnn.Conv2D, qnn.Depthwise, qnn.Dense, qnn.Add, qnn.Sub, qnn.Mul, qnn.Div, qnn.AveragePool, qnn.MaxPool:
		return qnn.FusedActivation(n.Op), true
	}
	return 0, false
}

// withActivation returns n with the activation of activationOf replaced.
func withActivation(n qnn.Node, act qnn.Activation) qnn.Node {
	if n.Residual != nil {
		r := *n.Residual
		r.Activation = act
		n.Residual = &r
		return n
	}
	switch op := n.Op.(type) {
	case qnn.Conv2D:
		op.Activation = act
		n.Op = op
	case qnn.Depthwise:
		op.Activation = act
		n.Op = op
	case qnn.Dense:
		op.Activation = act
		n.Op = op
	case qnn.Add:
		n.Op = qnn.Add{Activation: act}
	case qnn.Sub:
		n.Op = qnn.Sub{Activation: act}
	case qnn.Mul:
		n.Op = qnn.Mul{Activation: act}
	case qnn.Div:
		n.Op = qnn.Div{Activation: act}
	case qnn.AveragePool:
		op.Activation = act
		n.Op = op
	case qnn.MaxPool:
		op.Activation = act
		n.Op = op
	}
	return n
}
