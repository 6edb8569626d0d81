package pass_test

import "qtune/qnn"

// residualBlock is MobileNet v2's block, a dense layer with a residual, and a
// convolution whose other operand is made after it.
func residualBlock(typ qnn.DType) *qnn.Graph {
	b := newBuilder("block", typ)
	x := b.input("x", b.quant(0.05, 100), 1, 4, 4, 3)
	d := b.depthwise("d", b.conv("expand", x, 6, 1, 1, qnn.Valid, qnn.Relu6), 3, 1, qnn.Same)
	sum := b.add("sum", qnn.NoActivation, x, b.conv("project", d, 3, 1, 1, qnn.Valid, qnn.NoActivation))
	early := b.depthwise("early", sum, 3, 1, qnn.Same)
	pool := b.node("pool", b.like(sum), qnn.MaxPool{Pool: qnn.Pool{FilterH: 3, FilterW: 3, StrideH: 1, StrideW: 1}}, sum)
	late := b.add("late", qnn.Relu, early, pool)
	v := b.input("v", b.quant(0.05, 90), 2, 5)
	return b.outputs(late, b.add("row", qnn.Relu6, b.dense("dense", v, 5), v))
}

// residualTwo adds two convolutions, and then a third.
func residualTwo() *qnn.Graph {
	b := newBuilder("two", qnn.Uint8)
	x := b.input("x", b.quant(0.05, 100), 1, 4, 4, 3)
	second := b.conv("second", x, 4, 3, 1, qnn.Same, qnn.Relu)
	first := b.conv("first", x, 4, 1, 1, qnn.Same, qnn.NoActivation)
	third := b.conv("third", x, 4, 1, 1, qnn.Same, qnn.NoActivation)
	return b.outputs(b.add("more", qnn.Relu, third, b.add("sum", qnn.Relu, first, second)))
}

// residualKept has additions that stay: of broadcast operands, of results that
// are needed elsewhere, of a tensor to itself, of a constant.
func residualKept() *qnn.Graph {
	b := newBuilder("kept", qnn.Uint8)
	x := b.input("x", b.quant(0.05, 100), 1, 4, 4, 3)
	v := b.input("v", b.quant(0.05, 100), 3)
	broadcast := b.add("broadcast", qnn.Relu, b.conv("a", x, 3, 1, 1, qnn.Same, qnn.Relu), v)
	shared := b.conv("b", x, 3, 1, 1, qnn.Same, qnn.Relu)
	self := b.conv("c", x, 3, 1, 1, qnn.Same, qnn.Relu)
	fixed := b.add("fixed", qnn.Relu, b.conv("d", x, 3, 1, 1, qnn.Same, qnn.Relu), b.constant("k", b.quant(0.1, 3), 1, 4, 4, 3))
	return b.outputs(broadcast, shared, b.add("shared", qnn.Relu, shared, x), b.add("self", qnn.Relu, self, self), fixed)
}
