package ref

import (
	"math"

	"qtune/qnn"
)

// window calls f for each output position of a pooling window over x with the
// input cells that it covers, as offsets of their first channel.
func window(x operand, y result, p qnn.Pool, f func(out int, cells []int)) {
	win, _, _, _ := p.Over(x.shape[1], x.shape[2]) // a valid graph: no error
	h, w, c := x.shape[1], x.shape[2], x.shape[3]
	each(y.shape[:3], func(k int, at []int) {
		var cells []int
		for ky := range win.KH {
			for kx := range win.KW {
				iy := at[1]*win.StrideH - win.PadTop + ky
				ix := at[2]*win.StrideW - win.PadLeft + kx
				if iy >= 0 && iy < h && ix >= 0 && ix < w {
					cells = append(cells, ((at[0]*h+iy)*w+ix)*c)
				}
			}
		}
		f(k*c, cells)
	})
}

func maxPool(x operand, y result, p qnn.Pool) {
	y = y.activation(p.Activation)
	window(x, y, p, func(out int, cells []int) {
		for c := range x.shape[3] {
			top := int32(math.MinInt32)
			for _, cell := range cells {
				top = max(top, x.v[cell+c])
			}
			y.set(out+c, top)
		}
	})
}

// averagePool divides by the number of cells inside the input and rounds half
// away from zero, which matters for the negative sums of int8.
func averagePool(x operand, y result, p qnn.Pool) {
	y = y.activation(p.Activation)
	window(x, y, p, func(out int, cells []int) {
		n := int32(len(cells))
		for c := range x.shape[3] {
			var sum int32
			for _, cell := range cells {
				sum += x.v[cell+c]
			}
			half := n / 2
			if sum < 0 {
				half = -half
			}
			y.set(out+c, (sum+half)/n)
		}
	})
}

// mean averages over the dimensions in reduced; overHW selects the kernel (see
// Graph.MeanOverHW).
func mean(x operand, y result, reduced []bool, overHW bool) {
	sums, n := reduce(x, reduced, 0, func(a, b int32) int32 { return a + b })
	finish := meanGeneral(x, y, n)
	if overHW {
		finish = meanOverHW(x, y, n)
	}
	for k, sum := range sums {
		y.set(k, finish(sum))
	}
}

// reduce combines, from start on, the elements of x along the dimensions in
// reduced. It returns the results and how many elements each is of.
func reduce(x operand, reduced []bool, start int32, combine func(a, b int32) int32) (results []int32, n int) {
	kept := make(qnn.Shape, len(x.shape)) // the output's shape before dimensions are dropped
	n = 1
	for i, d := range x.shape {
		if kept[i] = d; reduced[i] {
			kept[i] = 1
			n *= d
		}
	}
	results = make([]int32, kept.Elems())
	for i := range results {
		results[i] = start
	}
	st := strides(kept, x.shape)
	each(x.shape, func(k int, at []int) {
		r := &results[offset(at, st)]
		*r = combine(*r, x.v[k])
	})
	return results, n
}

// reduceOp is SUM, REDUCE_MAX or REDUCE_MIN.
func reduceOp(x operand, y result, reduced []bool, kind qnn.ReduceKind) {
	var results []int32
	switch kind {
	case qnn.ReduceMax:
		results, _ = reduce(x, reduced, math.MinInt32, func(a, b int32) int32 { return max(a, b) })
	case qnn.ReduceMin:
		results, _ = reduce(x, reduced, math.MaxInt32, func(a, b int32) int32 { return min(a, b) })
	case qnn.ReduceSum:
		sum(x, y, reduced)
		return
	}
	for k, v := range results {
		y.set(k, v)
	}
}

// sum adds the stored values where quantisations agree, and converts in float32
// where they do not. TensorFlow Lite keeps the low 8 bits of either.
func sum(x operand, y result, reduced []bool) {
	sums, n := reduce(x, reduced, 0, func(a, b int32) int32 { return a + b })
	if x.scale == y.scale && x.zero == y.zero {
		for k, s := range sums {
			y.out[k] = byte(s + y.shift)
		}
		return
	}
	scale := float32(x.scale / y.scale)
	bias := float32(float32(float32(-x.zero)*scale) * float32(n))
	for k, s := range sums {
		r := float32(float32(float32(s)*scale) + bias)
		y.out[k] = byte(qnn.RoundFloat(r) + y.zero + y.shift)
	}
}

// meanOverHW scales the sum once; the zero points make a rounded bias.
func meanOverHW(x operand, y result, n int) func(sum int32) int32 {
	m := qnn.QuantizeMultiplier(float64(float32(x.scale / float32(float32(n)*y.scale))))
	bias := qnn.MeanBias(x.scale, x.zero, y.scale, y.zero)
	return func(sum int32) int32 { return m.Scale(sum, qnn.Double) + bias }
}

// meanGeneral divides as C does where quantisations agree, and otherwise
// converts in float32.
func meanGeneral(x operand, y result, n int) func(sum int32) int32 {
	if x.scale == y.scale && x.zero == y.zero {
		return func(sum int32) int32 { return sum / int32(n) }
	}
	scale := float32(x.scale / y.scale)
	bias := float32(float32(-x.zero) * scale)
	return func(sum int32) int32 {
		average := float32(float32(sum) / float32(n))
		r := float32(float32(average*scale) + bias)
		return saturate(float64(qnn.RoundFloat(r))) + y.zero
	}
}
