package pass_test

import "qtune/qnn"

// padOnce is PAD before a VALID convolution, as in a ResNet's stem.
func padOnce(typ qnn.DType) *qnn.Graph {
	b := newBuilder("pad", typ)
	x := b.input("x", b.quant(0.05, 100), 1, 8, 7, 3)
	return b.outputs(b.conv("y", b.pad("p", x, 1, 2, 0, 1), 4, 3, 2, qnn.Valid, qnn.Relu))
}

// padSeveral is a PAD with several readers, one of which needs it, and two in a row.
func padSeveral() *qnn.Graph {
	b := newBuilder("pads", qnn.Uint8)
	x := b.input("x", b.quant(0.05, 100), 1, 6, 6, 3)
	p := b.pad("p", x, 1, 1, 1, 1)
	same := b.conv("same", p, 2, 4, 2, qnn.Same, qnn.NoActivation)
	depth := b.depthwise("depth", p, 3, 1, qnn.Valid)
	pool := b.node("pool", b.like(p), qnn.MaxPool{Pool: qnn.Pool{Padding: qnn.Valid, FilterH: 3, FilterW: 3, StrideH: 1, StrideW: 1}}, p)
	twice := b.conv("twice", b.pad("q", p, 0, 1, 1, 0), 2, 5, 1, qnn.Valid, qnn.Relu6)
	return b.outputs(same, depth, pool, twice)
}

// padOutside has windows that see nothing but padding.
func padOutside() *qnn.Graph {
	b := newBuilder("outside", qnn.Uint8)
	x := b.input("x", b.quant(0.05, 100), 1, 4, 4, 3)
	p := b.pad("p", x, 0, 0, 0, 2)
	return b.outputs(b.conv("narrow", p, 2, 2, 1, qnn.Valid, qnn.NoActivation), b.conv("wide", p, 2, 3, 1, qnn.Valid, qnn.NoActivation))
}

// padKept has PADs that change the quantisation, or other dimensions.
func padKept() *qnn.Graph {
	b := newBuilder("kept", qnn.Uint8)
	x := b.input("x", b.quant(0.05, 100), 1, 4, 4, 3)
	cells := b.ints("cells", qnn.Shape{4, 2}, 0, 0, 1, 1, 1, 1, 0, 0)
	shifted := b.node("shifted", b.quant(0.05, 99), qnn.Pad{}, x, cells)
	channels := b.node("channels", b.like(x), qnn.Pad{}, x, b.ints("more", qnn.Shape{4, 2}, 0, 0, 1, 1, 1, 1, 0, 1))
	return b.outputs(b.conv("a", shifted, 2, 3, 1, qnn.Valid, qnn.NoActivation), b.conv("b", channels, 2, 3, 1, qnn.Valid, qnn.NoActivation))
}
