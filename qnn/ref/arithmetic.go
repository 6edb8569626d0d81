package ref

import "qtune/qnn"

// sub is add with the second operand's sign turned.
func sub(a, b operand, y result, act qnn.Activation) {
	y = y.activation(act)
	ma, mb, my := qnn.AddMultipliers(a.scale, b.scale, y.scale)
	pairs(a, b, y, func(va, vb int32) int32 {
		va = ma.Scale((va-a.zero)<<qnn.AddHeadroom, qnn.Double)
		vb = mb.Scale((vb-b.zero)<<qnn.AddHeadroom, qnn.Double)
		return my.Scale(va-vb, qnn.Double) + y.zero
	})
}

func mul(a, b operand, y result, act qnn.Activation) {
	y = y.activation(act)
	m := qnn.QuantizeMultiplier(float64(float32(float32(a.scale*b.scale) / y.scale)))
	pairs(a, b, y, func(va, vb int32) int32 {
		return m.Scale((va-a.zero)*(vb-b.zero), qnn.Double) + y.zero
	})
}

// pairs sets each element of y to f of the elements of a and b that are
// broadcast to its place.
func pairs(a, b operand, y result, f func(a, b int32) int32) {
	sa, sb := strides(a.shape, y.shape), strides(b.shape, y.shape)
	each(y.shape, func(k int, at []int) {
		y.set(k, f(a.v[offset(at, sa)], b.v[offset(at, sb)]))
	})
}

// clampTo is RELU, RELU_N1_TO_1 and RELU6: requantised, then clamped.
func clampTo(x operand, y result, act qnn.Activation) {
	y = y.activation(act)
	m := qnn.QuantizeMultiplier(float64(float32(x.scale / y.scale)))
	for k, v := range x.v {
		y.set(k, m.Scale(v-x.zero, qnn.Double)+y.zero)
	}
}

// leakyRelu scales values below zero by alpha as well.
func leakyRelu(x operand, y result, alpha float32) {
	plain := qnn.QuantizeMultiplier(float64(float32(x.scale / y.scale)))
	steep := qnn.QuantizeMultiplier(float64(float32(float32(x.scale*alpha) / y.scale)))
	for k, v := range x.v {
		m := plain
		if v < x.zero {
			m = steep
		}
		y.set(k, m.Scale(v-x.zero, qnn.Double)+y.zero)
	}
}

// prelu is leakyRelu with a slope for each element.
func prelu(x, alpha operand, y result) {
	plain := qnn.QuantizeMultiplier(float64(float32(x.scale / y.scale)))
	steep := qnn.QuantizeMultiplier(float64(float32(float32(x.scale*alpha.scale) / y.scale)))
	pairs(x, alpha, y, func(v, a int32) int32 {
		if v >= x.zero {
			return plain.Scale(v-x.zero, qnn.Double) + y.zero
		}
		return steep.Scale((v-x.zero)*(a-alpha.zero), qnn.Double) + y.zero
	})
}
