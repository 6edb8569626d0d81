package qnn

import "math"

// A Multiplier is a non-negative real number M * 2^(Exp-31), M in [2^30, 2^31)
// or zero, by which an accumulator is scaled.
type Multiplier struct {
	M   int32
	Exp int32 // in [-31, 30]; positive means a multiplier >= 1
}

// QuantizeMultiplier is TensorFlow Lite's function of the same name
// (tensorflow/lite/kernels/internal/quantization_util.cc). It requires d >= 0;
// beyond the greatest Multiplier, also for +Inf, it returns that.
func QuantizeMultiplier(d float64) Multiplier {
	if d == 0 {
		return Multiplier{}
	}
	frac, exp := math.Frexp(min(d, 1<<31))
	m := int64(math.Round(frac * (1 << 31)))
	if m == 1<<31 {
		m /= 2
		exp++
	}
	if exp < -31 {
		return Multiplier{}
	}
	if exp > 30 { // as TensorFlow Lite does: the largest number that it can express
		return Multiplier{M: math.MaxInt32, Exp: 30}
	}
	return Multiplier{M: int32(m), Exp: int32(exp)}
}

// Scale multiplies x by m under rounding rule r.
func (m Multiplier) Scale(x int32, r Rounding) int32 {
	if r == Single {
		return m.scaleSingle(x)
	}
	return m.scaleDouble(x)
}

func (m Multiplier) scaleSingle(x int32) int32 {
	shift := 31 - m.Exp
	return int32((int64(x)*int64(m.M) + int64(1)<<(shift-1)) >> shift)
}

func (m Multiplier) scaleDouble(x int32) int32 {
	left, right := max(m.Exp, 0), max(-m.Exp, 0)
	return RoundingShift(HighMul(x<<left, m.M), right)
}

// HighMul is SQRDMULH: the high half of 2ab, rounded.
func HighMul(a, b int32) int32 {
	if a == math.MinInt32 && b == math.MinInt32 {
		return math.MaxInt32
	}
	ab := int64(a) * int64(b)
	nudge := int64(1 << 30)
	if ab < 0 {
		nudge = 1 - nudge
	}
	return int32((ab + nudge) / (1 << 31))
}

// RoundingShift divides by 2^n, ties away from zero.
func RoundingShift(x, n int32) int32 {
	mask := int32(int64(1)<<n - 1)
	threshold := mask >> 1
	if x < 0 {
		threshold++
	}
	y := x >> n
	if x&mask > threshold {
		y++
	}
	return y
}
