package module

import (
	"qtune/kernels"
	"qtune/kernels/pack"
	"qtune/qnn"
)

// rowsOf sees a tensor as rows of its last dimension.
func rowsOf(t *qnn.Tensor) (count, length int) {
	length = 1
	if n := len(t.Shape); n > 0 {
		length = t.Shape[n-1]
	}
	return t.Shape.Elems() / length, length
}

// softmaxOperator is SOFTMAX.
func softmaxOperator(m *Module, n *qnn.Node) (o operator, ok bool, err error) {
	if !m.over(n, qnn.Uint8) {
		return o, false, nil
	}
	x, y := m.graph.Input(n, 0), m.graph.Output(n, 0)
	s := &pack.Softmax{Scale: x.Quant.Scale[0], Beta: n.Op.(qnn.Softmax).Beta, OutScale: y.Quant.Scale[0], OutZero: qnn.SoftmaxZero(n, y)}
	if s.Check() != nil {
		return o, false, nil
	}
	count, length := rowsOf(x)
	rows := kernels.Rows{Count: count, Bytes: length, In: length, Out: length}
	return operator{bind: func(mem *memory, threads int) ([][]kernels.Part, error) {
		parts, err := m.shared.operators.Softmax(s, rows, mem.bytes(n.Inputs[0]), mem.bytes(n.Outputs[0]), threads)
		return [][]kernels.Part{parts}, err
	}}, true, nil
}

// l2normOperator is L2_NORMALIZATION.
func l2normOperator(m *Module, n *qnn.Node) (o operator, ok bool, err error) {
	if !m.over(n, qnn.Uint8) {
		return o, false, nil
	}
	x := m.graph.Input(n, 0)
	l := &pack.L2Norm{Zero: x.Quant.Zero[0], FromInt8: n.FromInt8}
	count, length := rowsOf(x)
	rows := kernels.Rows{Count: count, Bytes: length, In: length, Out: length}
	return operator{bind: func(mem *memory, threads int) ([][]kernels.Part, error) {
		parts, err := m.shared.operators.L2Norm(l, rows, mem.bytes(n.Inputs[0]), mem.bytes(n.Outputs[0]), threads)
		return [][]kernels.Part{parts}, err
	}}, true, nil
}

// argMaxOperator is ARG_MAX over the last dimension.
func argMaxOperator(m *Module, n *qnn.Node) (o operator, ok bool, err error) {
	x, y := m.graph.Input(n, 0), m.graph.Output(n, 0)
	axis, err := m.graph.Axis(n, 1, len(x.Shape))
	if err != nil || x.Type != qnn.Uint8 || axis != len(x.Shape)-1 {
		return o, false, err
	}
	count, length := rowsOf(x)
	return operator{bind: func(mem *memory, threads int) ([][]kernels.Part, error) {
		in := mem.viewAs(n.Inputs[0], 1, 1, count, length)
		parts, err := m.shared.operators.ArgMax(1, 1, count, length, in, mem.bytes(n.Outputs[0]), y.Type.Size(), threads)
		return [][]kernels.Part{parts}, err
	}}, true, nil
}

// bilinearOperator is RESIZE_BILINEAR.
func bilinearOperator(m *Module, n *qnn.Node) (o operator, ok bool, err error) {
	x, y := m.graph.Input(n, 0), m.graph.Output(n, 0)
	if x.Type != qnn.Uint8 || y.Type != qnn.Uint8 {
		return o, false, nil
	}
	in, out := x.Shape, y.Shape
	a := kernels.ResizeArea{N: in[0], H: in[1], W: in[2], C: in[3], OH: out[1], OW: out[2], Resize: n.Op.(qnn.ResizeBilinear).Resize}
	return spanOperator(func(mem *memory, threads int) ([]kernels.Part, error) {
		return m.shared.operators.ResizeBilinear(a, n.FromInt8, mem.view(n.Inputs[0]), mem.view(n.Outputs[0]), threads)
	}), true, nil
}
