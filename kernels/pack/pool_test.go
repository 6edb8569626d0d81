package pack

import "testing"

// TestReciprocals divides every sum that can occur. Counts are those of a
// window that the border of the input cuts.
func TestReciprocals(t *testing.T) {
	short := 0
	for k := 1; k <= 12; k++ {
		counts := []int{k * k}
		for i := 1; i <= k; i++ {
			counts = append(counts, k*i, i*i)
		}
		if Reciprocals16(counts) != nil { // checks itself
			short++
		}
	}
	if short < 8 {
		t.Errorf("only %d of the windows have short reciprocals", short)
	}
	for _, n := range []int{1, 2, 3, 7, 64, 100, 127, 129, 255, 1000, 2047, 2897} {
		r := Reciprocal32(n)
		for s := range maxSum(n) + 1 {
			if got := s * r.Factor >> r.Right; got != s/n {
				t.Fatalf("%d / %d is %d", s, n, got)
			}
		}
	}
}
