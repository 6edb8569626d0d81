package emu

import (
	"math"

	"qtune/kernels/x86"
)

// floats: floating point in the default environment: round to nearest even, all
// exceptions masked, denormal numbers kept. Results that are not a number have
// the bits that SSE gives them on every host.
var floats = table{
	x86.VADDPS:      lanewise(each(arith32(func(a, b float32) float32 { return a + b }))),
	x86.VSUBPS:      lanewise(each(arith32(func(a, b float32) float32 { return a - b }))),
	x86.VMULPS:      lanewise(each(arith32(func(a, b float32) float32 { return a * b }))),
	x86.VDIVPS:      lanewise(each(arith32(func(a, b float32) float32 { return a / b }))),
	x86.VFMADD213PS: lanewise(multiplyAdd213),
	x86.VMINPS:      lanewise(each(choose32(func(a, b float32) bool { return a < b }))),
	x86.VMAXPS:      lanewise(each(choose32(func(a, b float32) bool { return a > b }))),

	x86.VADDPD: lanewise(each(arith64(func(a, b float64) float64 { return a + b }))),
	x86.VDIVPD: lanewise(each(arith64(func(a, b float64) float64 { return a / b }))),
	x86.VMINPD: lanewise(each(choose64(func(a, b float64) bool { return a < b }))),
	x86.VMAXPD: lanewise(each(choose64(func(a, b float64) bool { return a > b }))),

	x86.VCVTDQ2PS:  lanewise(each(func(_, b uint32) uint32 { return math.Float32bits(float32(int32(b))) })),
	x86.VCVTTPS2DQ: lanewise(each(func(_, b uint32) uint32 { return truncate(float64(math.Float32frombits(b))) })),
	x86.VCVTPS2PD:  lanewise(toDouble),
	x86.VCVTTPD2DQ: lanewise(doubleToInt),
}

// A not-a-number that is quiet has this bit.
const (
	quiet32 = 1 << 22
	quiet64 = 1 << 51
)

// arith32 makes a lane of f. An operand that is not a number is the result, the
// first of two; where both are numbers, it is the indefinite one.
func arith32(f func(a, b float32) float32) func(a, b uint32) uint32 {
	return func(a, b uint32) uint32 {
		x, y := math.Float32frombits(a), math.Float32frombits(b)
		r := f(x, y)
		switch {
		case r == r:
			return math.Float32bits(r)
		case x != x:
			return a | quiet32
		case y != y:
			return b | quiet32
		}
		return 0xffc00000
	}
}

// multiplyAdd213 sets d to a*d + b, rounded once.
func multiplyAdd213(d, a, b *vec, n int) {
	x, y, z := a.u32(), b.u32(), d.u32()
	for i := range n / 4 {
		z[i] = fma32(x[i], z[i], y[i])
	}
}

// fma32 is a*b + c of single precision numbers, rounded once. Their product is
// exact in double precision; of the sum's error only the sign matters, where
// rounding it twice would meet a tie.
func fma32(a, b, c uint32) uint32 {
	x, y, z := math.Float32frombits(a), math.Float32frombits(b), math.Float32frombits(c)
	for i, f := range [3]float32{x, y, z} {
		if f != f {
			return [3]uint32{a, b, c}[i] | quiet32
		}
	}
	p, q := float64(x)*float64(y), float64(z)
	sum := p + q
	if math.IsInf(sum, 0) || sum != sum {
		if sum != sum {
			return 0xffc00000
		}
		return math.Float32bits(float32(sum))
	}
	back := sum - p
	if e := (p - (sum - back)) + (q - back); e != 0 && math.Float64bits(sum)&1 == 0 { // round to odd
		to := math.Inf(1)
		if e < 0 {
			to = math.Inf(-1)
		}
		sum = math.Nextafter(sum, to)
	}
	return math.Float32bits(float32(sum))
}

// arith64 is arith32 in double precision.
func arith64(f func(a, b float64) float64) func(a, b uint64) uint64 {
	return func(a, b uint64) uint64 {
		x, y := math.Float64frombits(a), math.Float64frombits(b)
		r := f(x, y)
		switch {
		case r == r:
			return math.Float64bits(r)
		case x != x:
			return a | quiet64
		case y != y:
			return b | quiet64
		}
		return 0xfff8 << 48
	}
}

// choose32 takes a where first says so, otherwise b: also of equal operands and
// where one is not a number.
func choose32(first func(a, b float32) bool) func(a, b uint32) uint32 {
	return func(a, b uint32) uint32 {
		if first(math.Float32frombits(a), math.Float32frombits(b)) {
			return a
		}
		return b
	}
}

// choose64 is choose32 in double precision.
func choose64(first func(a, b float64) bool) func(a, b uint64) uint64 {
	return func(a, b uint64) uint64 {
		if first(math.Float64frombits(a), math.Float64frombits(b)) {
			return a
		}
		return b
	}
}

// truncate rounds toward zero; what int32 does not hold becomes its least value.
func truncate(x float64) uint32 {
	if x > -1<<31-1 && x < 1<<31 {
		return uint32(int32(x))
	}
	return 1 << 31
}

// toDouble widens single to double precision.
func toDouble(d, _, b *vec, n int) {
	from := *b
	for i := range n / 8 {
		x := from.u32()[i]
		z := math.Float64bits(float64(math.Float32frombits(x)))
		if f := math.Float32frombits(x); f != f {
			z = uint64(x&(1<<31))<<32 | 0x7ff<<52 | uint64(x&(1<<23-1))<<29 | quiet64
		}
		d[i] = z
	}
}

// doubleToInt narrows doubles to int32 in the lower half; the upper one of an xmm
// register becomes zero.
func doubleToInt(d, _, b *vec, n int) {
	from := *b
	*d = vec{}
	for i := range n / 8 {
		d.u32()[i] = truncate(math.Float64frombits(from[i]))
	}
}
