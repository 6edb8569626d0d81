package ref

import (
	"encoding/binary"
	"math"

	"qtune/qnn"
)

// argBest writes the index of the first maximum, or minimum, along an axis, as
// int32 or int64. Adding 128 to all elements changes no order, so that it needs
// no notice of legalisation. A NaN is neither more nor less than another element.
func argBest(g *qnn.Graph, n *qnn.Node, vals Values, out []byte, greatest bool) error {
	x, y := g.Input(n, 0), g.Output(n, 0)
	axis, err := g.Axis(n, 1, len(x.Shape))
	if err != nil {
		return err
	}
	data := vals.Of(g, n.Inputs[0])
	less := func(i, j int) bool { return decode(x.Type, data, i) < decode(x.Type, data, j) }
	if x.Type == qnn.Float32 {
		less = func(i, j int) bool { return float(data, i) < float(data, j) }
	}
	inner, depth := x.Shape[axis+1:].Elems(), x.Shape[axis]
	for k := range x.Shape.Elems() / depth {
		first, best := k/inner*depth*inner+k%inner, 0
		for i := range depth {
			a, b := first+i*inner, first+best*inner
			if greatest {
				a, b = b, a
			}
			if less(a, b) {
				best = i
			}
		}
		if y.Type == qnn.Int64 {
			binary.LittleEndian.PutUint64(out[8*k:], uint64(best))
		} else {
			binary.LittleEndian.PutUint32(out[4*k:], uint32(best))
		}
	}
	return nil
}

// l2normFloats divides rows by their length, or by a millionth if they are
// shorter.
func l2normFloats(data, out []byte, depth int) {
	for at := 0; at < len(data)/4; at += depth {
		var sum float32
		for k := at; k < at+depth; k++ {
			v := float(data, k)
			sum = float32(sum + float32(v*v))
		}
		length := larger(float32(math.Sqrt(float64(sum))), 1e-6)
		for k := at; k < at+depth; k++ {
			putFloat(out, k, float32(float(data, k)/length))
		}
	}
}

// l2norm divides rows by their length; the output is in 1/128.
func l2norm(x operand, y result) {
	depth := x.shape[len(x.shape)-1]
	for at := 0; at < len(x.v); at += depth {
		var sum int32
		for _, v := range x.v[at : at+depth] {
			sum += (v - x.zero) * (v - x.zero)
		}
		m := qnn.InverseSqrt(sum)
		if y.lo < 0 { // int8: the factor 128 is part of the multiplier
			m.Exp += 7
		}
		for k, v := range x.v[at : at+depth] {
			v -= x.zero
			if y.lo == 0 {
				v *= 128
			}
			y.set(at+k, m.Scale(v, qnn.Double)+y.zero)
		}
	}
}

// transposeConv adds each input cell, times the weights, to the cells of the
// output under its window.
func transposeConv(l *qnn.Layer, in, out []byte) {
	w := widenWeights(l)
	acc := make([]int32, l.N*l.OH*l.OW*l.OC)
	for k := range acc {
		acc[k] = l.Bias[k%l.OC]
	}
	cells := qnn.Shape{l.N, l.H, l.W, l.KH, l.KW}
	row := make([]int32, l.C)
	each(cells, func(_ int, at []int) {
		oy, ox := at[1]*l.StrideH-l.PadTop+at[3], at[2]*l.StrideW-l.PadLeft+at[4]
		if oy < 0 || oy >= l.OH || ox < 0 || ox >= l.OW {
			return
		}
		for c, b := range in[((at[0]*l.H+at[1])*l.W+at[2])*l.C:][:l.C] {
			row[c] = int32(b) - l.InputZero
			if l.Signed {
				row[c] = int32(int8(b)) - l.InputZero
			}
		}
		for o, to := range acc[((at[0]*l.OH+oy)*l.OW+ox)*l.OC:][:l.OC] {
			weights := w[((o*l.KH+at[3])*l.KW+at[4])*l.C:][:l.C]
			acc[((at[0]*l.OH+oy)*l.OW+ox)*l.OC+o] = to + dot(row, weights)
		}
	})
	for k, a := range acc {
		out[k] = byte(l.Requant.Apply(a, k%l.OC))
	}
}
