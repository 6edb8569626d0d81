package module

import (
	"qtune/qnn"
	"qtune/qnn/ref"
)

// tabulate computes n for every combination of its input bytes, of which there
// are size: the last input is the fastest to change.
func tabulate(g *qnn.Graph, n *qnn.Node, size int) ([]byte, error) {
	small := &qnn.Graph{}
	vals := ref.Values{}
	operand := func(id qnn.TensorID) qnn.TensorID {
		t := g.Tensors[id]
		t.Shape, t.Data = qnn.Shape{size}, nil
		small.Tensors = append(small.Tensors, t)
		vals = append(vals, make([]byte, size))
		return qnn.TensorID(len(small.Tensors) - 1)
	}
	m := *n
	m.Inputs, m.Outputs = nil, nil
	for i, id := range n.Inputs {
		m.Inputs = append(m.Inputs, operand(id))
		shift := 8 * (len(n.Inputs) - 1 - i)
		for k := range size {
			vals[i][k] = byte(k >> shift)
		}
	}
	m.Outputs = append(m.Outputs, operand(n.Outputs[0]))
	err := ref.Node(small, &m, vals)
	return vals[m.Outputs[0]], err
}
