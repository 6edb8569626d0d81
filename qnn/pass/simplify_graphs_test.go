package pass_test

import "qtune/qnn"

var foldGraphs = map[string]func() *qnn.Graph{
	// The shape of a RESHAPE is computed from constants and a SHAPE.
	"shape": func() *qnn.Graph {
		b := newBuilder("shape")
		x := b.input("x", pixels)
		i32 := like{dtype: qnn.Int32}
		shape := b.node(qnn.ShapeOf{}, "shape", i32, x)
		batch := b.node(qnn.StridedSlice{ShrinkMask: 1}, "batch", i32, shape, b.ints("0", 0), b.ints("1", 1), b.ints("step", 1))
		rest := b.constant("rest", i32.of(), 120, 0, 0, 0)
		to := b.node(qnn.Pack{}, "to", i32, batch, rest)
		return b.outputs(b.node(qnn.Reshape{}, "y", pixels.of(1, 120), x, to))
	},
	// What is computed from x stays, and so does an output of the network.
	"keeps": func() *qnn.Graph {
		b := newBuilder("keeps")
		x := b.input("x", pixels)
		c := b.constant("c", pixels)
		folded := b.node(qnn.Logistic{}, "folded", pixels.quant(1.0/256, 0), c)
		sum := b.node(qnn.Add{}, "sum", pixels, x, folded)
		return b.outputs(sum, b.node(qnn.Tanh{}, "y", pixels.quant(1.0/128, 128), c))
	},
	// float16 constants, quantised in the end.
	"half": func() *qnn.Graph {
		b := newBuilder("half")
		x := b.input("x", pixels.of(1, 2))
		h := b.constant("h", like{dtype: qnn.Float16, shape: qnn.Shape{2}}, 0, 0x3c, 0, 0xc1) // 1 and -2.5
		q := b.node(qnn.Quantize{}, "q", pixels, b.node(qnn.Dequantize{}, "f", float, h))
		return b.outputs(b.node(qnn.Mul{}, "y", pixels, x, q))
	},
	// A result of 18 MB is not worth it.
	"large": func() *qnn.Graph {
		b := newBuilder("large")
		x := b.input("x", pixels.of(1, 1))
		sum := b.node(qnn.Add{}, "sum", pixels, b.constant("column", pixels.of(4300, 1)), b.constant("row", pixels.of(1, 4300)))
		part := b.node(qnn.Slice{}, "part", pixels, sum, b.ints("first", 0, 0), b.ints("extent", 1, 1))
		return b.outputs(b.node(qnn.Add{}, "y", pixels, x, part))
	},
}

var cseGraphs = map[string]func() *qnn.Graph{
	// Equal convolutions over equal constants, to the second of which the network
	// has an output; one over other weights stays.
	"conv": func() *qnn.Graph {
		b := newBuilder("conv")
		x := b.input("x", pixels)
		op := conv2d(qnn.Same, 1, qnn.Relu)
		w := func(name string, first byte) qnn.TensorID {
			return b.constant(name, pixels.of(2, 1, 1, 4), first, 1, 2, 3, 4, 5, 6, 7)
		}
		bias := b.ints("bias", 1, 2)
		one := b.node(op, "one", pixels, x, w("w1", 9), bias)
		two := b.node(op, "two", pixels, x, w("w2", 9), bias)
		three := b.node(op, "three", pixels, x, w("w3", 8), bias)
		four := b.node(op, "four", pixels, x, w("w4", 9), bias)
		return b.outputs(two, b.node(qnn.Add{}, "sum", pixels, one, three), b.node(qnn.Add{}, "twice", pixels, two, four))
	},
	// Options and quantisation of the output tell nodes apart.
	"differ": func() *qnn.Graph {
		b := newBuilder("differ")
		x := b.input("x", pixels)
		ids := []qnn.TensorID{
			b.node(qnn.LeakyRelu{Alpha: 0.5}, "half", pixels, x),
			b.node(qnn.LeakyRelu{Alpha: 0.25}, "quarter", pixels, x),
			b.node(qnn.LeakyRelu{Alpha: 0.5}, "half as coarse", pixels.quant(1, 3), x),
			b.node(qnn.LeakyRelu{Alpha: 0.5}, "half again", pixels, x),
		}
		return b.outputs(b.node(qnn.Concat{Axis: 3}, "y", pixels, ids...))
	},
}

var identityGraphs = map[string]func() *qnn.Graph{
	"reshape": func() *qnn.Graph {
		b := newBuilder("reshape")
		x := b.input("x", pixels)
		flat := b.node(qnn.Reshape{}, "flat", pixels.of(30, 4), x, b.ints("to", 30, 4))
		wide := b.node(qnn.ExpandDims{}, "wide", pixels, flat, b.ints("axis", 0))
		back := b.node(qnn.Reshape{}, "back", pixels, wide)
		a := b.node(qnn.Tanh{}, "a", pixels.quant(1.0/128, 128), back)
		c := b.node(qnn.Tanh{}, "c", pixels.quant(1.0/128, 128), wide)
		single := b.node(qnn.Squeeze{}, "single", pixels, c)
		return b.outputs(a, single)
	},
	// The output of the network is made by the convolution; an input and a second
	// output keep their copies.
	"outputs": func() *qnn.Graph {
		b := newBuilder("outputs")
		x := b.input("x", pixels)
		conv := b.conv(conv2d(qnn.Same, 1, qnn.NoActivation), "conv", pixels, x, 1, 4)
		other := b.node(qnn.Tanh{}, "other", pixels.quant(1.0/128, 128), conv)
		y := b.node(qnn.Reshape{}, "y", pixels, conv)
		z := b.node(qnn.Quantize{}, "z", pixels, conv)
		copied := b.node(qnn.Reshape{}, "copied", pixels, x)
		return b.outputs(y, z, copied, other)
	},
	"nothing": func() *qnn.Graph {
		b := newBuilder("nothing")
		x := b.input("x", pixels)
		point := qnn.Pool{FilterH: 1, FilterW: 1, StrideH: 1, StrideW: 1}
		y := b.node(qnn.Pad{}, "pad", pixels, x, b.paddings("none", 0, 0, 0, 0))
		y = b.node(qnn.Slice{}, "slice", pixels, y, b.ints("first", 0, 0, 0, 0), b.ints("all", -1, 5, -1, 4))
		y = b.node(qnn.StridedSlice{}, "strided", pixels, y, b.ints("begin", 0, 0, 0, 0), b.ints("end", 1, 5, 6, 4), b.ints("steps", 1, 1, 1, 1))
		y = b.node(qnn.Concat{Axis: 1}, "concat", pixels, y)
		y = b.node(qnn.Quantize{}, "quantize", pixels, y)
		y = b.node(qnn.MaxPool{Pool: point}, "max", pixels, y)
		y = b.node(qnn.AveragePool{Pool: point}, "average", pixels, y)
		y = b.node(qnn.Split{}, "split", pixels, b.ints("axis", 2), y)
		y = b.node(qnn.SpaceToDepth{Block: 1}, "block", pixels, y)
		y = b.node(qnn.Transpose{}, "transpose", pixels, y, b.ints("perm", 0, 1, 2, 3))
		return b.outputs(b.node(qnn.Logistic{}, "y", pixels.quant(1.0/256, 0), y))
	},
	// Each of these nodes does something after all.
	"something": func() *qnn.Graph {
		b := newBuilder("something")
		x := b.input("x", pixels)
		point := qnn.Pool{FilterH: 1, FilterW: 1, StrideH: 1, StrideW: 1, Activation: qnn.Relu}
		square := b.node(qnn.Slice{}, "square", pixels, x, b.ints("first", 0, 0, 0, 0), b.ints("extent", 1, 4, 4, 4))
		ids := []qnn.TensorID{
			b.node(qnn.Transpose{}, "transpose", pixels, square, b.ints("perm", 0, 2, 1, 3)),
			b.node(qnn.StridedSlice{}, "reversed", pixels, square, b.ints("begin", 0, 3, 0, 0), b.ints("end", 1, -5, 4, 4), b.ints("steps", 1, -1, 1, 1)),
			b.node(qnn.Quantize{}, "quantize", pixels.quant(0.5, 101), square),
			b.node(qnn.MaxPool{Pool: point}, "max", pixels, square),
			b.node(qnn.Concat{Axis: 0}, "concat", pixels.quant(0.25, 100), square),
		}
		return b.outputs(b.node(qnn.Concat{Axis: 3}, "y", pixels, ids...))
	},
	// Bytes stay, but mean something else: what reads "named" needs it.
	"requantised": func() *qnn.Graph {
		b := newBuilder("requantised")
		x := b.input("x", pixels)
		named := b.node(qnn.Reshape{}, "named", pixels.quant(2, 0), x)
		moved := b.node(qnn.Transpose{}, "moved", pixels, named, b.ints("perm", 1, 0, 2, 3))
		return b.outputs(b.node(qnn.Quantize{}, "y", pixels.quant(3, 7), named), moved)
	},
}
