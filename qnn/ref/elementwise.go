package ref

import (
	"math"

	"qtune/qnn"
)

// add: both operands are scaled to a common fixed-point scale with 20 bits of
// headroom, added, and scaled to the output.
func add(a, b operand, y result, act qnn.Activation) {
	y = y.activation(act)
	ma, mb, my := qnn.AddMultipliers(a.scale, b.scale, y.scale)
	sa, sb := strides(a.shape, y.shape), strides(b.shape, y.shape)
	each(y.shape, func(k int, at []int) {
		va := ma.Scale((a.v[offset(at, sa)]-a.zero)<<qnn.AddHeadroom, qnn.Double)
		vb := mb.Scale((b.v[offset(at, sb)]-b.zero)<<qnn.AddHeadroom, qnn.Double)
		y.set(k, my.Scale(va+vb, qnn.Double)+y.zero)
	})
}

// softmax over the last dimension, in float32; the sum runs in element order.
// zero is added to the results.
func softmax(x operand, y result, zero int32, beta float32) {
	var exp [256]float32 // of minus the distance from the maximum
	step := float32(-x.scale * beta)
	for i := range exp {
		exp[i] = Exp(float32(step * float32(i)))
	}
	depth := x.shape[len(x.shape)-1]
	for at := 0; at < len(x.v); at += depth {
		row := x.v[at : at+depth]
		top := row[0]
		for _, v := range row {
			top = max(top, v)
		}
		var sum float32
		for _, v := range row {
			sum = float32(sum + exp[top-v])
		}
		inverse := float32(1 / float32(sum*y.scale))
		for k, v := range row {
			p := float32(exp[top-v] * inverse)
			y.set(at+k, saturate(math.Floor(float64(float32(p+0.5))))+zero)
		}
	}
}

// saturate converts to a value that is beyond the range of 8 bits, and of int16, if
// r is, also after a zero point is added.
func saturate(r float64) int32 { return int32(min(max(r, -1<<17), 1<<17)) }
