package qnn

import "math"

// A FloatForm computes outputs from accumulators in single precision, with one
// rounding of the product and sum:
//
//	y = trunc(float32(a)*Scale + Offset), clamped to Lo..Hi
//
// It is exact for all int32 a.
type FloatForm struct{ Scale, Offset float32 }

// FloatForm returns the float form of output channel oc, if it has one.
//
// Outputs change at most Hi-Lo times, at accumulators that are known, and both
// the definition and the float form never fall as the accumulator grows: so they
// agree everywhere if they agree on both sides of each step. Whether single
// precision can do that is a matter of luck: nine in ten multipliers down to 2^-8
// have a float form, half of them at 2^-12.
func (r *Requantise) FloatForm(oc int) (FloatForm, bool) {
	m := r.Multiplier(oc)
	k, n, ok := r.addend(oc)
	if !ok || m.M == 0 || m.Exp < -16 {
		return FloatForm{}, false
	}
	var room [255]float64
	steps := room[:0]
	for y := int64(r.Lo) + 1; y <= int64(r.Hi); y++ {
		at := ceilDiv(y<<n-k, int64(m.M)) // the least accumulator that gives y
		if at <= -1<<24 || at >= 1<<24 {
			return FloatForm{}, false
		}
		steps = append(steps, float64(at))
	}
	scale := float32(math.Ldexp(float64(m.M), -int(n)))
	for _, ulps := range []int32{0, 1, -1, 2, -2, 3, -3} {
		s := math.Float32frombits(uint32(int32(math.Float32bits(scale)) + ulps))
		if f, ok := r.offsetFor(float64(s), steps); ok {
			return f, true
		}
	}
	return FloatForm{}, false
}

// rounding is more than what a sum of up to 256 changes by when it is rounded.
const rounding = 1.0 / (1 << 15)

// offsetFor looks for an offset with which scale s, a float32, takes all steps.
func (r *Requantise) offsetFor(s float64, steps []float64) (FloatForm, bool) {
	least, most := math.Inf(-1), math.Inf(1) // of the offset, if sums were not rounded
	for i, at := range steps {
		y := float64(int(r.Lo) + 1 + i)
		least, most = max(least, y-at*s), min(most, y-(at-1)*s)
		if least > most+rounding {
			return FloatForm{}, false
		}
	}
	if math.IsInf(least, -1) {
		least, most = float64(r.Lo), float64(r.Lo)
	}
	c := float64(float32((least + most) / 2))
	for i, at := range steps {
		y := float32(int(r.Lo) + 1 + i)
		// products have 48 bits, all sums fit 53: these are rounded once
		if float32(at*s+c) < y || float32((at-1)*s+c) >= y {
			return FloatForm{}, false
		}
	}
	return FloatForm{float32(s), float32(c)}, true
}

func ceilDiv(a, b int64) int64 { return (a + floorMod(-a, b)) / b }
