package module

import (
	"qtune/kernels"
	"qtune/kernels/pack"
	"qtune/qnn"
)

// pairParts makes the parts of an operator of two tensors of bytes over rows.
type pairParts func(o *kernels.Operators, r kernels.Rows, a, b, out []byte, threads int) ([]kernels.Part, error)

// pairOperator is an operator that makes each byte of the two at its place:
// by the program that fits, otherwise by a table of all results.
func pairOperator(m *Module, n *qnn.Node) (o operator, ok bool, err error) {
	a, b, y := n.Inputs[0], n.Inputs[1], n.Outputs[0]
	if !m.over(n, qnn.Uint8) {
		return o, false, nil
	}
	if x, scalar := m.scalarOperand(n); scalar {
		return m.lookupOf(n, x)
	}
	shape, ok := shape4(m.graph.Tensors[y].Shape)
	if !ok || !canSpan(&m.graph.Tensors[a], shape) || !canSpan(&m.graph.Tensors[b], shape) {
		return o, false, nil
	}
	parts, err := m.pairParts(n)
	if err != nil {
		return o, false, err
	}
	return spanOperator(func(mem *memory, threads int) ([]kernels.Part, error) {
		cb := mem.cellsOf(b, shape)
		var all []kernels.Part
		for _, s := range spans(shape, mem.cellsOf(y, shape), mem.cellsOf(a, shape), &cb) {
			more, err := parts(m.shared.operators, s.Rows, mem.bytes(a)[s.in:], mem.bytes(b)[s.in2:], mem.bytes(y)[s.out:], threads)
			if err != nil {
				return nil, err
			}
			all = append(all, more...)
		}
		return all, nil
	}), true, nil
}

// scalarOperand returns which operand of n is not constant, if the other is a
// constant of one element.
func (m *Module) scalarOperand(n *qnn.Node) (x int, ok bool) {
	for i := range 2 {
		if t := m.graph.Input(n, 1-i); t.IsConst() && t.Shape.Elems() == 1 &&
			m.graph.Input(n, i).Shape.Equal(m.graph.Output(n, 0).Shape) {
			return i, true
		}
	}
	return 0, false
}

// pairParts chooses the program of n.
func (m *Module) pairParts(n *qnn.Node) (pairParts, error) {
	switch n.Op.(type) {
	case qnn.Add, qnn.Sub:
		sum := m.sumOf(n)
		if w := sum.Fit(sum.Table()); w != nil {
			return sumParts(w), nil
		}
	case qnn.Mul:
		s := m.sumOf(n)
		mul := &pack.Mul{Scales: s.Scales, Zeros: s.Zeros, Lo: s.Lo, Hi: s.Hi, FromInt8: n.FromInt8}
		return func(o *kernels.Operators, r kernels.Rows, a, b, out []byte, threads int) ([]kernels.Part, error) {
			return o.Mul(mul, r, a, b, out, threads)
		}, nil
	case qnn.PRelu:
		s := m.sumOf(n)
		prelu := &pack.PRelu{Scales: s.Scales, Zeros: s.Zeros, FromInt8: n.FromInt8}
		return func(o *kernels.Operators, r kernels.Rows, a, b, out []byte, threads int) ([]kernels.Part, error) {
			return o.PRelu(prelu, r, a, b, out, threads)
		}, nil
	case qnn.Maximum:
		return (*kernels.Operators).Maximum, nil
	case qnn.Minimum:
		return (*kernels.Operators).Minimum, nil
	}
	table, err := tabulate(m.graph, n, 0, 1)
	if err != nil {
		return nil, err
	}
	return tableParts((*[1 << 16]byte)(table)), nil
}

func sumParts(w *pack.WeightedSum) pairParts {
	return func(o *kernels.Operators, r kernels.Rows, a, b, out []byte, threads int) ([]kernels.Part, error) {
		return o.Sum(w, r, a, b, out, threads)
	}
}

func tableParts(table *[1 << 16]byte) pairParts {
	return func(o *kernels.Operators, r kernels.Rows, a, b, out []byte, threads int) ([]kernels.Part, error) {
		return o.Pairs(table, r, a, b, out, threads)
	}
}

// sumOf returns the scales, zero points and limits of an operator of two
// tensors.
func (m *Module) sumOf(n *qnn.Node) *pack.Sum {
	s := &pack.Sum{FromInt8: n.FromInt8}
	_, s.Minus = n.Op.(qnn.Sub)
	for i, t := range []*qnn.Tensor{m.graph.Input(n, 0), m.graph.Input(n, 1), m.graph.Output(n, 0)} {
		s.Scales[i], s.Zeros[i] = t.Quant.Scale[0], t.Quant.Zero[0]
	}
	s.Lo, s.Hi = qnn.ActivationRange(qnn.FusedActivation(n.Op), m.graph.Output(n, 0))
	return s
}
