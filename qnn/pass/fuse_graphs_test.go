package pass_test

import "qtune/qnn"

// float is what DEQUANTIZE makes.
var float = like{dtype: qnn.Float32}

var quantPairGraphs = map[string]func() *qnn.Graph{
	// One of three readers is not a QUANTIZE, so the DEQUANTIZE stays.
	"shared": func() *qnn.Graph {
		b := newBuilder("shared")
		x := b.input("x", pixels)
		f := b.node(qnn.Dequantize{}, "f", float, x)
		return b.outputs(
			b.node(qnn.Quantize{}, "same", pixels, f),
			b.node(qnn.Quantize{}, "coarse", pixels.quant(1, 3).typed(qnn.Int8), f),
			b.node(qnn.Reshape{}, "y", float.of(120), f))
	},
	// QUANTIZE and DEQUANTIZE in turn is not an identity.
	"reverse": func() *qnn.Graph {
		b := newBuilder("reverse")
		x := b.input("x", float.of(1, 8))
		q := b.node(qnn.Quantize{}, "q", pixels, x)
		return b.outputs(b.node(qnn.Dequantize{}, "y", float, q))
	},
	// Odd values are ties, which rounding to float32 moves.
	"unequal": func() *qnn.Graph {
		b := newBuilder("unequal")
		x := b.input("x", pixels.quant(0.1, 0))
		f := b.node(qnn.Dequantize{}, "f", float, x)
		return b.outputs(b.node(qnn.Quantize{}, "y", pixels.quant(0.2, 0), f))
	},
}

var activationGraphs = map[string]func() *qnn.Graph{
	"relu": func() *qnn.Graph {
		b := newBuilder("relu")
		x := b.input("x", pixels)
		pool := qnn.Pool{Padding: qnn.Valid, FilterH: 2, FilterW: 2, StrideH: 1, StrideW: 1}
		y := b.node(qnn.Clamp{Activation: qnn.Relu}, "relu", pixels, b.conv(conv2d(qnn.Same, 1, qnn.NoActivation), "conv", pixels, x, 3, 4))
		y = b.node(qnn.Clamp{Activation: qnn.Relu6}, "relu6", pixels, b.conv(depthwise(qnn.Same, 1, qnn.Relu), "dw", pixels, y, 3, 4))
		y = b.node(qnn.Clamp{Activation: qnn.ReluN1To1}, "relu1", pixels, b.node(qnn.Add{}, "add", pixels, y, x))
		y = b.node(qnn.Clamp{Activation: qnn.Relu}, "pooled", pixels, b.node(qnn.AveragePool{Pool: pool}, "pool", pixels, y))
		return b.outputs(y)
	},
	// MAXIMUM with zero and MINIMUM with six are RELU6, one after the other.
	"minmax": func() *qnn.Graph {
		b := newBuilder("minmax")
		x := b.input("x", pixels.typed(qnn.Int8).quant(0.5, -20))
		l := pixels.typed(qnn.Int8).quant(0.5, -20)
		y := b.conv(conv2d(qnn.Same, 1, qnn.NoActivation), "conv", l, x, 1, 4)
		y = b.node(qnn.Maximum{}, "above zero", l, b.constant("0", l.of(), 0xec), y)
		y = b.node(qnn.Minimum{}, "below six", l, y, b.constant("6", l.of(1, 1, 1, 1), 0xf8))
		return b.outputs(y)
	},
	// Ranges without a fused activation, another reader, another quantisation,
	// an output of the network, and a constant for each channel.
	"keeps": func() *qnn.Graph {
		b := newBuilder("keeps")
		x := b.input("x", pixels)
		conv := func(name string) qnn.TensorID {
			return b.conv(conv2d(qnn.Same, 1, qnn.NoActivation), name, pixels, x, 1, 4)
		}
		relu := qnn.Clamp{Activation: qnn.Relu}
		two := conv("two readers")
		out := conv("output")
		return b.outputs(out,
			b.node(qnn.Maximum{}, "above 90", pixels, conv("a"), b.constant("90", pixels.of(), 90)),
			b.node(relu, "relu", pixels, two), b.node(qnn.Logistic{}, "other", pixels.quant(1.0/256, 0), two),
			b.node(relu, "finer", pixels.quant(0.25, 100), conv("coarse")),
			b.node(relu, "of output", pixels, out),
			b.node(qnn.Maximum{}, "each", pixels, conv("e"), b.constant("four", pixels.of(4))),
			b.node(relu, "of input", pixels, x))
	},
}

var padGraphs = map[string]func() *qnn.Graph{
	// Both convolutions get a border of their own; below and to the right only what
	// they read.
	"two": func() *qnn.Graph {
		b := newBuilder("two")
		x := b.input("x", pixels)
		p := b.node(qnn.Pad{}, "pad", pixels, x, b.paddings("cells", 1, 1, 0, 1))
		return b.outputs(
			b.conv(conv2d(qnn.Valid, 2, qnn.NoActivation), "conv", pixels, p, 3, 2),
			b.conv(depthwise(qnn.Same, 1, qnn.Relu), "dw", pixels, p, 5, 4))
	},
	"shared": func() *qnn.Graph {
		b := newBuilder("shared")
		x := b.input("x", pixels.typed(qnn.Int8).quant(0.5, -20))
		l := pixels.typed(qnn.Int8).quant(0.5, -20)
		p := b.node(qnn.Pad{}, "pad", l, x, b.paddings("cells", 1, 1, 1, 1))
		pool := qnn.Pool{Padding: qnn.Valid, FilterH: 2, FilterW: 2, StrideH: 1, StrideW: 1}
		return b.outputs(
			b.conv(conv2d(qnn.Valid, 1, qnn.NoActivation), "conv", l, p, 3, 2),
			b.node(qnn.MaxPool{Pool: pool}, "pool", l, p))
	},
	// Two PADs in a row; the inner one is an output of the network too.
	"row": func() *qnn.Graph {
		b := newBuilder("row")
		x := b.input("x", pixels)
		inner := b.node(qnn.Pad{}, "inner", pixels, x, b.paddings("rows", 1, 2, 0, 0))
		outer := b.node(qnn.Pad{}, "outer", pixels, inner, b.paddings("columns", 1, 0, 1, 2))
		pool := qnn.Pool{Padding: qnn.Valid, FilterH: 2, FilterW: 2, StrideH: 1, StrideW: 1}
		return b.outputs(inner,
			b.conv(conv2d(qnn.Valid, 1, qnn.NoActivation), "conv", pixels, outer, 3, 2),
			b.node(qnn.MaxPool{Pool: pool}, "pool", pixels, outer))
	},
	// PADV2 with the zero point, and with another value.
	"value": func() *qnn.Graph {
		b := newBuilder("value")
		x := b.input("x", pixels)
		conv := conv2d(qnn.Valid, 1, qnn.NoActivation)
		padded := func(name string, v byte) qnn.TensorID {
			return b.node(qnn.PadValue{}, name, pixels, x, b.paddings(name+"/cells", 1, 1, 1, 1), b.constant(name+"/value", pixels.of(), v))
		}
		return b.outputs(
			b.conv(conv, "a", pixels, padded("zero", 100), 3, 2),
			b.conv(conv, "b", pixels, padded("one", 102), 3, 2))
	},
	// Too wide for the window, channels, and another zero point.
	"keeps": func() *qnn.Graph {
		b := newBuilder("keeps")
		x := b.input("x", pixels)
		conv := conv2d(qnn.Valid, 1, qnn.NoActivation)
		deep := b.ints("deep", 0, 0, 1, 1, 1, 1, 0, 1)
		b.g.Tensors[deep].Shape = qnn.Shape{4, 2}
		return b.outputs(
			b.conv(conv, "a", pixels, b.node(qnn.Pad{}, "wide", pixels, x, b.paddings("cells", 3, 0, 0, 0)), 3, 2),
			b.conv(conv, "b", pixels, b.node(qnn.Pad{}, "deeper", pixels, x, deep), 3, 2),
			b.conv(conv, "c", pixels, b.node(qnn.Pad{}, "shifted", pixels.quant(0.5, 0), x, b.paddings("one", 1, 1, 1, 1)), 3, 2))
	},
}

var tableGraphs = map[string]func() *qnn.Graph{
	// x * relu6(x+3)/6 as converters without HARD_SWISH write it: the sum, the
	// clamp and the division are one look-up.
	"swish": func() *qnn.Graph {
		b := newBuilder("swish")
		x := b.input("x", pixels.quant(0.1, 128))
		gate := pixels.quant(0.03, 0)
		sum := b.node(qnn.Add{}, "sum", pixels.quant(0.1, 90), x, b.constant("3", pixels.of().quant(0.012, 5), 255))
		six := b.node(qnn.Clamp{Activation: qnn.Relu6}, "six", gate, sum)
		one := b.node(qnn.Mul{}, "one", pixels.quant(1.0/256, 0), six, b.constant("1/6", pixels.of(1).quant(0.001, 0), 167))
		return b.outputs(b.node(qnn.Mul{}, "y", pixels, x, one))
	},
	// Float values in the middle only; a single operator stays.
	"float": func() *qnn.Graph {
		b := newBuilder("float")
		x := b.input("x", float.of(1, 8))
		q := b.node(qnn.Quantize{}, "q", pixels, x)
		f := b.node(qnn.Dequantize{}, "f", float, b.node(qnn.Tanh{}, "tanh", pixels.quant(1.0/128, 128), q))
		r := b.node(qnn.Quantize{}, "r", pixels.quant(0.01, 99).typed(qnn.Int8), f)
		l := b.node(qnn.Logistic{}, "l", pixels.quant(1.0/256, 0), q)
		return b.outputs(b.node(qnn.Dequantize{}, "y", float, r), l)
	},
	// An inner result that something else reads ends the first chain.
	"shared": func() *qnn.Graph {
		b := newBuilder("shared")
		x := b.input("x", pixels)
		y := b.node(qnn.LeakyRelu{Alpha: 0.1}, "a", pixels, x)
		y = b.node(qnn.HardSwish{}, "b", pixels.quant(0.5, 3), y)
		z := b.node(qnn.Sub{}, "c", pixels, b.constant("k", pixels.of(), 7), y)
		z = b.node(qnn.Tanh{}, "d", pixels.quant(1.0/128, 128), z)
		return b.outputs(b.node(qnn.Add{}, "sum", pixels, y, z))
	},
}

var residualGraphs = map[string]func() *qnn.Graph{
	"skip": func() *qnn.Graph {
		b := newBuilder("skip")
		x := b.input("x", pixels)
		conv := b.conv(conv2d(qnn.Same, 1, qnn.Relu), "conv", pixels.quant(0.3, 60), x, 3, 4)
		sum := b.node(qnn.Add{Activation: qnn.Relu6}, "sum", pixels, x, conv)
		w := b.constant("w", pixels.of(4, 1, 1, 4))
		last := b.node(conv2d(qnn.Same, 1, qnn.NoActivation), "last", pixels, sum, w)
		return b.outputs(b.node(qnn.Add{}, "y", pixels, last, sum))
	},
	// The later of two convolutions takes the sum, which comes after what the
	// other operand needs.
	"two": func() *qnn.Graph {
		b := newBuilder("two")
		x := b.input("x", pixels)
		one := b.conv(conv2d(qnn.Same, 1, qnn.NoActivation), "one", pixels, x, 3, 4)
		two := b.conv(depthwise(qnn.Same, 1, qnn.NoActivation), "two", pixels, x, 3, 4)
		sum := b.node(qnn.Add{}, "sum", pixels, one, two)
		early := b.conv(conv2d(qnn.Same, 1, qnn.NoActivation), "early", pixels, x, 1, 4)
		late := b.node(qnn.Logistic{}, "late", pixels.quant(1.0/256, 0), sum)
		return b.outputs(b.node(qnn.Add{}, "y", pixels, early, late))
	},
	// Broadcast, constant, twice the same, two readers, an output.
	"keeps": func() *qnn.Graph {
		b := newBuilder("keeps")
		x := b.input("x", pixels)
		conv := func(name string) qnn.TensorID {
			return b.conv(conv2d(qnn.Same, 1, qnn.NoActivation), name, pixels, x, 1, 4)
		}
		add := func(name string, a, c qnn.TensorID) qnn.TensorID { return b.node(qnn.Add{}, name, pixels, a, c) }
		mean := b.node(qnn.Mean{KeepDims: true}, "mean", pixels, x, b.ints("axes", 1, 2))
		twice, read, out := conv("twice"), conv("read"), conv("out")
		return b.outputs(out, add("1", conv("a"), mean), add("2", conv("b"), b.constant("k", pixels)),
			add("3", twice, twice), add("4", read, x), b.node(qnn.Tanh{}, "tanh", pixels.quant(1.0/128, 128), read),
			add("5", out, x))
	},
}

// int8Residual is a network that was fused before it is legalised.
func int8Residual() *qnn.Graph {
	b := newBuilder("int8")
	l := pixels.typed(qnn.Int8).quant(0.5, -20)
	x := b.input("x", l)
	conv := b.conv(conv2d(qnn.Same, 1, qnn.Relu), "conv", l.quant(0.25, -100), x, 3, 4)
	y := b.node(qnn.Tanh{}, "y", l.quant(1.0/128, 0), conv)
	n := &b.g.Nodes[0]
	n.Inputs = append(n.Inputs, x)
	n.Residual = &qnn.Residual{Name: "gone", Mid: qnn.Quant{Scale: []float32{0.75}, Zero: []int32{-7}}, Activation: qnn.Relu}
	return b.outputs(y)
}

// int8Table has a look-up between int8 tensors, which has to stay.
func int8Table() *qnn.Graph {
	b := newBuilder("table")
	l := pixels.typed(qnn.Int8).quant(0.5, -20)
	x := b.input("x", l)
	var square qnn.Table
	for i := range square.Values {
		square.Values[i] = byte(i * i)
	}
	y := b.node(square, "square", l, b.node(qnn.Tanh{}, "tanh", l.quant(1.0/128, 0), x))
	return b.outputs(b.node(qnn.Tanh{}, "y", l.quant(1.0/128, 0), y))
}
