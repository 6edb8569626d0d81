package pack

import (
	"math"

	"qtune/kernels/emit"
	"qtune/kernels/x86"
)

// QuantizeConstants lays out the constants of emit.Quantize.
func QuantizeConstants(scale float32, zero int32) []byte {
	const beyond = 1 << 16 // every byte
	l := emit.QuantizeLayout()
	dst := Aligned(l.Bytes)
	for _, f := range l.Fields {
		field := dst[f.Offset:][:f.Bytes]
		switch f.Name {
		case "divisor":
			fill64(field, math.Float64bits(float64(scale)))
		case "least":
			fill64(field, math.Float64bits(-beyond))
		case "most":
			fill64(field, math.Float64bits(beyond))
		case "one":
			fill32(field, 1)
		case "zero":
			fill32(field, uint32(zero))
		}
	}
	return dst
}

// DequantizeConstants lays out the constants of emit.Dequantize in vectors of
// width bytes.
func DequantizeConstants(scale float32, zero int32, width x86.Width) []byte {
	l := emit.DequantizeLayout(width)
	dst := Aligned(l.Bytes)
	for _, f := range l.Fields {
		field := dst[f.Offset:][:f.Bytes]
		if f.Name == "zero" {
			fill32(field, uint32(zero))
		} else {
			fillFloat(field, scale)
		}
	}
	return dst
}
