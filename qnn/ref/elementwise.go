package ref

import (
	"encoding/binary"
	"math"

	"qtune/qnn"
)

// add: both operands are scaled to a common fixed-point scale with 20 bits of
// headroom, added, and scaled to the output.
func add(a, b operand, y result, act qnn.Activation) {
	y = y.activation(act)
	ma, mb, my := qnn.AddMultipliers(a.scale, b.scale, y.scale)
	sa, sb := strides(a.shape, y.shape), strides(b.shape, y.shape)
	each(y.shape, func(k int, at []int) {
		va := ma.Scale((a.v[offset(at, sa)]-a.zero)<<qnn.AddHeadroom, qnn.Double)
		vb := mb.Scale((b.v[offset(at, sb)]-b.zero)<<qnn.AddHeadroom, qnn.Double)
		y.set(k, my.Scale(va+vb, qnn.Double)+y.zero)
	})
}

// quantize converts from float32, or from one 8-bit quantisation to another.
// The former divides in double precision and rounds half away from zero. What
// leaves int32 saturates, which C leaves undefined; NaN becomes the zero point.
func quantize(g *qnn.Graph, n *qnn.Node, vals Values, out []byte) {
	y := newResult(g, n, out)
	if g.Input(n, 0).Type == qnn.Float32 {
		x := vals.Of(g, n.Inputs[0])
		for k := range out {
			r := float64(math.Float32frombits(binary.LittleEndian.Uint32(x[4*k:]))) / float64(y.scale)
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
	for k, b := range data {
		c := k / inner % len(q.Scale)
		putFloat(out, k, float32(q.Scale[c]*float32(decode(t.Type, b)-q.Zero[c])))
	}
}

// softmax over the last dimension, in float32; the sum runs in element order.
// zero is added to the results.
func softmax(x operand, y result, zero int32, beta float32) {
	var exp [256]float32 // of minus the distance from the maximum
	step := float32(-x.scale * beta)
	for i := range exp {
		exp[i] = Exp(float32(step * float32(i)))
	}
	depth := x.shape[len(x.shape)-1]
	for at := 0; at < len(x.v); at += depth {
		row := x.v[at : at+depth]
		top := row[0]
		for _, v := range row {
			top = max(top, v)
		}
		var sum float32
		for _, v := range row {
			sum = float32(sum + exp[top-v])
		}
		inverse := float32(1 / float32(sum*y.scale))
		for k, v := range row {
			p := float32(exp[top-v] * inverse)
			y.set(at+k, saturate(math.Floor(float64(float32(p+0.5))))+zero)
		}
	}
}

// saturate converts to a value that is beyond every 8-bit range if r is.
func saturate(r float64) int32 { return int32(min(max(r, -1<<16), 1<<16)) }
