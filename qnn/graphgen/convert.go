package graphgen

import (
	"math"

	"qtune/qnn"
)

// Makers of the operators that convert.

// quantize goes from float32 to 8 bits or int16, or from one quantisation to
// another.
func (b *builder) quantize() bool {
	x, ok := b.pick(func(t *qnn.Tensor) bool {
		return any8(t) || isFloat(t) || wide(t) && len(t.Quant.Scale) == 1
	})
	if !ok {
		return false
	}
	from := b.g.Tensors[x]
	to, magnitude := []qnn.DType{qnn.Uint8, qnn.Int8}, 3.0
	switch {
	case isFloat(&from) && b.oneIn(2):
		to = []qnn.DType{qnn.Int16}
	case from.Type == qnn.Int16:
		to = []qnn.DType{qnn.Int8, qnn.Int16, qnn.Int32}
	case from.Type == qnn.Int32:
		to = []qnn.DType{qnn.Int8, qnn.Int16}
	}
	if !isFloat(&from) {
		magnitude = b.magnitude(x)
	}
	t := to[b.IntN(len(to))]
	if t.Is8Bit() {
		return b.node(qnn.Quantize{}, b.result(t, magnitude), x)
	}
	return b.node(qnn.Quantize{}, b.wideResult(from.Type, t, magnitude), x)
}

// wide tells whether t may hold quantised values of more than 8 bits.
func wide(t *qnn.Tensor) bool { return t.Type == qnn.Int16 || t.Type == qnn.Int32 }

// wideResult is a result of int16 or int32 for real values of the given
// magnitude, mostly without a zero point.
func (b *builder) wideResult(from, t qnn.DType, magnitude float64) qnn.Tensor {
	y := b.result(qnn.Int8, magnitude*math.Exp2(float64(-8*(t.Size()-1))))
	y.Type, y.Quant.Zero[0] = t, 0
	if from != qnn.Int16 && b.oneIn(3) {
		y.Quant.Zero[0] = b.Int32N(1<<12) - 1<<11
	}
	return y
}

// dequantize goes to float32, from int16 where that has no zero point.
func (b *builder) dequantize() bool {
	x, ok := b.pick(func(t *qnn.Tensor) bool {
		return any8(t) || t.Type == qnn.Int16 && len(t.Quant.Zero) == 1 && t.Quant.Zero[0] == 0
	})
	return ok && b.node(qnn.Dequantize{}, qnn.Tensor{Type: qnn.Float32}, x)
}

// cast goes from any type of numbers to another.
func (b *builder) cast() bool {
	x, ok := b.pick(func(*qnn.Tensor) bool { return true })
	if !ok {
		return false
	}
	t := []qnn.DType{qnn.Float32, qnn.Int16, qnn.Int32, qnn.Int64}[b.IntN(4)]
	return b.node(qnn.Cast{}, qnn.Tensor{Type: t}, x)
}
