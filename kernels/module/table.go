package module

import (
	"slices"

	"qtune/qnn"
	"qtune/qnn/ref"
)

// tabulate computes n for every combination of the bytes of the given operands,
// the last of which is the fastest to change. All other operands are constants
// of one element. The reference interpreter does it, so the table is exact.
func tabulate(g *qnn.Graph, n *qnn.Node, operands ...int) ([]byte, error) {
	size := 1 << (8 * len(operands))
	small := &qnn.Graph{}
	vals := ref.Values{}
	add := func(t qnn.Tensor, value []byte) qnn.TensorID {
		small.Tensors = append(small.Tensors, t)
		vals = append(vals, value)
		return qnn.TensorID(len(small.Tensors) - 1)
	}
	m := *n
	m.Inputs = nil
	shift := 8 * len(operands)
	for i, id := range n.Inputs {
		t := g.Tensors[id]
		if !slices.Contains(operands, i) {
			t.Shape = qnn.Shape{1}
			m.Inputs = append(m.Inputs, add(t, nil))
			continue
		}
		shift -= 8
		t.Shape, t.Data = qnn.Shape{size}, nil
		all := make([]byte, size)
		for k := range all {
			all[k] = byte(k >> shift)
		}
		m.Inputs = append(m.Inputs, add(t, all))
	}
	y := g.Tensors[n.Outputs[0]]
	y.Shape = qnn.Shape{size}
	m.Outputs = []qnn.TensorID{add(y, make([]byte, size))}
	err := ref.Node(small, &m, vals)
	return vals[m.Outputs[0]], err
}
