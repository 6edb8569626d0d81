package graphgen

import (
	"encoding/binary"
	"math"
	"slices"

	"qtune/qnn"
)

// Draws of numbers, tensors and constants.

// typical is the magnitude of an 8-bit value less its zero point.
const typical = 70

func (b *builder) oneIn(n int) bool { return b.IntN(n) == 0 }

// between returns a number of [lo, hi].
func (b *builder) between(lo, hi int) int { return lo + b.IntN(hi-lo+1) }

// extent draws a height or a width.
func (b *builder) extent() int {
	if b.oneIn(3) {
		return b.between(1, 12)
	}
	return b.between(3, 8)
}

// channels draws a channel count: often small, sometimes around the widths of
// vectors.
func (b *builder) channels() int {
	switch b.IntN(4) {
	case 0:
		return b.between(1, 70)
	case 1:
		return []int{4, 8, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65}[b.IntN(12)]
	}
	return b.between(1, 12)
}

// eightBit draws a type of activations.
func (b *builder) eightBit() qnn.DType {
	if b.signed != b.oneIn(8) {
		return qnn.Int8
	}
	return qnn.Uint8
}

// zero draws a zero point of an 8-bit type: half of the time an end of the
// range or the middle.
func (b *builder) zero(t qnn.DType) int32 {
	lo, hi := t.Limits()
	return []int32{lo, hi, (lo + hi + 1) / 2, 0, lo + b.Int32N(256), lo + b.Int32N(256), lo + b.Int32N(256), lo + b.Int32N(256)}[b.IntN(8)]
}

// scale draws a scale around s.
func (b *builder) scale(s float64) float32 {
	if b.oneIn(6) { // a power of two: ties
		return float32(math.Exp2(math.Round(math.Log2(s))))
	}
	return float32(s * math.Exp2(3*b.Float64()-1.5))
}

// activation is a computed 8-bit tensor of no shape yet.
func (b *builder) activation(t qnn.DType, scale float32) qnn.Tensor {
	return qnn.Tensor{Type: t, Quant: qnn.Quant{Scale: []float32{scale}, Zero: []int32{b.zero(t)}}}
}

// result is an activation for real values of the given magnitude: mostly it
// uses the range well, sometimes everything saturates or is rounded to nothing.
func (b *builder) result(t qnn.DType, magnitude float64) qnn.Tensor {
	scale := magnitude / typical
	switch b.IntN(12) {
	case 0:
		scale /= math.Exp2(1 + 9*b.Float64())
	case 1:
		scale *= math.Exp2(1 + 9*b.Float64())
	}
	return b.activation(t, b.scale(scale))
}

// like is an activation of the type and quantisation of x.
func (b *builder) like(x qnn.TensorID) qnn.Tensor {
	t := b.g.Tensors[x]
	return qnn.Tensor{Type: t.Type, Quant: t.Quant}
}

// near is an activation quantised like x or, of 8 bits, about so.
func (b *builder) near(x qnn.TensorID) qnn.Tensor {
	if b.oneIn(2) || !b.g.Tensors[x].Type.Is8Bit() {
		return b.like(x)
	}
	return b.result(b.g.Tensors[x].Type, b.magnitude(x))
}

// magnitude is that of the real values of the quantised tensor x.
func (b *builder) magnitude(x qnn.TensorID) float64 {
	t := &b.g.Tensors[x]
	return float64(t.Quant.Scale[0]) * math.Exp2(float64(8*(t.Type.Size()-1))) * typical
}

// activationFunction draws a fused activation.
func (b *builder) activationFunction() qnn.Activation {
	if b.oneIn(2) {
		return qnn.NoActivation
	}
	return qnn.Activation(b.IntN(4))
}

func (b *builder) padding() qnn.Padding { return qnn.Padding(b.IntN(2)) }

// pick draws one of the live tensors that meet cond; half of the time the
// newest, so that networks become deep.
func (b *builder) pick(cond func(t *qnn.Tensor) bool) (qnn.TensorID, bool) {
	var fit []qnn.TensorID
	for _, id := range b.live {
		if cond(&b.g.Tensors[id]) {
			fit = append(fit, id)
		}
	}
	switch {
	case len(fit) == 0:
		return 0, false
	case b.oneIn(2):
		return fit[len(fit)-1], true
	}
	return fit[b.IntN(len(fit))], true
}

// Conditions of pick.
func any8(t *qnn.Tensor) bool   { return t.Type.Is8Bit() }
func rows8(t *qnn.Tensor) bool  { return t.Type.Is8Bit() && len(t.Shape) > 0 }
func image(t *qnn.Tensor) bool  { return len(t.Shape) == 4 }
func image8(t *qnn.Tensor) bool { return t.Type.Is8Bit() && len(t.Shape) == 4 }
func vector(t *qnn.Tensor) bool { return len(t.Shape) > 0 }

// shape is that of tensor x.
func (b *builder) shape(x qnn.TensorID) qnn.Shape { return b.g.Tensors[x].Shape }

// ints adds the constant that holds v, of type int32 or, with wide, int64.
func (b *builder) ints(v ...int) qnn.TensorID { return b.intsOf(qnn.Shape{len(v)}, v) }

func (b *builder) intsOf(s qnn.Shape, v []int) qnn.TensorID {
	t := qnn.Tensor{Type: qnn.Int32, Shape: s, Data: []byte{}}
	for _, x := range v {
		t.Data = binary.LittleEndian.AppendUint32(t.Data, uint32(x))
	}
	return b.tensor(t)
}

// bytes draws n bytes: random ones, mostly; sometimes few distinct ones, or
// nothing but the ends of an 8-bit range.
func (b *builder) bytes(n int) []byte {
	out := make([]byte, n)
	kind := b.IntN(10)
	for i := range out {
		v := byte(b.Uint32())
		switch kind {
		case 0:
			v = []byte{0x00, 0xff}[v&1]
		case 1:
			v = []byte{0x80, 0x7f}[v&1]
		case 2:
			v = []byte{0x80, 0x00, 0xff, 0x7f}[v&3]
		}
		out[i] = v
	}
	return out
}

// constant adds a constant of the type of t with random contents.
func (b *builder) constant(t qnn.Tensor) qnn.TensorID {
	t.Data = b.bytes(t.Bytes())
	return b.tensor(t)
}

// other returns an 8-bit operand of type t that broadcasts with shape s: the
// same tensor again, another one, a constant, or a new input.
func (b *builder) other(x qnn.TensorID) qnn.TensorID {
	t, s := b.g.Tensors[x].Type, b.shape(x)
	switch b.IntN(8) {
	case 0:
		return x
	case 1, 2, 3, 4:
		id, ok := b.pick(func(y *qnn.Tensor) bool {
			out, ok := qnn.Broadcast(s, y.Shape)
			return y.Type == t && ok && out.Elems() <= maxElems
		})
		if ok {
			return id
		}
	}
	y := b.activation(t, b.scale(b.magnitude(x)/typical))
	y.Shape = b.broadcastable(s)
	if b.oneIn(4) {
		return b.input(y)
	}
	return b.constant(y)
}

// broadcastable draws a shape that broadcasts with s.
func (b *builder) broadcastable(s qnn.Shape) qnn.Shape {
	out := slices.Clone(s)
	switch b.IntN(5) {
	case 0: // one for each channel
		for i := range max(0, len(out)-1) {
			out[i] = 1
		}
	case 1:
		out = qnn.Shape{1}
	case 2:
		for i := range out {
			if b.oneIn(2) {
				out[i] = 1
			}
		}
	case 3: // fewer dimensions
		out = out[b.IntN(len(out)+1):]
	}
	return out
}
