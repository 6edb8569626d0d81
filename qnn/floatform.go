package qnn

import "math"

// A FloatForm computes outputs from accumulators in single precision, with one
// rounding of the product and sum:
//
//	y = trunc(float32(a)*Scale + Offset), clamped to Lo..Hi
//
// with Below in place of Offset for negative a. It is exact for all int32 a.
type FloatForm struct{ Scale, Offset, Below float32 }

// A step is the least accumulator that gives output y or more.
type step struct{ at, y float64 }

// minFloatExp is the least exponent of multipliers with a float form.
const minFloatExp = -16

// FloatForm returns the float form of output channel oc, if it has one. Offset and
// Below differ only where negative results count and are rounded another way
// (Signed).
//
// Outputs change at most Hi-Lo times, at accumulators that are known, and both
// the definition and the float form never fall as the accumulator grows: so they
// agree everywhere if they agree on both sides of each step. Whether single
// precision can do that is a matter of luck: nine in ten multipliers down to 2^-8
// have a float form, half of them at 2^-13.
func (r *Requantise) FloatForm(oc int) (FloatForm, bool) {
	m := r.Multiplier(oc)
	if m.M == 0 || m.Exp < minFloatExp || m.Exp > -1 {
		return FloatForm{}, false
	}
	var room [255]step
	steps, ok := r.steps(room[:0], m)
	if !ok {
		return FloatForm{}, false
	}
	scale := float32(math.Ldexp(float64(m.M), int(m.Exp)-31))
	for _, ulps := range []int32{0, 1, -1, 2, -2, 3, -3} {
		s := math.Float32frombits(uint32(int32(math.Float32bits(scale)) + ulps))
		if f, ok := r.offsetsFor(float64(s), steps); ok {
			return f, true
		}
	}
	return FloatForm{}, false
}

// Signed tells that double rounding must treat negative results right: that they
// are not clamped away.
func (r *Requantise) Signed() bool { return r.Round == Double && r.Zero > r.Lo }

// steps appends the steps of the outputs under multiplier m, an exponent of -1 or
// less. It fails if single precision does not hold their accumulators.
//
// With p = a*m, n = 31 - exponent and double rounding, outputs are (p + 2^30 +
// 2^(n-1)) >> n, and below zero (p + 2^30 + 2^(n-1) - 2^31) >> n.
func (r *Requantise) steps(list []step, m Multiplier) ([]step, bool) {
	n := 31 - int64(m.Exp)
	up := int64(1) << (n - 1)
	down := up
	if r.Round == Double {
		up += 1 << 30
		down = up - 1<<31
	}
	for y := int64(r.Lo) + 1; y <= int64(r.Hi); y++ {
		k := up
		if r.Signed() && y <= int64(r.Zero) {
			k = down
		}
		at := ceilDiv((y-int64(r.Zero))<<n-k, int64(m.M))
		if at <= -1<<24 || at >= 1<<24 {
			return nil, false
		}
		list = append(list, step{float64(at), float64(y)})
	}
	return list, true
}

// offsetsFor looks for offsets with which scale s, a float32, takes all steps.
func (r *Requantise) offsetsFor(s float64, steps []step) (FloatForm, bool) {
	everywhere := half{math.Inf(-1), math.Inf(1)}
	if !r.Signed() {
		c, ok := everywhere.offset(s, steps, float64(r.Lo))
		return FloatForm{float32(s), c, c}, ok
	}
	up, ok := half{0, math.Inf(1)}.offset(s, steps, float64(r.Zero)+1)
	if !ok {
		return FloatForm{}, false
	}
	down, ok := half{math.Inf(-1), 0}.offset(s, steps, float64(r.Lo))
	return FloatForm{float32(s), up, down}, ok && down <= up
}

// A half is the accumulators from first to before end.
type half struct{ first, end float64 }

// has tells whether accumulator a is in h.
func (h half) has(a float64) bool { return h.first <= a && a < h.end }

// rounding is more than what a sum of up to 256 changes by when it is rounded.
const rounding = 1.0 / (1 << 15)

// offset looks for an offset with which scale s takes the steps as far as they
// concern h; where none does it is other.
func (h half) offset(s float64, steps []step, other float64) (float32, bool) {
	least, most := math.Inf(-1), math.Inf(1) // if sums were not rounded
	for _, x := range steps {
		if h.has(x.at) {
			least = max(least, x.y-x.at*s)
		}
		if h.has(x.at - 1) {
			most = min(most, x.y-(x.at-1)*s)
		}
		if least > most+rounding {
			return 0, false
		}
	}
	switch {
	case math.IsInf(least, -1) && math.IsInf(most, 1):
		return float32(other), true
	case math.IsInf(least, -1):
		least = most - s
	case math.IsInf(most, 1):
		most = least + s
	}
	c := float32((least + most) / 2)
	up, down := c, c
	for range 3 {
		for _, c := range []float32{up, down} {
			if h.takes(s, float64(c), steps) {
				return c, true
			}
		}
		up, down = math.Nextafter32(up, math.MaxFloat32), math.Nextafter32(down, -math.MaxFloat32)
	}
	return 0, false
}

// takes tells whether scale s and offset c take the steps as far as they concern
// h. Products have 48 bits and all sums fit 53: these are rounded once.
func (h half) takes(s, c float64, steps []step) bool {
	for _, x := range steps {
		if h.has(x.at) && float32(x.at*s+c) < float32(x.y) || h.has(x.at-1) && float32((x.at-1)*s+c) >= float32(x.y) {
			return false
		}
	}
	return true
}

func ceilDiv(a, b int64) int64 { return (a + floorMod(-a, b)) / b }
