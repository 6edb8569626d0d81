package module

import (
	"qtune/kernels"
	"qtune/qnn"
)

// bindSubpixel computes a transposed convolution: a convolution into memory of
// its own, and moves from there.
func (s *step) bindSubpixel(mem *memory, threads int) ([][]kernels.Part, error) {
	l, p := s.layer, s.subpixel
	shape := mem.graph.Tensors[s.node.Inputs[s.data]].Shape
	in := mem.viewAs(s.node.Inputs[s.data], shape[0], shape[1], shape[2], shape[3])
	made := kernels.NewView(l.N, l.OH, l.OW, l.OC, kernels.Halo{}, 0)
	b, err := s.code.exec.Bind(s.packed, in, made, threads)
	if err != nil {
		return nil, err
	}
	y := s.node.Outputs[0]
	var parts []kernels.Part
	for phase := range p.StrideH * p.StrideW {
		more, err := s.operators.Move(p.moves(phase, mem.graph.Tensors[y].Shape), made.Data, mem.bytes(y), threads)
		if err != nil {
			return nil, err
		}
		parts = append(parts, more...)
	}
	return append(b.Phases(), parts), nil
}

// subpixel is how the results of a convolution become those of a transposed one.
type subpixel struct{ qnn.Subpixel }

// moves returns what becomes of the channels of one of the neighbours.
func (p subpixel) moves(phase int, out qnn.Shape) kernels.Moves {
	c, made := out[3], p.Conv
	py, px := phase/p.StrideW, phase%p.StrideW
	y, oy, rows := neighbours(out[1], p.StrideH, py-p.Top)
	x, ox, cols := neighbours(out[2], p.StrideW, px-p.Left)
	return kernels.Moves{
		Shape: []int{made.N, rows, cols},
		In:    []int{made.OH * made.OW * made.OC, made.OW * made.OC, made.OC},
		Out:   []int{out[1] * out[2] * c, p.StrideH * out[2] * c, p.StrideW * c},
		InAt:  (y*made.OW+x)*made.OC + phase*c,
		OutAt: (oy*out[2] + ox) * c,
		Run:   c,
	}
}

// neighbours returns which of the cells stride*i + at lie in 0..n-1: the first i,
// where it is, and how many.
func neighbours(n, stride, at int) (first, cell, count int) {
	if at < 0 {
		first = (stride - 1 - at) / stride
	}
	cell = first*stride + at
	return first, cell, max(0, (n-1-cell+stride)/stride)
}
