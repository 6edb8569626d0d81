package graphgen

import (
	"encoding/binary"
	"math"

	"qtune/qnn"
)

// Makers of the operators with weights.

// weights adds the weights of a layer over x, whose output channels are the
// dimension axis of s, and its bias, or none with optional. It returns the
// largest scale of a channel.
func (b *builder) weights(x qnn.TensorID, s qnn.Shape, axis int) (w, bias qnn.TensorID, scale float64) {
	t := qnn.Tensor{Type: b.g.Tensors[x].Type, Shape: s}
	channels := s[axis]
	t.Quant = qnn.Quant{Scale: []float32{b.scale(0.02)}, Zero: []int32{0}}
	switch {
	case t.Type == qnn.Uint8:
		t.Quant.Zero[0] = b.zero(qnn.Uint8)
	case b.oneIn(2) && channels > 1:
		t.Quant.Axis = axis
		for range channels - 1 {
			t.Quant.Scale = append(t.Quant.Scale, b.scale(0.02))
			t.Quant.Zero = append(t.Quant.Zero, 0)
		}
		if b.oneIn(16) {
			t.Quant.Scale[b.IntN(channels)] = 0
		}
	}
	for _, v := range t.Quant.Scale {
		scale = max(scale, float64(v))
	}
	q := qnn.Quant{Zero: make([]int32, len(t.Quant.Scale))}
	for _, v := range t.Quant.Scale {
		q.Scale = append(q.Scale, b.g.Tensors[x].Quant.Scale[0]*v)
	}
	return b.constant(t), b.bias(channels, s.Elems()/channels, q), scale
}

// bias adds a bias for sums of n products, quantised as q, or returns NoTensor.
func (b *builder) bias(channels, n int, q qnn.Quant) qnn.TensorID {
	if b.oneIn(10) {
		return qnn.NoTensor
	}
	t := qnn.Tensor{Type: qnn.Int32, Shape: qnn.Shape{channels}, Quant: q}
	most := int32(typical * typical * math.Sqrt(float64(n)))
	if b.oneIn(30) {
		most = math.MaxInt32
	}
	for range channels {
		t.Data = binary.LittleEndian.AppendUint32(t.Data, uint32(b.Int32N(most)-most/2))
	}
	return b.tensor(t)
}

// layerResult is the output of a layer over x with weights of a scale that
// sums n products.
func (b *builder) layerResult(x qnn.TensorID, scale float64, n int) qnn.Tensor {
	return b.result(b.g.Tensors[x].Type, b.magnitude(x)*scale*typical*math.Sqrt(float64(n)))
}

// afford takes n multiply-accumulate steps from what is left.
func (b *builder) afford(n int) bool {
	b.macs -= n
	return b.macs >= 0
}

// A slide is how a window moves along one dimension.
type slide struct{ k, stride, dilation int }

// slide draws a window for an extent of in cells.
func (b *builder) slide(in int, p qnn.Padding) slide {
	s := slide{[]int{1, 3, 3, 5, 2, 7}[b.IntN(6)], 1, 1}
	if b.oneIn(3) {
		s.stride = b.between(1, 3)
	}
	if b.oneIn(5) {
		s.dilation = b.between(1, 3)
	}
	if p == qnn.Valid {
		if s.k = min(s.k, in); (s.k-1)*s.dilation >= in {
			s.dilation = 1
		}
	}
	return s
}

// window draws the windows of both dimensions; mostly they are alike.
func (b *builder) window(x qnn.TensorID, p qnn.Padding) (h, w slide) {
	s := b.shape(x)
	h, w = b.slide(s[1], p), b.slide(s[2], p)
	if (p == qnn.Same || s[1] == s[2]) && !b.oneIn(3) {
		w = h
	}
	return h, w
}

func (b *builder) conv() bool {
	x, ok := b.pick(image8)
	return ok && b.convOf(x, b.channels(), b.padding())
}

// convOf adds a convolution of x to o channels.
func (b *builder) convOf(x qnn.TensorID, o int, p qnn.Padding) bool {
	h, w := b.window(x, p)
	if b.oneIn(4) {
		h, w = slide{1, 1, 1}, slide{1, 1, 1}
	}
	c := b.shape(x)[3]
	ws, bias, scale := b.weights(x, qnn.Shape{o, h.k, w.k, c}, 0)
	op := qnn.Conv2D{
		Padding: p, StrideH: h.stride, StrideW: w.stride, DilationH: h.dilation, DilationW: w.dilation,
		Activation: b.activationFunction(),
	}
	y := b.layerResult(x, scale, h.k*w.k*c)
	return b.node(op, y, present(x, ws, bias)...) && b.afford(h.k*w.k*c*b.newest().Shape.Elems())
}

func (b *builder) depthwise() bool {
	x, ok := b.pick(image8)
	return ok && b.depthwiseOf(x, b.padding())
}

// depthwiseOf adds a depthwise convolution of x.
func (b *builder) depthwiseOf(x qnn.TensorID, p qnn.Padding) bool {
	h, w := b.window(x, p)
	c, m := b.shape(x)[3], 1
	if b.oneIn(4) {
		m = b.between(1, max(1, min(8, 70/c)))
	}
	ws, bias, scale := b.weights(x, qnn.Shape{1, h.k, w.k, c * m}, 3)
	op := qnn.Depthwise{
		Padding: p, StrideH: h.stride, StrideW: w.stride, DilationH: h.dilation, DilationW: w.dilation,
		Multiplier: m, Activation: b.activationFunction(),
	}
	y := b.layerResult(x, scale, h.k*w.k)
	return b.node(op, y, present(x, ws, bias)...) && b.afford(h.k*w.k*b.newest().Shape.Elems())
}

func (b *builder) dense() bool {
	x, ok := b.pick(rows8)
	return ok && b.denseOf(x)
}

// denseOf adds a dense layer over rows of x: its last dimension, or also all
// of an image.
func (b *builder) denseOf(x qnn.TensorID) bool {
	s, o := b.shape(x), b.channels()
	op := qnn.Dense{Activation: b.activationFunction(), KeepDims: b.oneIn(3)}
	c := s[len(s)-1]
	if !op.KeepDims && b.oneIn(2) {
		c = s.Elems() / s[0]
	}
	ws, bias, scale := b.weights(x, qnn.Shape{o, c}, 0)
	return b.node(op, b.layerResult(x, scale, c), x, ws, bias) && b.afford(s.Elems()*o)
}

func (b *builder) transposeConv() bool {
	x, ok := b.pick(image8)
	if !ok {
		return false
	}
	s, o := b.shape(x), b.channels()
	op := qnn.TransposeConv{Padding: b.padding(), StrideH: b.between(1, 3), StrideW: b.between(1, 3)}
	kh, kw := b.between(1, 4), b.between(1, 4)
	out := qnn.Shape{s[0], s[1] * op.StrideH, s[2] * op.StrideW, o}
	if op.Padding == qnn.Valid {
		out[1], out[2] = (s[1]-1)*op.StrideH+kh, (s[2]-1)*op.StrideW+kw
	}
	ws, bias, scale := b.weights(x, qnn.Shape{o, kh, kw, s[3]}, 0)
	y := b.layerResult(x, scale, max(1, kh*kw*s[3]/op.StrideH/op.StrideW))
	return b.node(op, y, present(b.ints(out...), ws, x, bias)...) && b.afford(kh*kw*o*s.Elems())
}

// present drops an optional last operand that is absent.
func present(ids ...qnn.TensorID) []qnn.TensorID {
	if last := len(ids) - 1; ids[last] == qnn.NoTensor {
		return ids[:last]
	}
	return ids
}

// last is the tensor that was computed last.
func (b *builder) last() qnn.TensorID { return b.live[len(b.live)-1] }

// newest is last.
func (b *builder) newest() *qnn.Tensor { return &b.g.Tensors[b.last()] }
