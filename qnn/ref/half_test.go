package ref

import (
	"math"
	"testing"
)

// TestHalf compares every float16 with its definition.
func TestHalf(t *testing.T) {
	for i := range 1 << 16 {
		exponent, fraction := i>>10&31, i&1023
		want := math.Ldexp(float64(1024+fraction), exponent-25)
		switch {
		case exponent == 31 && fraction > 0:
			want = math.NaN()
		case exponent == 31:
			want = math.Inf(1)
		case exponent == 0:
			want = math.Ldexp(float64(fraction), -24)
		}
		if i >= 1<<15 {
			want = -want
		}
		got := float64(half(uint16(i)))
		if math.IsNaN(want) && math.IsNaN(got) {
			continue
		}
		if got != want || math.Signbit(got) != math.Signbit(want) {
			t.Fatalf("%#04x is %v, want %v", i, got, want)
		}
	}
}
