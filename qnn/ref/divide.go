package ref

import (
	"math"
	"math/bits"

	"qtune/qnn"
)

// div multiplies with a fixed-point reciprocal (Newton's method) of the divisor,
// as TensorFlow Lite's DivElementwise does. It does not expect a divisor of 0;
// what comes out then is what the same steps give.
func div(a, b operand, y result, act qnn.Activation) {
	y = y.activation(act)
	m := qnn.QuantizeMultiplier(float64(float32(a.scale / float32(b.scale*y.scale))))
	sa, sb := strides(a.shape, y.shape), strides(b.shape, y.shape)
	each(y.shape, func(k int, at []int) {
		x1, x2 := a.v[offset(at, sa)]-a.zero, b.v[offset(at, sb)]-b.zero
		if x2 < 0 {
			x1, x2 = -x1, -x2
		}
		inverse, over := reciprocal(x2)
		headroom := int32(bits.LeadingZeros32(uint32(max(x1, ^x1)))) - 1
		quotient := qnn.HighMul(x1<<headroom, inverse)
		shift := m.Exp - over - headroom
		y.set(k, saturate(float64(shiftAsBuilt(qnn.HighMul(quotient, m.M), -shift)))+y.zero)
	})
}

// shiftAsBuilt is qnn.RoundingShift for any n. Beyond 31, where quotients are
// less than 1/2, TensorFlow Lite's code is undefined; this is what it does on the
// processors that it is built for, whose shifts look at 5 bits of n.
func shiftAsBuilt(x, n int32) int32 {
	mask := int32(int64(1)<<(n&63) - 1)
	threshold := mask >> 1
	if x < 0 {
		threshold++
	}
	y := x >> (n & 31)
	if x&mask > threshold {
		y++
	}
	return y
}

// reciprocal returns 1/x as a fraction of 2^31, and how many bits x has above
// one.
func reciprocal(x int32) (inverse, over int32) {
	up := int32(bits.LeadingZeros32(uint32(x)))
	fraction := int32(uint32(x)<<up - 1<<31)
	return oneOverOnePlus(fraction), 31 - up
}

// oneOverOnePlus is gemmlowp's one_over_one_plus_x_for_x_in_0_1: fixed point
// with 31 bits of fraction in and out, 29 in between.
func oneOverOnePlus(a int32) int32 {
	half := int32((int64(a) + math.MaxInt32 + 1) / 2) // (1 + a) / 2
	const by17, one = 1515870810, 1 << 29             // 48/17; 1
	x := int32(by17 + qnn.HighMul(half, -1010580540)) // -32/17
	for range 3 {
		rest := one - qnn.HighMul(half, x)
		x += saturatingShift(qnn.HighMul(x, rest), 2)
	}
	return saturatingShift(x, 1)
}

func saturatingShift(x int32, n int) int32 {
	return int32(min(max(int64(x)<<n, math.MinInt32), math.MaxInt32))
}
