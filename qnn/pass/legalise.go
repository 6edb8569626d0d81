package pass

import (
	"slices"

	"qtune/qnn"
)

// legalise moves int8 activations to uint8, which the dot-product instructions
// want: 128 is added to every value and zero point, constants included, and
// nothing else changes (arithmetic: sums of x - zero stay the same). Nodes are
// marked FromInt8, because int8's rounding rule and signs still hold for them.
// Weights stay int8.
//
// The network's interface keeps its types: an int8 input or output gets a
// QUANTIZE node, which is then exactly the addition of 128. The same happens at
// nodes that are left alone: Unsupported ones, look-ups, and those that handle
// int8 tensors that are not quantised. A second legalise changes nothing.
func legalise(g *qnn.Graph) {
	l := &legaliser{
		g:     g,
		moved: make([]qnn.TensorID, len(g.Tensors)),
		fixed: fixedTensors(g),
	}
	for i := range l.moved {
		l.moved[i] = qnn.NoTensor
	}
	nodes := g.Nodes
	g.Nodes = make([]qnn.Node, 0, len(nodes))
	for i := range nodes {
		l.node(&nodes[i])
	}
}

type legaliser struct {
	g     *qnn.Graph
	moved []qnn.TensorID // the uint8 form of each int8 tensor, NoTensor if there is none yet
	fixed []bool         // the tensor must also exist as int8
}

// fixedTensors tells which tensors are seen as they are by the network's user
// or by a node that is left alone, or by nothing.
func fixedTensors(g *qnn.Graph) []bool {
	fixed := make([]bool, len(g.Tensors))
	mark := func(ids []qnn.TensorID) {
		for _, id := range ids {
			if id != qnn.NoTensor {
				fixed[id] = true
			}
		}
	}
	mark(g.Inputs)
	mark(g.Outputs)
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if !movable(g, n) {
			mark(n.Inputs)
			mark(n.Outputs)
			continue
		}
		for k, id := range n.Inputs { // weights
			if id != qnn.NoTensor && !isActivation(n, k) {
				fixed[id] = true
			}
		}
	}
	return fixed
}

// movable tells whether n can work on uint8 tensors in place of int8 ones.
func movable(g *qnn.Graph, n *qnn.Node) bool {
	switch n.Op.(type) {
	case qnn.Unsupported, qnn.Table, qnn.Cast, qnn.DetectionPostProcess:
		return false
	}
	if isConversion(n) {
		return false
	}
	plain := func(id qnn.TensorID) bool {
		return g.Tensors[id].Type == qnn.Int8 && len(g.Tensors[id].Quant.Scale) != 1
	}
	for k, id := range n.Inputs {
		if id != qnn.NoTensor && isActivation(n, k) && plain(id) {
			return false
		}
	}
	return !slices.ContainsFunc(n.Outputs, plain)
}

// isActivation tells whether input k of n is an activation, rather than the
// weights or bias of a layer. The numbers that PAD, MEAN and others take are
// never int8.
func isActivation(n *qnn.Node, k int) bool {
	switch n.Op.(type) {
	case qnn.Conv2D, qnn.Depthwise, qnn.Dense:
		return k == 0 || n.Residual != nil && k == len(n.Inputs)-1
	case qnn.TransposeConv:
		return k == 2
	}
	return true
}

// node appends n, moved to uint8 where it works on int8.
func (l *legaliser) node(n *qnn.Node) {
	if !movable(l.g, n) {
		l.g.Nodes = append(l.g.Nodes, *n)
		return
	}
	m := *n
	m.Inputs = slices.Clone(n.Inputs)
	m.Outputs = slices.Clone(n.Outputs)
	for k, id := range n.Inputs {
		if id != qnn.NoTensor && isActivation(n, k) && l.g.Tensors[id].Type == qnn.Int8 {
			m.Inputs[k] = l.input(id)
			m.FromInt8 = true
		}
	}
	var after []qnn.Node
	for k, id := range n.Outputs {
		if l.g.Tensors[id].Type != qnn.Int8 {
			continue
		}
		if n.Residual != nil {
			r := *n.Residual
			r.Mid.Zero = []int32{r.Mid.Zero[0] + 128}
			m.Residual = &r
		}
		m.Outputs[k] = l.move(id)
		m.FromInt8 = true
		if m.Outputs[k] != id {
			after = append(after, conversion(m.Outputs[k], id))
		}
	}
	l.g.Nodes = append(append(l.g.Nodes, m), after...)
}

// input returns the uint8 form of tensor id, which is computed here if it was
// made as int8.
func (l *legaliser) input(id qnn.TensorID) qnn.TensorID {
	if l.moved[id] != qnn.NoTensor {
		return l.moved[id]
	}
	to := l.move(id)
	if to != id && !l.g.Tensors[id].IsConst() {
		l.g.Nodes = append(l.g.Nodes, conversion(id, to))
	}
	return to
}

// move makes the uint8 form of tensor id: in its place, or as a new tensor
// where the int8 one must stay.
func (l *legaliser) move(id qnn.TensorID) qnn.TensorID {
	t := l.g.Tensors[id]
	t.Type = qnn.Uint8
	t.Quant.Zero = []int32{t.Quant.Zero[0] + 128}
	if t.IsConst() {
		t.Data = slices.Clone(t.Data)
		for i := range t.Data {
			t.Data[i] ^= 0x80 // + 128
		}
	}
	to := id
	if l.fixed[id] {
		t.Name += "/uint8"
		to = qnn.TensorID(len(l.g.Tensors))
		l.g.Tensors = append(l.g.Tensors, qnn.Tensor{})
	}
	l.g.Tensors[to] = t
	l.moved[id] = to
	return to
}

// isConversion tells whether n is a node that conversion made.
func isConversion(n *qnn.Node) bool {
	_, ok := n.Op.(qnn.Quantize)
	return ok && n.Index < 0
}

// conversion is the node that adds or subtracts 128: QUANTIZE between int8 and
// uint8 of equal scale.
func conversion(from, to qnn.TensorID) qnn.Node {
	return qnn.Node{
		Op:      qnn.Quantize{},
		Inputs:  []qnn.TensorID{from},
		Outputs: []qnn.TensorID{to},
		Index:   -1,
	}
}
