package module

import (
	"qtune/kernels"
	"qtune/qnn"
)

// quantizeOperator is QUANTIZE, from 8 bits by a table, or from float32.
func quantizeOperator(m *Module, n *qnn.Node) (o operator, ok bool, err error) {
	x, y := m.graph.Input(n, 0), m.graph.Output(n, 0)
	if x.Type != qnn.Float32 || y.Type != qnn.Uint8 {
		return lookupOperator(m, n)
	}
	scale, zero := y.Quant.Scale[0], y.Quant.Zero[0]
	return operator{bind: func(mem *memory, threads int) ([][]kernels.Part, error) {
		rows := kernels.OneRow(y.Shape.Elems())
		parts, err := m.shared.operators.Quantize(scale, zero, rows, mem.bytes(n.Inputs[0]), mem.bytes(n.Outputs[0]), threads)
		return [][]kernels.Part{parts}, err
	}}, true, nil
}

// dequantizeOperator is DEQUANTIZE of bytes.
func dequantizeOperator(m *Module, n *qnn.Node) (o operator, ok bool, err error) {
	x, y := m.graph.Input(n, 0), m.graph.Output(n, 0)
	if x.Type != qnn.Uint8 || y.Type != qnn.Float32 {
		return o, false, nil
	}
	scale, zero := x.Quant.Scale[0], x.Quant.Zero[0]
	return operator{bind: func(mem *memory, threads int) ([][]kernels.Part, error) {
		rows := kernels.OneRow(y.Shape.Elems())
		parts, err := m.shared.operators.Dequantize(scale, zero, rows, mem.bytes(n.Inputs[0]), mem.bytes(n.Outputs[0]), threads)
		return [][]kernels.Part{parts}, err
	}}, true, nil
}
