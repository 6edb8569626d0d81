package ref

import "math"

// Functions of float32 as TensorFlow Lite computes them, bit for bit: its own
// approximations, and the C library's. Each operation rounds.
//
// Sources: the exponential is that of ARM's optimized routines, which musl and
// glibc share; the others are Eigen's (scalar_logistic_op, ptanh_float).

// expTable holds 2^(i/32).
var expTable = func() (t [32]float64) {
	for i := range t {
		t[i] = math.Exp2(float64(i) / 32)
	}
	return t
}()

// Exp is e^x: 2^(k/32) from a table, times a cubic polynomial of what is left,
// in double precision. One result in a thousand is the neighbour of the
// correctly rounded one.
func Exp(x float32) float32 {
	switch {
	case x > 89: // 2^128 and more
		return float32(math.Inf(1))
	case x < -104: // below half of the least float32
		return 0
	case x != x:
		return x
	}
	const (
		steps = 32
		c1    = 0x1.62e42ff0c52d6p-1 / steps // of 2^(r/32) = 1 + c1 r + c2 r^2 + c3 r^3
		c2    = 0x1.ebfce50fac4f3p-3 / steps / steps
		c3    = 0x1.c6af84b912394p-5 / steps / steps / steps
	)
	z := float64(float64(x) * (0x1.71547652b82fep+0 * steps)) // x / ln 2 * 32
	k := math.RoundToEven(z)
	r := float64(z - k)
	y := float64(float64(c1*r) + 1)
	y = float64(float64(float64(float64(c3*r)+c2)*float64(r*r)) + y)
	n := int(k)
	return float32(y * math.Ldexp(expTable[n&(steps-1)], n>>5))
}

// logisticFloat is e^x / (1 + e^x).
func logisticFloat(x float32) float32 {
	e := Exp(min(x, 20)) // where the quotient has become 1
	return float32(e / float32(1+e))
}

// tanhFloat is a quotient of polynomials of degrees 13 and 6.
func tanhFloat(x float32) float32 {
	if math.Abs(float64(x)) < 0.0004 {
		return x
	}
	const limit = 7.90531110763549805 // where the quotient becomes 1
	x = max(min(x, limit), -limit)
	square := float32(x * x)
	p := polynomial(square, -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08,
		1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03)
	q := polynomial(square, 1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)
	return float32(float32(x*p) / q)
}

// polynomial evaluates a polynomial by Horner's rule; the coefficient of the
// highest power comes first.
func polynomial(x float32, c ...float32) float32 {
	v := c[0]
	for _, k := range c[1:] {
		v = float32(float32(v*x) + k)
	}
	return v
}
