package qnn

import (
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// A Shape is the extent of each dimension, outermost first. The empty shape is
// a scalar's.
type Shape []int

// Elems returns the number of elements. It saturates at math.MaxInt, and a
// shape with a negative dimension has none.
func (s Shape) Elems() int {
	if slices.ContainsFunc(s, func(d int) bool { return d <= 0 }) {
		return 0
	}
	n := uint64(1)
	for _, d := range s {
		hi, lo := bits.Mul64(n, uint64(d))
		if hi != 0 || lo > math.MaxInt {
			return math.MaxInt
		}
		n = lo
	}
	return int(n)
}

// String returns for example "1x224x224x3", or "scalar".
func (s Shape) String() string {
	if len(s) == 0 {
		return "scalar"
	}
	var b strings.Builder
	for i, d := range s {
		if i > 0 {
			b.WriteByte('x')
		}
		b.WriteString(strconv.Itoa(d))
	}
	return b.String()
}

// Equal tells whether s and t have the same dimensions.
func (s Shape) Equal(t Shape) bool { return slices.Equal(s, t) }

// Broadcast returns the shape of an elementwise operator over shapes a and b
// under NumPy's rule, and whether they fit together.
func Broadcast(a, b Shape) (Shape, bool) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := slices.Clone(a)
	tail := out[len(a)-len(b):]
	for i, d := range b {
		switch {
		case tail[i] == 1:
			tail[i] = d
		case d != 1 && d != tail[i]:
			return nil, false
		}
	}
	return out, true
}
