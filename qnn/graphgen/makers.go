package graphgen

import "qtune/qnn"

// A maker draws a node of one operator: without outputs' ids, and the types and
// quantisations of the outputs. ok is false where no live tensor fits.
type maker struct {
	name string
	make func(b *builder) (n qnn.Node, outputs []qnn.Tensor, ok bool)
}

// makers of all operators that the generator knows, simple ones first.
var makers = []maker{
	{"RELU", clamp}, {"CONV_2D", conv}, {"CONV_2D", conv}, {"CONV_2D", conv}, {"DEPTHWISE_CONV_2D", depthwise},
	{"DEPTHWISE_CONV_2D", depthwise}, {"FULLY_CONNECTED", dense}, {"TRANSPOSE_CONV", transposeConv},
	{"AVERAGE_POOL_2D", pool(false)}, {"MAX_POOL_2D", pool(true)},
	{"ADD", pairOf(func(b *builder) qnn.Op { return qnn.Add{Activation: act(b)} })},
	{"ADD", residual},
	{"SUB", pairOf(func(b *builder) qnn.Op { return qnn.Sub{Activation: act(b)} })},
	{"MUL", pairOf(func(b *builder) qnn.Op { return qnn.Mul{Activation: act(b)} })},
	{"MAXIMUM", pairOf(func(*builder) qnn.Op { return qnn.Maximum{} })},
	{"MINIMUM", pairOf(func(*builder) qnn.Op { return qnn.Minimum{} })},
	{"CONCATENATION", concat}, {"CONCATENATION", concat}, {"CONCATENATION", branches},
	{"PAD", pad}, {"PAD", padConv},
	{"RESHAPE", reshape}, {"SQUEEZE", squeeze}, {"EXPAND_DIMS", expandDims},
	{"QUANTIZE", quantize}, {"DEQUANTIZE", dequantize}, {"DEQUANTIZE", glue}, {"ADD", glue},
	{"ELU", elu},
	{"LOGISTIC", unary(qnn.Logistic{})}, {"TANH", unary(qnn.Tanh{})}, {"HARD_SWISH", unary(qnn.HardSwish{})},
	{"LEAKY_RELU", leakyRelu}, {"PRELU", prelu},
	{"SOFTMAX", softmax}, {"L2_NORMALIZATION", l2norm}, {"MEAN", mean}, {"ARG_MAX", argMax},
	{"RESIZE_BILINEAR", resize(true)}, {"RESIZE_NEAREST_NEIGHBOR", resize(false)},
	{"SLICE", slice}, {"STRIDED_SLICE", stridedSlice}, {"SPLIT", split}, {"SPLIT_V", splitV},
	{"PACK", packOp}, {"UNPACK", unpack}, {"TRANSPOSE", transpose},
	{"SUM", reduceOf(qnn.ReduceSum)}, {"REDUCE_MAX", reduceOf(qnn.ReduceMax)}, {"REDUCE_MIN", reduceOf(qnn.ReduceMin)},
	{"DIV", pairOf(func(b *builder) qnn.Op { return qnn.Div{Activation: act(b)} })},
	{"PADV2", padValue}, {"GATHER", gather}, {"GATHER_ND", gatherND}, {"CAST", cast},
	{"SPACE_TO_BATCH_ND", spaceToBatch}, {"BATCH_TO_SPACE_ND", batchToSpace},
	{"SPACE_TO_DEPTH", spaceToDepth}, {"DEPTH_TO_SPACE", depthToSpace}, {"SHAPE", shapeOf},
	{"ABS", function(qnn.Abs)}, {"NEG", function(qnn.Neg)}, {"SQUARE", function(qnn.Square)}, {"SQRT", function(qnn.Sqrt)},
	{"RSQRT", function(qnn.Rsqrt)}, {"EXP", function(qnn.Exp)}, {"LOG", function(qnn.Log)}, {"FLOOR", function(qnn.Floor)},
	{"CEIL", function(qnn.Ceil)}, {"ROUND", function(qnn.Round)},
	{"LESS", floatPair(qnn.Compare{Relation: qnn.Less}, qnn.Bool)}, {"LESS_EQUAL", floatPair(qnn.Compare{Relation: qnn.LessEqual}, qnn.Bool)},
	{"GREATER", floatPair(qnn.Compare{Relation: qnn.Greater}, qnn.Bool)}, {"GREATER_EQUAL", floatPair(qnn.Compare{Relation: qnn.GreaterEqual}, qnn.Bool)},
	{"EQUAL", floatPair(qnn.Compare{Relation: qnn.Equal}, qnn.Bool)}, {"NOT_EQUAL", floatPair(qnn.Compare{Relation: qnn.NotEqual}, qnn.Bool)},
	{"POW", floatPair(qnn.Pow{}, qnn.Float32)}, {"SQUARED_DIFFERENCE", floatPair(qnn.SquaredDifference{}, qnn.Float32)},
	{"SELECT", choose(qnn.Select{})}, {"SELECT_V2", choose(qnn.SelectV2{})}, {"TOPK_V2", topK},
}

func act(b *builder) qnn.Activation {
	return pick(b, qnn.NoActivation, qnn.Relu, qnn.Relu6, qnn.ReluN1To1)
}

func padding(b *builder) qnn.Padding { return pick(b, qnn.Same, qnn.Valid) }

func single(op qnn.Op, y qnn.Tensor, inputs ...qnn.TensorID) (qnn.Node, []qnn.Tensor, bool) {
	return qnn.Node{Op: op, Inputs: inputs}, []qnn.Tensor{y}, true
}

func none() (n qnn.Node, outputs []qnn.Tensor, ok bool) { return }

func clamp(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.bytes()
	if !ok {
		return none()
	}
	return single(qnn.Clamp{Activation: pick(b, qnn.Relu, qnn.Relu6, qnn.ReluN1To1)}, b.result(x), x)
}

func conv(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.image()
	if !ok {
		return none()
	}
	return convOf(b, x, padding(b))
}

func convOf(b *builder, x qnn.TensorID, p qnn.Padding) (qnn.Node, []qnn.Tensor, bool) {
	op := qnn.Conv2D{
		Padding: p, StrideH: pick(b, 1, 1, 2), StrideW: pick(b, 1, 1, 2, 3),
		DilationH: pick(b, 1, 1, 1, 2), DilationW: pick(b, 1, 1, 1, 2), Activation: act(b),
	}
	y := b.result(x)
	c := b.g.Tensors[x].Shape[3]
	kh, kw := pick(b, 1, 1, 3, 2, 5), pick(b, 1, 1, 3, 2, 7)
	o := pick(b, 1, 8, 16, 3, 17, 32, 40, 5)
	return single(op, y, b.weights(x, &y, qnn.Shape{o, kh, kw, c}, 0, kh*kw*c)...)
}

func depthwise(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.image()
	if !ok {
		return none()
	}
	op := qnn.Depthwise{
		Padding: padding(b), StrideH: pick(b, 1, 1, 2), StrideW: pick(b, 1, 1, 2),
		DilationH: pick(b, 1, 1, 1, 2), DilationW: pick(b, 1, 1, 1, 2), Multiplier: pick(b, 1, 1, 1, 2, 3), Activation: act(b),
	}
	y := b.result(x)
	kh, kw := pick(b, 3, 1, 2, 5), pick(b, 3, 1, 2, 5)
	shape := qnn.Shape{1, kh, kw, b.g.Tensors[x].Shape[3] * op.Multiplier}
	return single(op, y, b.weights(x, &y, shape, 3, kh*kw)...)
}

func dense(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.one(func(t *qnn.Tensor) bool { return isBytes(t) && len(t.Shape) >= 1 })
	if !ok {
		return none()
	}
	s := b.g.Tensors[x].Shape
	c := s[len(s)-1]
	if b.chance(2) {
		c = s.Elems() / s[0]
	}
	y := b.result(x)
	op := qnn.Dense{Activation: act(b)}
	inputs := b.weights(x, &y, qnn.Shape{pick(b, 1, 10, 16, 33, 64, 7), c}, 0, c)
	if b.chance(4) {
		inputs[2] = qnn.NoTensor
	}
	return single(op, y, inputs...)
}

func transposeConv(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.image()
	if !ok {
		return none()
	}
	s := b.g.Tensors[x].Shape
	op := qnn.TransposeConv{Padding: padding(b), StrideH: pick(b, 2, 1), StrideW: pick(b, 2, 1)}
	k, o := pick(b, 2, 3, 1, 4), pick(b, 1, 4, 7)
	h, w := s[1]*op.StrideH, s[2]*op.StrideW
	if op.Padding == qnn.Valid {
		h, w = h-op.StrideH+k, w-op.StrideW+k
	}
	y := b.result(x)
	in := b.weights(x, &y, qnn.Shape{o, k, k, s[3]}, 0, k*k*s[3])
	return single(op, y, b.ints(qnn.Shape{4}, s[0], h, w, o), in[1], x)
}

func pool(largest bool) func(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	return func(b *builder) (qnn.Node, []qnn.Tensor, bool) {
		x, ok := b.image()
		if !ok {
			return none()
		}
		s := b.g.Tensors[x].Shape
		p := qnn.Pool{Padding: padding(b), StrideH: pick(b, 1, 2, 3), StrideW: pick(b, 1, 2, 3),
			FilterH: pick(b, 2, 3, 1, s[1]), FilterW: pick(b, 2, 3, 1, s[2]), Activation: act(b)}
		if largest {
			return single(qnn.MaxPool{Pool: p}, b.like(x), x)
		}
		return single(qnn.AveragePool{Pool: p}, b.like(x), x)
	}
}

// pairOf draws both operands: the second is another tensor of the shape, the
// first again, a constant, or one that is broadcast.
func pairOf(op func(*builder) qnn.Op) func(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	return func(b *builder) (qnn.Node, []qnn.Tensor, bool) {
		x, ok := b.bytes()
		if !ok {
			return none()
		}
		tx := b.g.Tensors[x]
		var other qnn.TensorID
		switch b.draw(5) {
		case 0:
			other, _ = b.one(func(t *qnn.Tensor) bool { return t.Type == tx.Type && t.Shape.Equal(tx.Shape) })
		case 1:
			other = b.constant(x, tx.Shape)
		case 2:
			other = b.constant(x, qnn.Shape{tx.Shape[len(tx.Shape)-1]})
		case 3:
			other = b.constant(x, qnn.Shape{})
		default:
			other, ok = b.one(func(t *qnn.Tensor) bool {
				_, fits := qnn.Broadcast(t.Shape, tx.Shape)
				return t.Type == tx.Type && fits
			})
		}
		if !ok {
			return none()
		}
		if b.chance(3) {
			x, other = other, x
		}
		return single(op(b), b.result(x), x, other)
	}
}

// residual adds a convolution to what it reads.
func residual(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.image()
	if !ok {
		return none()
	}
	y := b.result(x)
	c := b.g.Tensors[x].Shape[3]
	k := pick(b, 1, 3)
	n, outputs, _ := single(qnn.Conv2D{StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Activation: act(b)},
		y, b.weights(x, &y, qnn.Shape{c, k, k, c}, 0, k*k*c)...)
	if !b.fits(&n, outputs) {
		return none()
	}
	made := n.Outputs[0]
	if b.chance(2) {
		return single(qnn.Add{Activation: act(b)}, b.result(x), x, made)
	}
	return single(qnn.Add{Activation: act(b)}, b.result(x), made, x)
}

func concat(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.bytes()
	if !ok || len(b.g.Tensors[x].Shape) == 0 {
		return none()
	}
	tx := b.g.Tensors[x]
	rank := len(tx.Shape)
	axis := b.draw(rank)
	if b.chance(2) {
		axis = rank - 1
	}
	inputs := []qnn.TensorID{x}
	for range 1 + b.draw(3) {
		other, _ := b.one(func(t *qnn.Tensor) bool {
			if t.Type != tx.Type || len(t.Shape) != rank {
				return false
			}
			for d := range rank {
				if d != axis && t.Shape[d] != tx.Shape[d] {
					return false
				}
			}
			return true
		})
		inputs = append(inputs, other)
	}
	if b.chance(4) {
		inputs = append(inputs, b.constant(x, tx.Shape))
	}
	if b.chance(2) {
		axis -= rank
	}
	return single(qnn.Concat{Axis: axis}, b.result(x), inputs...)
}

// branches concatenates convolutions of one input, all quantised alike, as in
// an Inception network.
func branches(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.image()
	if !ok {
		return none()
	}
	y := b.result(x)
	c := b.g.Tensors[x].Shape[3]
	var inputs []qnn.TensorID
	for range 2 + b.draw(2) {
		k, o := pick(b, 1, 3), pick(b, 8, 16, 5, 1)
		n, outputs, _ := single(qnn.Conv2D{StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Activation: act(b)},
			y, b.weights(x, &y, qnn.Shape{o, k, k, c}, 0, k*k*c)...)
		if !b.fits(&n, outputs) {
			return none()
		}
		inputs = append(inputs, n.Outputs[0])
	}
	if b.chance(2) {
		n, outputs, _ := single(qnn.MaxPool{Pool: qnn.Pool{StrideH: 1, StrideW: 1, FilterH: 3, FilterW: 3}}, b.like(x), x)
		if !b.fits(&n, outputs) {
			return none()
		}
		inputs = append(inputs, n.Outputs[0])
	}
	return single(qnn.Concat{Axis: 3}, y, inputs...)
}
