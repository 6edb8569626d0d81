package qnn

import "math/bits"

// InverseSqrt is 1/sqrt(n) after five steps of Newton's method in fixed point
// with 3 integer bits (GetInvSqrtQuantizedMultiplierExp).
func InverseSqrt(n int32) Multiplier {
	if n <= 1 {
		return Multiplier{M: 1<<31 - 1}
	}
	shift := int32(11)
	for n >= 1<<29 {
		n /= 4
		shift++
	}
	pairs := (bits.LeadingZeros32(uint32(n))-1)/2 - 1
	shift -= int32(pairs)
	n <<= 2 * pairs
	times := func(a, b int32) int32 { return Multiplier{M: b}.Scale(a, Double) }
	input := n >> 1
	half := (input + 1) >> 1 // positive: rounds half up
	x := int32(1 << 28)      // 1
	for range 5 {
		cube := saturatingShift(times(times(x, x), x), 6) // 9 integer bits to 3
		x = saturatingShift(times(1<<28+1<<27, x)-times(half, cube), 3)
	}
	x = times(x, 1518500250) // sqrt(2)/2
	if shift < 0 {
		x, shift = x<<-shift, 0
	}
	return Multiplier{M: x, Exp: -shift}
}

// saturatingShift multiplies by 2^n.
func saturatingShift(v int32, n int) int32 {
	return int32(min(max(int64(v)<<n, -1<<31), 1<<31-1))
}
