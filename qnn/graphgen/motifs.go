package graphgen

import "qtune/qnn"

// motifs add several nodes as networks have them together: what passes fuse
// and what memory plans have to get right.
var motifs = []func(*builder) bool{
	(*builder).inception, (*builder).residual, (*builder).padded, (*builder).fanOut, (*builder).head, (*builder).chain,
	(*builder).blocks, (*builder).glue,
}

// inception concatenates convolutions of one tensor; most are quantised like
// the result, so that they can write into it.
func (b *builder) inception() bool {
	x, ok := b.pick(image8)
	if !ok {
		return false
	}
	var parts []qnn.TensorID
	out := b.result(b.g.Tensors[x].Type, b.magnitude(x))
	for range b.between(2, 4) {
		if !b.branch(x) {
			return false
		}
		if y := b.newest(); !b.oneIn(6) {
			y.Quant = out.Quant
		}
		parts = append(parts, b.last())
	}
	if b.oneIn(4) {
		parts = append(parts, x)
	}
	return b.node(qnn.Concat{Axis: 3}, out, parts...)
}

// branch adds a layer over x that keeps height and width.
func (b *builder) branch(x qnn.TensorID) bool {
	k := []int{1, 1, 3, 5}[b.IntN(4)]
	o, c := b.between(1, 24), b.shape(x)[3]
	op := qnn.Conv2D{StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Activation: b.activationFunction()}
	ws, bias, scale := b.weights(x, qnn.Shape{o, k, k, c}, 0)
	return b.node(op, b.layerResult(x, scale, k*k*c), present(x, ws, bias)...) && b.afford(k*k*c*b.newest().Shape.Elems())
}

// residual adds a layer's result to its input.
func (b *builder) residual() bool {
	x, ok := b.pick(image8)
	if !ok {
		return false
	}
	k, c := []int{1, 3}[b.IntN(2)], b.shape(x)[3]
	ws, bias, scale := b.weights(x, qnn.Shape{c, k, k, c}, 0)
	op := qnn.Conv2D{StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Activation: b.activationFunction()}
	if !b.node(op, b.layerResult(x, scale, k*k*c), present(x, ws, bias)...) || !b.afford(k*k*c*b.newest().Shape.Elems()) {
		return false
	}
	y := b.last()
	sum := b.result(b.g.Tensors[x].Type, 1.4*max(b.magnitude(x), b.magnitude(y)))
	if b.oneIn(2) {
		x, y = y, x
	}
	return b.node(qnn.Add{Activation: b.activationFunction()}, sum, x, y)
}

// padded adds a PAD before a layer or a pooling, and a RELU after it.
func (b *builder) padded() bool {
	x, ok := b.pick(image8)
	if !ok || !b.padOf(x, false) {
		return false
	}
	x = b.last()
	switch b.IntN(4) {
	case 0, 1:
		ok = b.convOf(x, b.channels(), b.padding())
	case 2:
		ok = b.depthwiseOf(x, b.padding())
	default:
		ok = b.poolOf(x, qnn.Valid, func(p qnn.Pool) qnn.Op { return qnn.MaxPool{Pool: p} })
	}
	if !ok || b.oneIn(2) {
		return ok
	}
	x = b.last()
	return b.node(qnn.Clamp{Activation: []qnn.Activation{qnn.Relu, qnn.Relu6}[b.IntN(2)]}, b.near(x), x)
}

// fanOut reads one tensor by nodes of different kinds, with different borders.
func (b *builder) fanOut() bool {
	x, ok := b.pick(image8)
	if !ok {
		return false
	}
	readers := []func() bool{
		func() bool { return b.convOf(x, b.channels(), qnn.Same) },
		func() bool { return b.depthwiseOf(x, qnn.Same) },
		func() bool {
			return b.poolOf(x, qnn.Same, func(p qnn.Pool) qnn.Op { return qnn.AveragePool{Pool: p} })
		},
		func() bool { return b.node(qnn.Add{}, b.near(x), x, x) },
		func() bool { return b.denseOf(x) },
	}
	for _, k := range b.Perm(len(readers))[:b.between(2, 3)] {
		if !readers[k]() {
			return false
		}
	}
	return true
}

// head ends a network: mean, dense layer, softmax or the greatest class.
func (b *builder) head() bool {
	x, ok := b.pick(image8)
	if !ok || !b.node(qnn.Mean{KeepDims: b.oneIn(2)}, b.near(x), x, b.ints(1, 2)) || !b.denseOf(b.last()) {
		return false
	}
	x = b.last()
	if b.oneIn(3) {
		return b.node(qnn.ArgMax{}, qnn.Tensor{Type: qnn.Int64}, x, b.ints(-1))
	}
	if !b.node(qnn.Softmax{Beta: 1}, b.fraction(x), x) || b.oneIn(2) {
		return true
	}
	return b.node(qnn.Dequantize{}, qnn.Tensor{Type: qnn.Float32}, b.last())
}

// chain adds layers one after the other: their tensors live briefly and share
// memory.
func (b *builder) chain() bool {
	x, ok := b.pick(image8)
	if !ok {
		return false
	}
	for range b.between(2, 4) {
		if b.oneIn(2) {
			ok = b.convOf(x, b.between(1, 20), qnn.Same)
		} else {
			ok = b.depthwiseOf(x, qnn.Same)
		}
		if !ok {
			return false
		}
		x = b.last()
	}
	return true
}
