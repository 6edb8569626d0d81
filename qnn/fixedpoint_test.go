package qnn

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// The tests compare the arithmetic with its definition in whole numbers of
// any size, rather than with another way of shifting int64.

func pow2(n int32) *big.Int { return new(big.Int).Lsh(big.NewInt(1), uint(n)) }

// floorDiv returns floor(a/b) for b > 0.
func floorDiv(a, b *big.Int) *big.Int {
	q, m := new(big.Int).DivMod(a, b, new(big.Int))
	_ = m // Euclidean: 0 <= m < b
	return q
}

// roundUp is floor(a/b + 1/2): ties upward.
func roundUp(a, b *big.Int) *big.Int {
	twice := new(big.Int).Lsh(a, 1)
	return floorDiv(twice.Add(twice, b), new(big.Int).Lsh(b, 1))
}

// roundAway is a/b to the nearest, ties away from zero.
func roundAway(a, b *big.Int) *big.Int {
	if a.Sign() < 0 {
		return new(big.Int).Neg(roundUp(new(big.Int).Neg(a), b))
	}
	return roundUp(a, b)
}

// low32 is what remains in an int32.
func low32(a *big.Int) int32 {
	return int32(uint32(new(big.Int).And(a, big.NewInt(math.MaxUint32)).Uint64()))
}

func singleBig(x int32, m Multiplier) int32 {
	p := new(big.Int).Mul(big.NewInt(int64(x)), big.NewInt(int64(m.M)))
	return low32(roundUp(p, pow2(31-m.Exp)))
}

// doubleBig: the product of the shifted x with M/2^31, to the nearest (ties
// upward, since C's division truncates after a nudge of 1-2^30 for negative
// products), and that over 2^right with ties away from zero.
func doubleBig(x int32, m Multiplier) int32 {
	left, right := max(m.Exp, 0), max(-m.Exp, 0)
	p := new(big.Int).Mul(big.NewInt(int64(x<<left)), big.NewInt(int64(m.M)))
	high := roundUp(p, pow2(31))
	return low32(roundAway(high, pow2(right)))
}

func boundaries(r *rand.Rand) []int32 {
	xs := []int32{0, 1, -1, 2, -2, 127, 128, -128, math.MaxInt32, math.MaxInt32 - 1, math.MinInt32, math.MinInt32 + 1}
	for n := 1; n < 31; n++ {
		for _, d := range []int32{-1, 0, 1} {
			xs = append(xs, 1<<n+d, -(1<<n)+d, 3<<(n-1)+d)
		}
	}
	for range 50 {
		xs = append(xs, int32(r.Uint32()), int32(r.Uint32())>>r.IntN(31))
	}
	return xs
}

func TestScale(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	xs := boundaries(r)
	ms := []int32{0, 1 << 30, 1<<30 + 1, math.MaxInt32, math.MaxInt32 - 1, 3 << 29}
	for range 20 {
		ms = append(ms, 1<<30+r.Int32N(1<<30))
	}
	for exp := int32(-31); exp <= 30; exp++ {
		for _, m := range ms {
			mult := Multiplier{M: m, Exp: exp}
			for _, x := range xs {
				if got, want := mult.Scale(x, Single), singleBig(x, mult); got != want {
					t.Fatalf("single %+v of %d: %d, want %d", mult, x, got, want)
				}
				if got, want := mult.Scale(x, Double), doubleBig(x, mult); got != want {
					t.Fatalf("double %+v of %d: %d, want %d", mult, x, got, want)
				}
			}
		}
	}
}

// TestScaleTies pins the cases in which the two rules part.
func TestScaleTies(t *testing.T) {
	half := Multiplier{M: 1 << 30}             // 1/2
	quarter := Multiplier{M: 1 << 30, Exp: -1} // 1/4
	for _, c := range []struct {
		m              Multiplier
		x              int32
		single, double int32
	}{
		{half, 1, 1, 1},
		{half, -1, 0, 0},
		{half, -3, -1, -1},
		{quarter, 2, 1, 1},
		{quarter, -2, 0, -1}, // -0.5: upward, and away from zero
		{quarter, 1, 0, 1},   // 0.25 rounds to 0; twice to 0.5 and 1
		{quarter, -6, -1, -2},
		{Multiplier{M: 1 << 30, Exp: 1}, -7, -7, -7},
	} {
		if got := c.m.Scale(c.x, Single); got != c.single {
			t.Errorf("single %+v of %d: %d, want %d", c.m, c.x, got, c.single)
		}
		if got := c.m.Scale(c.x, Double); got != c.double {
			t.Errorf("double %+v of %d: %d, want %d", c.m, c.x, got, c.double)
		}
	}
}

// TestQuantizeMultiplierExact: the result is the nearest M * 2^(Exp-31), ties
// away from zero, with M normalised.
func TestQuantizeMultiplierExact(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	check := func(d float64) {
		m := QuantizeMultiplier(d)
		if m.M < 1<<30 || m.Exp < -31 || m.Exp > 30 {
			t.Fatalf("%v gives %+v", d, m)
		}
		// d * 2^(31-Exp) as a fraction of whole numbers
		rat, _ := new(big.Float).SetFloat64(d).Rat(nil)
		num := new(big.Int).Mul(rat.Num(), pow2(31-m.Exp))
		want := roundAway(num, rat.Denom())
		if m.M == 1<<30 && want.Cmp(pow2(30)) != 0 { // rounded up to the next power of two
			want = roundAway(new(big.Int).Lsh(num, 1), rat.Denom())
			want.Rsh(want, 1)
		}
		if want.Cmp(big.NewInt(int64(m.M))) != 0 {
			t.Fatalf("%v gives %+v, want M %v", d, m, want)
		}
	}
	for _, d := range []float64{1, 0.5, 0.25, 2, 1 << 29, 1.0 / 3, 0.999999999, math.Nextafter(1, 0), math.Nextafter(0.5, 0), math.Ldexp(1, -32)} {
		check(d)
	}
	for range 20_000 {
		check(math.Ldexp(0.5+r.Float64()/2, r.IntN(62)-31))
	}
}

func TestQuantizeMultiplierLimits(t *testing.T) {
	largest := Multiplier{M: math.MaxInt32, Exp: 30}
	for _, c := range []struct {
		d    float64
		want Multiplier
	}{
		{0, Multiplier{}},
		{math.Ldexp(1, -32), Multiplier{M: 1 << 30, Exp: -31}},
		{math.Ldexp(1, -33), Multiplier{}},
		{math.Nextafter(math.Ldexp(1, -32), 0), Multiplier{M: 1 << 30, Exp: -31}}, // rounds up into range
		{math.SmallestNonzeroFloat64, Multiplier{}},
		{1 << 29, Multiplier{M: 1 << 30, Exp: 30}},
		{math.Nextafter(1<<30, 0), largest}, // rounds up out of range
		{1 << 30, largest},
		{1e300, largest},
		{math.Inf(1), largest},
		{math.Nextafter(1, 0), Multiplier{M: 1 << 30, Exp: 1}},
	} {
		if got := QuantizeMultiplier(c.d); got != c.want {
			t.Errorf("%v gives %+v, want %+v", c.d, got, c.want)
		}
	}
}
