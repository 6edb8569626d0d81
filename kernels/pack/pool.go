package pack

import "math/bits"

// A Reciprocal divides the sum of n bytes by n: sum*2^Left*Factor >> Right.
type Reciprocal struct{ Left, Factor, Right int }

// maxSum is the greatest dividend: n bytes and what rounds.
func maxSum(n int) int { return 255*n + n/2 }

// Reciprocals16 returns the reciprocals of the counts from 1 to most that occur
// in windows of at most most cells, with one common Right >= 16, for dividends
// and factors below 2^15; nil where the result would not be exact.
func Reciprocals16(counts []int) map[int]Reciprocal {
	most := 0
	for _, n := range counts {
		most = max(most, n)
	}
	if maxSum(most) >= 1<<15 {
		return nil
	}
	left := func(n int) int { return bits.Len(uint(most/n)) - 1 } // n<<left in (most/2, most]
	least := most
	for _, n := range counts {
		least = min(least, n<<left(n))
	}
	right := 15 + bits.Len(uint(least)) - 1
	if 1<<right/least >= 1<<15 { // a power of two
		right--
	}
	if right < 16 { // one or two cells
		right = 16
	}
	all := map[int]Reciprocal{}
	for _, n := range counts {
		d := n << left(n)
		r := Reciprocal{left(n), (1<<right + d - 1) / d, right}
		if r.Factor >= 1<<15 || !r.exact(n) {
			return nil
		}
		all[n] = r
	}
	return all
}

// exact tells whether r divides every sum that can occur.
func (r Reciprocal) exact(n int) bool {
	for s := range maxSum(n) + 1 {
		if s<<r.Left*r.Factor>>r.Right != s/n || s<<r.Left >= 1<<15 {
			return false
		}
	}
	return true
}

// MaxCells is the number of bytes of which Reciprocal32 divides sums.
const MaxCells = 1<<22 - 1

// Reciprocal32 divides dividends of up to 256n by n <= MaxCells: the error of the
// factor, below 1, adds less than 256n/2^Right < 1/n to the quotient.
func Reciprocal32(n int) Reciprocal {
	right := 31 + bits.Len(uint(n)) - 1
	return Reciprocal{0, (1<<right + n - 1) / n, right}
}
