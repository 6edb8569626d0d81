package qnn

// A ShortForm computes outputs from accumulators with one 64-bit product, the
// upper half of which is shifted once (arithmetic shift, >> is floor):
//
//	y = ((a+Bias)*M >> 32 + Add) >> Shift, clamped to Lo..Hi
//
// M is the multiplier's mantissa. It is exact for all a for which a+Bias is an
// int32.
type ShortForm struct {
	Bias, Add int32
	Shift     int32
}

// Limits of short forms. maxShortBias is far more than is ever needed; the
// others keep (a+Bias)*M>>32 + Add in an int32.
const (
	MaxShortBias  = 1 << 20
	maxShortShift = 21
)

// ShortForm returns the short form of output channel oc, if it has one.
//
// Both rounding rules are y = (a*M + K) >> n for some K that holds half of 2^n,
// for double rounding 2^30 besides, and the zero point (n = 31 - exponent; double
// rounding needs more where negative results count, and has no short form then).
// Adding 64-bit constants is what is to be saved: K = Bias*M + Add*2^32 + rest,
// where leaving out the rest changes no output if all of the Hi-Lo steps of y can
// spare it. Bias is the least for which that is so.
func (r *Requantise) ShortForm(oc int) (ShortForm, bool) {
	m := r.Multiplier(oc)
	if m.M == 0 {
		return ShortForm{Add: r.Zero}, true
	}
	k, n, ok := r.addend(oc)
	if !ok {
		return ShortForm{}, false
	}
	const two32 = 1 << 32
	less, more := r.slack(k, n, int64(m.M))
	bias, ok := firstInRange(two32-int64(m.M), two32, floorMod(-k-more, two32), less+more)
	if !ok || bias > MaxShortBias {
		return ShortForm{}, false
	}
	return ShortForm{Bias: int32(bias), Add: int32((k - bias*int64(m.M) + more) >> 32), Shift: int32(n - 32)}, true
}

// addend returns K and n, if there are such (see ShortForm).
func (r *Requantise) addend(oc int) (k, n int64, ok bool) {
	n = 31 - int64(r.Multiplier(oc).Exp)
	if n < 32 || n > 32+maxShortShift || r.Round == Double && r.Zero > r.Lo {
		return 0, 0, false
	}
	k = int64(1)<<(n-1) + int64(r.Zero)<<n
	if r.Round == Double {
		k += 1 << 30
	}
	return k, n, true
}

// slack returns how much less and how much more than k gives the same outputs:
// the least accumulator that reaches a step of (a*m + k) >> n is above the step by
// less than m, and the one before it below.
func (r *Requantise) slack(k, n, m int64) (less, more int64) {
	less, more = m-1, m-1
	step := int64(1) << n % m
	above := floorMod(k-int64(r.Lo)<<n, m)
	for y := r.Lo + 1; y <= r.Hi; y++ {
		if above -= step; above < 0 {
			above += m
		}
		less, more = min(less, above), min(more, m-1-above)
	}
	return less, more
}

func floorMod(a, m int64) int64 { return (a%m + m) % m }

// firstInRange returns the least x >= 0 with (a*x - from) mod m <= width, for
// 0 < a < m, 0 <= from < m and 0 <= width < m.
func firstInRange(a, m, from, width int64) (int64, bool) {
	if from == 0 || from+width >= m { // the range holds 0
		return 0, true
	}
	return firstBetween(a, m, from, from+width)
}

// firstBetween returns the least x with lo <= a*x mod m <= hi, for 0 < lo <= hi <
// m and 0 <= a < m: Euclid's algorithm on a and m.
func firstBetween(a, m, lo, hi int64) (int64, bool) {
	if a == 0 {
		return 0, false
	}
	if 2*a > m { // the other way round is shorter
		a, lo, hi = m-a, m-hi, m-lo
	}
	if x := (lo + a - 1) / a; a*x <= hi {
		return x, true
	}
	// no multiple of a lies in the range: a*x = m*y + v for some y > 0 with
	// -m*y mod a in the range's residues
	y, ok := firstBetween((a-m%a)%a, a, lo%a, hi%a)
	if !ok {
		return 0, false
	}
	return (lo + m*y + a - 1) / a, true
}
