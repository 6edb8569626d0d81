package ref

import (
	"encoding/binary"
	"math"

	"qtune/qnn"
)

// quantize converts from float32, or from one quantisation to another. The
// former divides in double precision and rounds half away from zero. What leaves
// int32 saturates, which C leaves undefined; NaN becomes the zero point. Sums
// with a zero point wrap around.
func quantize(g *qnn.Graph, n *qnn.Node, vals Values, out []byte) {
	y := newResult(g, n, out)
	if g.Input(n, 0).Type == qnn.Float32 {
		x := vals.Of(g, n.Inputs[0])
		for k := range y.shape.Elems() {
			r := float64(float(x, k)) / float64(y.scale)
			if math.IsNaN(r) {
				r = 0
			}
			y.set(k, saturate(math.Round(r))+y.zero)
		}
		return
	}
	x := newOperand(g, n, vals, 0)
	m := qnn.QuantizeMultiplier(float64(x.scale) / float64(y.scale))
	for k, v := range x.v {
		y.set(k, m.Scale(v-x.zero, qnn.Double)+y.zero)
	}
}

func dequantize(x operand, out []byte) {
	for k, v := range x.v {
		r := float32(x.scale * float32(v-x.zero))
		binary.LittleEndian.PutUint32(out[4*k:], math.Float32bits(r))
	}
}

// dequantizeChannels is dequantize of a tensor with a scale for each index of a
// dimension. No such tensor is legalised.
func dequantizeChannels(t *qnn.Tensor, data, out []byte) {
	q := t.Quant
	inner := qnn.Shape(t.Shape[q.Axis+1:]).Elems()
	for k := range t.Shape.Elems() {
		c := k / inner % len(q.Scale)
		putFloat(out, k, float32(q.Scale[c]*float32(decode(t.Type, data, k)-q.Zero[c])))
	}
}
