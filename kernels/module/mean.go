package module

import (
	"qtune/kernels"
	"qtune/kernels/pack"
	"qtune/qnn"
)

// meanOperator is MEAN over dimensions that follow each other, such as height
// and width.
func meanOperator(m *Module, n *qnn.Node) (o operator, ok bool, err error) {
	x, y := m.graph.Input(n, 0), m.graph.Output(n, 0)
	if x.Type != qnn.Uint8 || y.Type != qnn.Uint8 {
		return o, false, nil
	}
	reduced, err := m.graph.ReducedAxes(n)
	if err != nil {
		return o, false, err
	}
	outer, count, inner := 1, 1, 1
	for d, extent := range x.Shape {
		switch {
		case reduced[d] && inner == 1:
			count *= extent
		case reduced[d] && extent > 1:
			return o, false, nil
		case count == 1:
			outer *= extent
		default:
			inner *= extent
		}
	}
	mean := &pack.Mean{
		Scales: [2]float32{x.Quant.Scale[0], y.Quant.Scale[0]}, Zeros: [2]int32{x.Quant.Zero[0], y.Quant.Zero[0]},
		Count: count, Scaled: m.graph.MeanOverHW(n), FromInt8: n.FromInt8,
	}
	if mean.Check() != nil {
		return o, false, nil
	}
	isImage := len(x.Shape) == 4 && outer == x.Shape[0] && inner == x.Shape[3]
	bind := func(mem *memory, threads int) ([][]kernels.Part, error) {
		in := mem.viewAs(n.Inputs[0], outer, 1, count, inner)
		h, w := 1, count
		if isImage {
			in, h, w = mem.view(n.Inputs[0]), x.Shape[1], x.Shape[2]
		}
		return m.shared.operators.Mean(mean, outer, h, w, inner, in, mem.bytes(n.Outputs[0]), threads)
	}
	o = operator{bind: bind}
	if isImage {
		o.reads = anyGaps
	}
	return o, true, nil
}
