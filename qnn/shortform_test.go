package qnn

import (
	"math"
	"math/rand/v2"
	"testing"
)

// output is the definition.
func (r *Requantise) output(oc int, acc int32) int32 {
	return min(max(r.Multiplier(oc).Scale(acc, r.Round)+r.Zero, r.Lo), r.Hi)
}

func (f ShortForm) output(r *Requantise, a int32) int32 {
	p := int64(a+f.Bias) * int64(r.Mult[0].M)
	return min(max((int32(p>>32)+f.Add)>>f.Shift, r.Lo), r.Hi)
}

// TestShortForm compares short forms with the definition around every step of the
// output, and at random.
func TestShortForm(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	forms := 0
	for range 4000 {
		q := randomRequantise(r)
		f, ok := q.ShortForm(0)
		if !ok {
			continue
		}
		forms++
		check := func(a int64) {
			if a < math.MinInt32 || a > math.MaxInt32-int64(f.Bias) {
				return
			}
			if got, want := f.output(q, int32(a)), q.output(0, int32(a)); got != want {
				t.Fatalf("%+v: %+v: accumulator %d gives %d, want %d", *q, f, a, got, want)
			}
		}
		scale := math.Ldexp(float64(q.Mult[0].M), int(q.Mult[0].Exp)-31)
		for y := q.Lo - 1; y <= q.Hi+1; y++ {
			at := int64((float64(y-q.Zero) - 0.5) / scale)
			for d := int64(-2); d <= 2; d++ {
				check(at + d)
			}
		}
		for range 50 {
			check(int64(int32(r.Uint32()) >> r.IntN(31)))
		}
		check(math.MinInt32)
		check(math.MaxInt32 - int64(f.Bias))
	}
	if forms < 3500 {
		t.Errorf("only %d of 4000 have a short form", forms)
	}
}

func randomRequantise(r *rand.Rand) *Requantise {
	q := &Requantise{Round: Rounding(r.IntN(2)), Hi: 255, Mult: []Multiplier{{M: 1<<30 + r.Int32N(1<<30), Exp: -1 - r.Int32N(21)}}}
	switch r.IntN(4) {
	case 0:
		q.Mult[0].M = 1 << 30
	case 1:
		q.Mult[0].M = math.MaxInt32 - r.Int32N(3)
	}
	q.Lo = r.Int32N(2) * r.Int32N(200)
	q.Hi -= r.Int32N(2) * r.Int32N(255-q.Lo)
	q.Zero = r.Int32N(256)
	if q.Round == Double {
		q.Zero = r.Int32N(q.Lo + 1)
	}
	return q
}

func (f FloatForm) output(r *Requantise, a int32) int32 {
	c := f.Offset
	if a < 0 {
		c = f.Below
	}
	sum := float32(math.FMA(float64(float32(a)), float64(f.Scale), float64(c)))
	return min(max(int32(sum), r.Lo), r.Hi)
}

// TestFloatForm does the same for float forms.
func TestFloatForm(t *testing.T) {
	r := rand.New(rand.NewPCG(19, 9))
	type kind struct {
		exp    int32
		signed bool
	}
	forms, all := map[kind]int{}, map[kind]int{}
	for range 6000 {
		q := randomRequantise(r)
		if r.IntN(2) == 0 { // negative results count
			q.Round, q.Zero = Double, q.Lo+r.Int32N(q.Hi-q.Lo+1)
		}
		f, ok := q.FloatForm(0)
		k := kind{q.Mult[0].Exp, q.Signed()}
		all[k]++
		if !ok {
			continue
		}
		forms[k]++
		scale := math.Ldexp(float64(q.Mult[0].M), int(q.Mult[0].Exp)-31)
		for y := q.Lo - 1; y <= q.Hi+1; y++ {
			at := int64((float64(y-q.Zero) - 0.5) / scale)
			for d := int64(-2); d <= 2; d++ {
				if got, want := f.output(q, int32(at+d)), q.output(0, int32(at+d)); got != want {
					t.Fatalf("%+v: %+v: accumulator %d gives %d, want %d", *q, f, at+d, got, want)
				}
			}
		}
		for range 50 {
			a := int32(r.Uint32()) >> r.IntN(31)
			if got, want := f.output(q, a), q.output(0, a); got != want {
				t.Fatalf("%+v: %+v: accumulator %d gives %d, want %d", *q, f, a, got, want)
			}
		}
	}
	for k, n := range all {
		if k.exp >= -8 && 10*forms[k] < 8*n {
			t.Errorf("multiplier 2^%d, signed %v: %d of %d have a float form", k.exp, k.signed, forms[k], n)
		}
	}
}

// TestNoShortForm lists what has none.
func TestNoShortForm(t *testing.T) {
	for _, q := range []Requantise{
		{Round: Double, Zero: 3, Lo: 2, Hi: 255, Mult: []Multiplier{{M: 1 << 30, Exp: -4}}},
		{Round: Single, Hi: 255, Mult: []Multiplier{{M: 1 << 30, Exp: 0}}},
		{Round: Single, Hi: 255, Mult: []Multiplier{{M: 1 << 30, Exp: -23}}},
	} {
		if f, ok := q.ShortForm(0); ok {
			t.Errorf("%+v has the short form %+v", q, f)
		}
	}
}

// TestFirstInRange compares with a search.
func TestFirstInRange(t *testing.T) {
	for m := int64(2); m < 24; m++ {
		for a := int64(1); a < m; a++ {
			for from := range m {
				for width := range m {
					want, found := int64(0), false
					for x := int64(0); x < m && !found; x++ {
						if floorMod(a*x-from, m) <= width {
							want, found = x, true
						}
					}
					if got, ok := firstInRange(a, m, from, width); ok != found || got != want {
						t.Fatalf("%d*x mod %d in %d+%d: %d %v, want %d %v", a, m, from, width, got, ok, want, found)
					}
				}
			}
		}
	}
}
