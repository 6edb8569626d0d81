package ref

import "qtune/qnn"

// pad surrounds x with cells that hold value.
func pad(x operand, y result, cells [][2]int, value int32) {
	for k := range y.out {
		y.set(k, value)
	}
	st := strides(y.shape, y.shape)
	first := 0
	for i, c := range cells {
		first += c[0] * st[i]
	}
	each(x.shape, func(k int, at []int) {
		y.set(first+offset(at, st), x.v[k])
	})
}

// mirrorPad surrounds x with its own reflection, which repeats the border cell
// where symmetric.
func mirrorPad(out, x []byte, size int, from, to qnn.Shape, cells [][2]int, symmetric bool) {
	st, border := steps(from), 1
	if symmetric {
		border = 0
	}
	each(to, func(k int, at []int) {
		cell := 0
		for i, a := range at {
			a -= cells[i][0]
			if a < 0 {
				a = border - 1 - a
			}
			if d := from[i]; a >= d {
				a = 2*d - 1 - border - a
			}
			cell += a * st[i]
		}
		copy(out[k*size:(k+1)*size], x[cell*size:])
	})
}

// concat joins the inputs along an axis. One whose quantisation differs from
// the output's is converted in float32.
func concat(g *qnn.Graph, n *qnn.Node, vals Values, y result, axis int) {
	if axis < 0 {
		axis += len(y.shape)
	}
	inner := qnn.Shape(y.shape[axis+1:]).Elems()
	row, first := y.shape[axis]*inner, 0
	for i := range n.Inputs {
		x := newOperand(g, n, vals, i)
		convert := concatConversion(x, y)
		part := x.shape[axis] * inner
		for k, v := range x.v {
			y.set(k/part*row+first+k%part, convert(v))
		}
		first += part
	}
}

// concatConversion returns how values of x become values of y. TensorFlow Lite
// refuses int8 inputs whose quantisation differs; here they follow uint8's rule.
func concatConversion(x operand, y result) func(int32) int32 {
	if x.scale == y.scale && x.zero == y.zero {
		return func(v int32) int32 { return v }
	}
	scale := float32(x.scale * float32(1/y.scale))
	bias := float32(float32(-x.zero) * scale)
	return func(v int32) int32 {
		r := float32(float32(float32(v)*scale) + bias)
		return saturate(float64(qnn.RoundFloat(r))) + y.zero
	}
}
