package ref

import (
	"math"

	"qtune/qnn"
)

// curve computes f of the real value, in float32, and quantises the result.
func curve(x operand, y result, f func(float32) float32) {
	inverse := float32(1 / y.scale)
	for k, v := range x.v {
		t := f(float32(x.scale * float32(v-x.zero)))
		y.set(k, saturate(float64(qnn.RoundFloat(float32(t*inverse))))+y.zero)
	}
}

func logistic(r float32) float32 { return float32(1 / float32(1+Exp(-r))) }

func elu(r float32) float32 {
	if r < 0 {
		return float32(math.Expm1(float64(r)))
	}
	return r
}

// hardSwish computes x * relu6(x+3)/6 in 16-bit fixed point.
func hardSwish(x operand, y result) {
	h := qnn.ResolveHardSwish(x.scale, y.scale)
	for k, v := range x.v {
		fine := int16((v - x.zero) << 7)
		out := highMul16(fine, int16(h.Output.M), true)
		gate := fine // in [-1, 1], where 3 is 1
		if h.Reluish.Exp > 0 {
			gate = shiftLeft16(gate, h.Reluish.Exp-1)
		}
		gate = highMul16(gate, int16(h.Reluish.M), true)
		if h.Reluish.Exp > 0 {
			gate = shiftLeft16(gate, 1)
		} else {
			gate = shiftRight16(gate, -h.Reluish.Exp)
		}
		gate = int16((int32(gate) + 1<<15) >> 1) // in [0, 1]
		out = highMul16(gate, out, false)
		y.set(k, int32(shiftRight16(out, -h.Output.Exp))+y.zero)
	}
}

// highMul16 is the high half of 2ab, rounded or truncated toward zero.
func highMul16(a, b int16, round bool) int16 {
	ab := int32(a) * int32(b)
	if a == math.MinInt16 && b == math.MinInt16 {
		return math.MaxInt16
	}
	switch {
	case round && ab >= 0:
		ab += 1 << 14
	case round:
		ab += 1 - 1<<14
	}
	return int16(ab / (1 << 15))
}

func shiftLeft16(v int16, n int32) int16 {
	return int16(min(max(int64(v)<<n, math.MinInt16), math.MaxInt16))
}

// shiftRight16 divides by 2^n, ties away from zero.
func shiftRight16(v int16, n int32) int16 {
	if n > 16 {
		return 0
	}
	half := int32(1) << n >> 1
	if v < 0 {
		return int16(-((int32(-int32(v)) + half) >> n))
	}
	return int16((int32(v) + half) >> n)
}
