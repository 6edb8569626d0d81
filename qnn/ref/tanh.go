package ref

import "math"

// tanh is the C library's tanh of float32, which TANH of bytes tabulates: by
// e^2x - 1, without the digits that a subtraction would lose.
//
// Source: fdlibm (s_tanhf.c and s_expm1f.c), which musl and glibc share.
func tanh(x float32) float32 {
	a := float32(math.Abs(float64(x)))
	t := a
	switch {
	case a > 10:
		t = 1
	case a > 0.54930615: // ln(3)/2
		t = float32(1 - float32(2/float32(expMinus1(2*a)+2)))
	case a > 0.25541282: // ln(5/3)/2
		t = expMinus1(2 * a)
		t = float32(t / float32(t+2))
	case a >= 0x1p-126:
		t = expMinus1(-2 * a)
		t = float32(-t / float32(t+2))
	}
	if x < 0 {
		return -t
	}
	return t
}

// expMinus1 is e^x - 1, for -0.52 < x <= 20. With x = k ln 2 + r, it is a
// quotient of polynomials of r, times 2^k.
func expMinus1(x float32) float32 {
	if math.Abs(float64(x)) < 0x1p-25 {
		return x
	}
	k, r, lost := reduceLn2(x)
	const q1, q2 = -0.033333212, 0.001580717
	half := float32(0.5 * r)
	square := float32(r * half)
	p := float32(1 + float32(square*float32(q1+float32(square*q2))))
	t := float32(3 - float32(p*half))
	e := float32(square * float32(float32(p-t)/float32(6-float32(r*t))))
	if k == 0 {
		return float32(r - float32(float32(r*e)-square))
	}
	e = float32(float32(float32(r*float32(e-lost))-lost) - square)
	switch k {
	case -1:
		return float32(float32(0.5*float32(r-e)) - 0.5)
	case 1:
		return float32(1 + float32(2*float32(r-e)))
	}
	power, inverse := float32(int(1)<<k), float32(math.Ldexp(1, -k))
	if k < 23 {
		return float32(float32(float32(r-e)+float32(1-inverse)) * power)
	}
	return float32(float32(float32(r-float32(e+inverse))+1) * power)
}

// reduceLn2 returns x = k ln 2 + r + lost, where lost is what r cannot hold.
func reduceLn2(x float32) (k int, r, lost float32) {
	const high, low, inverse = 0.6931381, 9.058001e-06, 1.442695 // ln 2, and 1 / ln 2
	switch a := float32(math.Abs(float64(x))); {
	case a <= 0.3465736: // ln(2)/2
		return 0, x, 0
	case a >= 1.0397208: // 3 ln(2)/2
		k = int(float32(float32(inverse*x) + 0.5)) // x is positive
	case x > 0:
		k = 1
	default:
		k = -1
	}
	hi, lo := float32(x-float32(float32(k)*high)), float32(float32(k)*low)
	r = float32(hi - lo)
	return k, r, float32(float32(hi-r) - lo)
}
