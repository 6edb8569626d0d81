package ref

import (
	"encoding/binary"
	"math"
)

// widenHalf is DEQUANTIZE of float16: the same number as float32.
func widenHalf(x, out []byte) {
	for i := range len(x) / 2 {
		f := half(binary.LittleEndian.Uint16(x[2*i:]))
		binary.LittleEndian.PutUint32(out[4*i:], math.Float32bits(f))
	}
}

// half returns the value of an IEEE 754 binary16: a sign, 5 bits of exponent
// and 10 of fraction.
func half(b uint16) float32 {
	sign, exponent, fraction := uint32(b>>15), uint32(b>>10&31), uint32(b&1023)
	switch {
	case exponent == 31 && fraction != 0: // a quiet NaN, as arithmetic makes it
		return math.Float32frombits(sign<<31 | 0xff<<23 | 1<<22 | fraction<<13)
	case exponent == 31:
		return math.Float32frombits(sign<<31 | 0xff<<23)
	case exponent == 0: // subnormal, in steps of 2^-24
		f := float32(fraction) * (1.0 / (1 << 24))
		return math.Float32frombits(sign<<31 | math.Float32bits(f))
	}
	return math.Float32frombits(sign<<31 | (exponent-15+127)<<23 | fraction<<13)
}
