package pass

import (
	"fmt"

	"qtune/qnn"
	"qtune/qnn/ref"
)

// tabulate computes, by the reference interpreter, what the nodes of a chain
// make of each byte: the first reads tensor from, which has 8 bits, each the
// output of the one before, and the last makes 8 bits. All treat their elements
// alike, and what else they read is one constant; see elementwise.
func tabulate(g *qnn.Graph, chain []*qnn.Node, from qnn.TensorID) (table [256]byte, err error) {
	small := &qnn.Graph{Tensors: make([]qnn.Tensor, 0, 2*len(chain)+1)}
	add := func(t qnn.Tensor) qnn.TensorID {
		small.Tensors = append(small.Tensors, t)
		return qnn.TensorID(len(small.Tensors) - 1)
	}
	at := add(allBytes(g.Tensors[from]))
	for i := range table {
		table[i] = byte(i)
	}
	vals := ref.Values{table[:]}
	before := from
	for _, n := range chain {
		m := *n
		m.Inputs = make([]qnn.TensorID, len(n.Inputs))
		for k, id := range n.Inputs {
			if id == before {
				m.Inputs[k] = at
			} else {
				m.Inputs[k] = add(g.Tensors[id])
			}
		}
		before, at = n.Outputs[0], add(allBytes(g.Tensors[n.Outputs[0]]))
		m.Outputs = []qnn.TensorID{at}
		vals = append(vals, make(ref.Values, len(small.Tensors)-len(vals))...)
		if err := ref.Node(small, &m, vals); err != nil {
			return table, err
		}
	}
	if len(vals[at]) != len(table) {
		return table, fmt.Errorf("%d results, want %d", len(vals[at]), len(table))
	}
	return [256]byte(vals[at]), nil
}

// allBytes is t with an element for each byte, and as many dimensions.
func allBytes(t qnn.Tensor) qnn.Tensor {
	rank := max(len(t.Shape), 1)
	t.Shape = make(qnn.Shape, rank)
	for i := range t.Shape {
		t.Shape[i] = 1
	}
	t.Shape[rank-1] = 256
	t.Data = nil
	return t
}

// elementwise tells whether each element that n makes depends on the element at
// the same place of one computed tensor only, which is returned.
func elementwise(g *qnn.Graph, n *qnn.Node) (from qnn.TensorID, ok bool) {
	switch n.Op.(type) {
	case qnn.Quantize, qnn.Dequantize, qnn.Clamp, qnn.Logistic, qnn.Tanh, qnn.HardSwish, qnn.LeakyRelu, qnn.Table:
		return n.Inputs[0], true
	case qnn.Add, qnn.Sub, qnn.Mul, qnn.Div, qnn.Maximum, qnn.Minimum, qnn.PRelu:
	default:
		return qnn.NoTensor, false
	}
	for k, id := range n.Inputs {
		c := g.Input(n, 1-k)
		if !g.Tensors[id].IsConst() && c.IsConst() && c.Shape.Elems() == 1 && g.Tensors[id].Shape.Equal(g.Output(n, 0).Shape) {
			return id, true
		}
	}
	return qnn.NoTensor, false
}
