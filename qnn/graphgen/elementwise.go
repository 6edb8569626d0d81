package graphgen

import "qtune/qnn"

// Makers of the operators that compute each element, row or neighbourhood.

func (b *builder) sum(op func(qnn.Activation) qnn.Op) bool {
	x, ok := b.pick(any8)
	if !ok {
		return false
	}
	y := b.other(x)
	if b.oneIn(2) {
		x, y = y, x
	}
	out := b.result(b.g.Tensors[x].Type, 1.4*max(b.magnitude(x), b.magnitude(y)))
	return b.node(op(b.activationFunction()), out, x, y)
}

func (b *builder) mul() bool {
	x, ok := b.pick(any8)
	if !ok {
		return false
	}
	y := b.other(x)
	out := b.result(b.g.Tensors[x].Type, b.magnitude(x)*b.magnitude(y))
	return b.node(qnn.Mul{Activation: b.activationFunction()}, out, x, y)
}

// div adds a DIV, which is defined for uint8 only.
func (b *builder) div() bool {
	x, ok := b.pick(func(t *qnn.Tensor) bool { return t.Type == qnn.Uint8 })
	if !ok {
		return false
	}
	y := b.other(x)
	if b.oneIn(2) {
		x, y = y, x
	}
	out := b.result(qnn.Uint8, typical*b.magnitude(x)/b.magnitude(y)/8)
	return b.node(qnn.Div{Activation: b.activationFunction()}, out, x, y)
}

// extreme adds a MAXIMUM or a MINIMUM, which compares stored values: mostly of
// tensors quantised alike.
func (b *builder) extreme(op qnn.Op) bool {
	x, ok := b.pick(any8)
	if !ok {
		return false
	}
	if b.oneIn(4) {
		return b.node(op, b.near(x), x, b.other(x))
	}
	t := b.like(x)
	y, ok := b.pick(func(y *qnn.Tensor) bool {
		out, fits := qnn.Broadcast(b.shape(x), y.Shape)
		return fits && out.Elems() <= maxElems && y.Type == t.Type &&
			y.Quant.Scale[0] == t.Quant.Scale[0] && y.Quant.Zero[0] == t.Quant.Zero[0]
	})
	if !ok || b.oneIn(2) {
		constant := t
		constant.Shape = b.broadcastable(b.shape(x))
		y = b.constant(constant)
	}
	return b.node(op, t, x, y)
}

func (b *builder) prelu() bool {
	if b.oneIn(4) {
		return b.pairOfFloats(qnn.PRelu{}, qnn.Float32)
	}
	x, ok := b.pick(any8)
	if !ok {
		return false
	}
	t := b.activation(b.g.Tensors[x].Type, b.scale(1.0/128))
	t.Shape = b.broadcastable(b.shape(x))
	return b.node(qnn.PRelu{}, b.near(x), x, b.constant(t))
}

func (b *builder) unary(op qnn.Op) bool {
	x, ok := b.pick(any8)
	return ok && b.node(op, b.near(x), x)
}

// curve adds an operator whose results are at most 1.
func (b *builder) curve(op qnn.Op) bool {
	x, ok := b.pick(any8)
	return ok && b.node(op, b.fraction(x), x)
}

// fraction is a result of real values up to 1: often as TensorFlow Lite's
// converter quantises it.
func (b *builder) fraction(x qnn.TensorID) qnn.Tensor {
	t := b.result(b.g.Tensors[x].Type, 0.3)
	if b.oneIn(2) {
		t.Quant.Scale[0] = 1.0 / 256
		t.Quant.Zero[0], _ = t.Type.Limits()
	}
	return t
}

func (b *builder) hardSwish() bool {
	x, ok := b.pick(any8)
	if !ok {
		return false
	}
	y := b.near(x)
	in, out := b.g.Tensors[x].Quant.Scale[0], y.Quant.Scale[0]
	return qnn.ResolveHardSwish(in, out).Output.Exp <= 0 && b.node(qnn.HardSwish{}, y, x)
}

func (b *builder) softmax() bool {
	x, ok := b.pick(rows8)
	return ok && b.node(qnn.Softmax{Beta: []float32{1, 1, 0.5, 3}[b.IntN(4)]}, b.fraction(x), x)
}

func (b *builder) l2norm() bool {
	x, ok := b.pick(func(t *qnn.Tensor) bool { return vector(t) && (any8(t) || isFloat(t)) })
	if !ok {
		return false
	}
	y := qnn.Tensor{Type: b.g.Tensors[x].Type, Quant: qnn.Quant{Scale: []float32{1.0 / 128}, Zero: []int32{128}}}
	switch y.Type {
	case qnn.Int8:
		y.Quant.Zero[0] = 0
	case qnn.Float32:
		y.Quant = qnn.Quant{}
	}
	return b.node(qnn.L2Norm{}, y, x)
}

func (b *builder) pool(op func(qnn.Pool) qnn.Op) bool {
	x, ok := b.pick(image8)
	return ok && b.poolOf(x, b.padding(), op)
}

// poolOf adds a pooling of x: over a window, or over all of it.
func (b *builder) poolOf(x qnn.TensorID, pad qnn.Padding, op func(qnn.Pool) qnn.Op) bool {
	s := b.shape(x)
	h, w := b.window(x, pad)
	p := qnn.Pool{
		Padding: pad, StrideH: h.stride, StrideW: w.stride, FilterH: h.k, FilterW: w.k,
		Activation: b.activationFunction(),
	}
	if b.oneIn(5) {
		p.Padding, p.FilterH, p.FilterW = qnn.Valid, s[1], s[2]
	}
	return b.node(op(p), b.like(x), x)
}

// axes draws some of the dimensions of rank, written from either end.
func (b *builder) axes(rank int) []int {
	if rank == 4 && b.oneIn(2) {
		return []int{1, 2}
	}
	axes := b.Perm(rank)[:b.between(1, rank)]
	for i := range axes {
		if b.oneIn(4) {
			axes[i] -= rank
		}
	}
	return axes
}

func (b *builder) mean() bool {
	x, ok := b.pick(rows8)
	return ok && b.node(qnn.Mean{KeepDims: b.oneIn(2)}, b.near(x), x, b.ints(b.axes(len(b.shape(x)))...))
}

func (b *builder) reduce(kind qnn.ReduceKind) bool {
	x, ok := b.pick(rows8)
	return ok && b.node(qnn.Reduce{Kind: kind, KeepDims: b.oneIn(2)}, b.near(x), x, b.ints(b.axes(len(b.shape(x)))...))
}

func (b *builder) argBest(op qnn.Op) bool {
	x, ok := b.pick(func(t *qnn.Tensor) bool { return vector(t) && (any8(t) || number(t) || t.Type == qnn.Bool) })
	if !ok {
		return false
	}
	axis := len(b.shape(x)) - 1
	if b.oneIn(3) {
		axis = b.IntN(axis + 1)
	}
	t := []qnn.DType{qnn.Int32, qnn.Int64}[b.IntN(2)]
	return b.node(op, qnn.Tensor{Type: t}, x, b.intsOf(qnn.Shape{}, []int{axis}))
}

// resize draws the options of a resizing operator and the new extent.
func (b *builder) resize() (r qnn.Resize, size qnn.TensorID) {
	switch b.IntN(3) {
	case 0:
		r.AlignCorners = true
	case 1:
		r.HalfPixel = true
	}
	return r, b.ints(b.between(1, maxExtent), b.between(1, maxExtent))
}

func (b *builder) resizeBilinear() bool {
	x, ok := b.pick(image8)
	r, size := b.resize()
	return ok && b.node(qnn.ResizeBilinear{Resize: r}, b.like(x), x, size)
}

func (b *builder) resizeNearest() bool {
	x, ok := b.pick(image)
	r, size := b.resize()
	return ok && b.node(qnn.ResizeNearest{Resize: r}, b.like(x), x, size)
}
