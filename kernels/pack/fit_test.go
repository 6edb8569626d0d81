package pack

import (
	"math"
	"math/rand/v2"
	"testing"
)

// fitCase draws an ADD or SUB: scales within a factor of 2^8 of each other, or a
// power of two apart, which makes ties, and any zero points.
func fitCase(r *rand.Rand, ties bool) *Sum {
	base := float32(math.Exp2(-8 * r.Float64()))
	scale := func() float32 {
		if ties {
			return base * []float32{1, 2, 4, 0.5, 0.25}[r.IntN(5)]
		}
		return base * float32(math.Exp2(8*r.Float64()-4))
	}
	s := &Sum{Scales: [3]float32{scale(), scale(), scale()}, Minus: r.IntN(2) == 0, Hi: 255}
	for i := range s.Zeros {
		s.Zeros[i] = []int32{0, 128, 255, int32(r.IntN(256)), int32(r.IntN(256))}[r.IntN(5)]
	}
	if r.IntN(3) == 0 {
		s.Lo = s.Zeros[2]
	}
	return s
}

// TestFitShare: nearly every sum has an exact short form. (Scales 3 or 6 times as
// large as others make ties as well, but of factors that 31 bits round: such
// ties go either way, and need a table.)
func TestFitShare(t *testing.T) {
	n := 1200
	if testing.Short() {
		n = 120
	}
	for _, c := range []struct {
		name    string
		ties    bool
		permill int // that may fail
	}{{"random", false, 5}, {"ties", true, 0}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(7, 8))
			failed := 0
			for range n {
				if s := fitCase(r, c.ties); s.Fit(s.Table()) == nil {
					failed++
				}
			}
			t.Logf("%d of %d have no fit", failed, n)
			if failed*1000 > n*c.permill {
				t.Errorf("%d of %d sums have no fit, more than %d in 1000", failed, n, c.permill)
			}
		})
	}
}

// TestFitTie: half of a difference, ties away from zero.
func TestFitTie(t *testing.T) {
	s := &Sum{Scales: [3]float32{0.01, 0.01, 0.02}, Zeros: [3]int32{147, 155, 128}, Hi: 255, Minus: true}
	if s.Fit(s.Table()) == nil {
		t.Errorf("no fit: %+v", *s)
	}
}
