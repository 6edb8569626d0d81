package graphgen

import "qtune/qnn"

func unary(op qnn.Op) func(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	return func(b *builder) (qnn.Node, []qnn.Tensor, bool) {
		x, ok := b.bytes()
		if !ok {
			return none()
		}
		return single(op, b.result(x), x)
	}
}

func leakyRelu(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.bytes()
	if !ok {
		return none()
	}
	return single(qnn.LeakyRelu{Alpha: pick[float32](b, 0.1, 0, 0.5, 1.5)}, b.result(x), x)
}

func prelu(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.image()
	if !ok {
		return none()
	}
	return single(qnn.PRelu{}, b.result(x), x, b.constant(x, qnn.Shape{1, 1, b.g.Tensors[x].Shape[3]}))
}

func elu(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.one(func(t *qnn.Tensor) bool { return isBytes(t) && t.Type == qnn.Int8 })
	if !ok {
		return none()
	}
	return single(qnn.Elu{}, b.result(x), x)
}

func quantize(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.one(func(t *qnn.Tensor) bool { return isBytes(t) || t.Type == qnn.Float32 })
	if !ok {
		return none()
	}
	y := qnn.Tensor{Type: pick(b, qnn.Uint8, qnn.Int8)}
	y.Quant = b.quant(y.Type)
	return single(qnn.Quantize{}, y, x)
}

func dequantize(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.bytes()
	if !ok {
		return none()
	}
	return single(qnn.Dequantize{}, qnn.Tensor{Type: qnn.Float32}, x)
}

func softmax(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.bytes()
	if !ok {
		return none()
	}
	y := b.like(x)
	y.Quant = qnn.Quant{Scale: []float32{1.0 / 256}, Zero: []int32{0}}
	if y.Type == qnn.Int8 {
		y.Quant.Zero[0] = -128
	}
	return single(qnn.Softmax{Beta: pick[float32](b, 1, 0.5, 2)}, y, x)
}

func l2norm(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.bytes()
	if !ok {
		return none()
	}
	y := b.like(x)
	y.Quant = qnn.Quant{Scale: []float32{1.0 / 128}, Zero: []int32{128}}
	if y.Type == qnn.Int8 {
		y.Quant.Zero[0] = 0
	}
	return single(qnn.L2Norm{}, y, x)
}

func mean(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.one(func(t *qnn.Tensor) bool { return isBytes(t) && len(t.Shape) > 1 })
	if !ok {
		return none()
	}
	axes := []int{1, 2}
	if n := len(b.g.Tensors[x].Shape); n < 3 || b.chance(3) {
		axes = []int{b.draw(n)}
	}
	return single(qnn.Mean{KeepDims: b.chance(2)}, b.result(x), x, b.ints(qnn.Shape{len(axes)}, axes...))
}

func reduceOf(kind qnn.ReduceKind) func(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	return func(b *builder) (qnn.Node, []qnn.Tensor, bool) {
		n, outputs, ok := mean(b)
		if ok {
			n.Op = qnn.Reduce{Kind: kind, KeepDims: b.chance(2)}
		}
		return n, outputs, ok
	}
}

func argMax(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.bytes()
	if !ok {
		return none()
	}
	n := len(b.g.Tensors[x].Shape)
	axis := n - 1
	if b.chance(3) {
		axis = b.draw(n)
	}
	return single(qnn.ArgMax{}, qnn.Tensor{Type: pick(b, qnn.Int64, qnn.Int32)}, x, b.ints(qnn.Shape{}, axis))
}

func resize(bilinear bool) func(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	return func(b *builder) (qnn.Node, []qnn.Tensor, bool) {
		x, ok := b.image()
		if !ok {
			return none()
		}
		r := pick(b, qnn.Resize{}, qnn.Resize{AlignCorners: true}, qnn.Resize{HalfPixel: true})
		size := b.ints(qnn.Shape{2}, 1+b.draw(14), 1+b.draw(14))
		if bilinear {
			return single(qnn.ResizeBilinear{Resize: r}, b.like(x), x, size)
		}
		return single(qnn.ResizeNearest{Resize: r}, b.like(x), x, size)
	}
}

// glue computes on float32 or int32 numbers that some other node has made, or
// makes some.
func glue(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.one(func(t *qnn.Tensor) bool { return t.Type == qnn.Float32 || t.Type == qnn.Int32 })
	if !ok {
		return dequantize(b)
	}
	t := b.g.Tensors[x]
	y := qnn.Tensor{Type: t.Type}
	other, _ := b.one(func(o *qnn.Tensor) bool {
		_, fits := qnn.Broadcast(o.Shape, t.Shape)
		return o.Type == t.Type && fits
	})
	curves := []qnn.Op{qnn.Clamp{Activation: pick(b, qnn.Relu, qnn.Relu6, qnn.ReluN1To1)}, qnn.Logistic{}, qnn.Tanh{},
		qnn.HardSwish{}, qnn.LeakyRelu{Alpha: 0.3}, qnn.Softmax{Beta: 1}}
	pairs := []qnn.Op{qnn.Add{Activation: act(b)}, qnn.Sub{Activation: act(b)}, qnn.Mul{Activation: act(b)}, qnn.Maximum{}, qnn.Minimum{}}
	switch {
	case t.Type == qnn.Float32 && b.chance(2):
		return single(pick(b, curves...), y, x)
	case len(t.Shape) > 0 && b.chance(5):
		return single(qnn.Concat{Axis: b.draw(len(t.Shape))}, y, x, x)
	}
	return single(pick(b, pairs...), y, x, other)
}
