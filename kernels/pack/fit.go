package pack

import (
	"math"

	"qtune/qnn"
)

// Fit returns a WeightedSum that equals want, the Table of s, for all operands,
// or nil. The factors of the real sum nearly always do with some constant. Where
// they do not (ties, which TensorFlow Lite takes away from zero, and sums within
// its intermediate rounding of one), two results that no constant serves at once
// say how the factors must differ: half of all pairs fall away. The next to be
// tried is in the middle of those that are left (the method of centres of
// gravity).
func (s *Sum) Fit(want *[1 << 16]byte) *WeightedSum {
	a, b := s.factors()
	const most = 1<<31 - 1<<16 // whose coarse part has 16 bits
	bits := 16 + 22            // of fraction
	for bits > 16 && math.Ldexp(max(math.Abs(a), math.Abs(b)), bits) > most {
		bits--
	}
	a, b = math.Ldexp(a, bits), math.Ldexp(b, bits)
	if max(math.Abs(a), math.Abs(b)) > most {
		return nil
	}
	w := &WeightedSum{Shift: bits - 16, Lo: s.Lo, Hi: s.Hi}
	wanted := newBorders(want, s.Lo, s.Hi)
	reach := math.Ldexp(1, max(bits-14, 2)) // generous: where ties are many, the other sums are far from them
	left := square(reach)
	for range 60 {
		centre, ok := left.centre()
		if !ok {
			return nil
		}
		w.A, w.B = int64(math.Round(a+centre.x)), int64(math.Round(b+centre.y))
		if max(math.Abs(float64(w.A)), math.Abs(float64(w.B))) > most {
			return nil
		}
		low, high := wanted.constants(w)
		if lack := low.c - high.c; lack > 0 {
			// Between the operands of low and high the sum must grow by lack more.
			at := point{float64(w.A) - a, float64(w.B) - b}
			left = left.cut(at, float64(low.a-high.a), float64(low.b-high.b), float64(lack))
			continue
		}
		w.C = low.c + (high.c-low.c)/2
		if w.equals(want) {
			return w
		}
		return nil
	}
	return nil
}

// factors returns those of the real sum.
func (s *Sum) factors() (a, b float64) {
	ma, mb, my := qnn.AddMultipliers(s.Scales[0], s.Scales[1], s.Scales[2])
	realOf := func(m qnn.Multiplier) float64 { return math.Ldexp(float64(m.M), int(m.Exp)-31) }
	unit := realOf(my) * (1 << qnn.AddHeadroom)
	a, b = realOf(ma)*unit, realOf(mb)*unit
	if s.Minus {
		b = -b
	}
	return a, b
}

// A border is a pair of operands whose result is the first or the last of equal
// ones in its row, and the result.
type border struct{ a, b, y byte }

// borders are the pairs of operands that bound the constant: below because a
// result is not less, above because it is not greater. Only the ends of a run of
// equal results in a row can, as the sum is monotonous there.
type borders struct{ below, above []border }

func newBorders(want *[1 << 16]byte, lo, hi int32) *borders {
	var all borders
	for i, y := range want {
		if i&255 != 0 && want[i-1] == y && i&255 != 255 && want[i+1] == y {
			continue
		}
		e := border{byte(i >> 8), byte(i), y}
		if int32(y) > lo {
			all.below = append(all.below, e)
		}
		if int32(y) < hi {
			all.above = append(all.above, e)
		}
	}
	return &all
}

// A bound is a constant, and the operands that allow none beyond it.
type bound struct{ c, a, b int64 }

// constants returns the least and the greatest C with which w, whose C does not
// matter, gives the results wanted. None serves all operands if the least is
// greater.
func (s *borders) constants(w *WeightedSum) (least, most bound) {
	least.c, most.c = math.MinInt32<<16, math.MaxInt32<<16
	shift := 16 + w.Shift
	for _, e := range s.below {
		if c := int64(e.y)<<shift - w.A*int64(e.a) - w.B*int64(e.b); c > least.c {
			least = bound{c, int64(e.a), int64(e.b)}
		}
	}
	for _, e := range s.above {
		if c := (int64(e.y)+1)<<shift - 1 - w.A*int64(e.a) - w.B*int64(e.b); c < most.c {
			most = bound{c, int64(e.a), int64(e.b)}
		}
	}
	return least, most
}

func (w *WeightedSum) equals(want *[1 << 16]byte) bool {
	for i, y := range want {
		if w.Apply(byte(i>>8), byte(i)) != y {
			return false
		}
	}
	return true
}
