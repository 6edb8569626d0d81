package module

import (
	"qtune/qnn"
	"qtune/qnn/ref"
)

// A table is an operator that makes each output byte of one or two input bytes
// at the same place, written out: ADD without broadcasting, and QUANTIZE from
// 8 bits to 8 bits. The reference interpreter fills it, so it is exact.
type table struct {
	one *[1 << 8]byte
	two *[1 << 16]byte // at first<<8 | second
}

// newTable returns the table of n, nil where n is no such operator.
func newTable(g *qnn.Graph, n *qnn.Node) (*table, error) {
	y := g.Output(n, 0)
	for i := range n.Inputs {
		if x := g.Input(n, i); x == nil || !x.Type.Is8Bit() || !y.Type.Is8Bit() || !x.Shape.Equal(y.Shape) {
			return nil, nil
		}
	}
	switch n.Op.(type) {
	case qnn.Quantize:
		all, err := tabulate(g, n, 1<<8)
		if err != nil {
			return nil, err
		}
		return &table{one: (*[1 << 8]byte)(all)}, nil
	case qnn.Add:
		all, err := tabulate(g, n, 1<<16)
		if err != nil {
			return nil, err
		}
		return &table{two: (*[1 << 16]byte)(all)}, nil
	}
	return nil, nil
}

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

// apply computes n of g with the table.
func (t *table) apply(g *qnn.Graph, n *qnn.Node, vals ref.Values) {
	out, a := vals[n.Outputs[0]], vals.Of(g, n.Inputs[0])
	if t.one != nil {
		for i, v := range a[:len(out)] {
			out[i] = t.one[v]
		}
		return
	}
	b := vals.Of(g, n.Inputs[1])[:len(out)]
	for i, v := range a[:len(out)] {
		out[i] = t.two[uint16(v)<<8|uint16(b[i])]
	}
}
