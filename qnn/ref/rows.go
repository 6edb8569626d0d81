package ref

import (
	"encoding/binary"

	"qtune/qnn"
)

// argMax writes the index of the first maximum along an axis, as int32 or int64.
func argMax(x operand, axis int, out []byte, size int) {
	inner := x.shape[axis+1:].Elems()
	depth := x.shape[axis]
	for k := range len(x.v) / depth {
		first := k/inner*depth*inner + k%inner
		best := 0
		for i := range depth {
			if x.v[first+i*inner] > x.v[first+best*inner] {
				best = i
			}
		}
		if size == 8 {
			binary.LittleEndian.PutUint64(out[8*k:], uint64(best))
		} else {
			binary.LittleEndian.PutUint32(out[4*k:], uint32(best))
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
