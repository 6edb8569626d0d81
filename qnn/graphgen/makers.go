package graphgen

import "qtune/qnn"

// A maker adds a node of one operator to what there is. It returns false where
// no tensor fits, or the node would be too large; what it has added until then
// is taken back.
type maker struct {
	op     string
	weight int // how often, against the others
	make   func(*builder) bool
}

// makers has a row for every operator; a test compares it with qnn.Operators.
var makers = []maker{
	{"CONV_2D", 40, (*builder).conv},
	{"DEPTHWISE_CONV_2D", 28, (*builder).depthwise},
	{"FULLY_CONNECTED", 10, (*builder).dense},
	{"TRANSPOSE_CONV", 4, (*builder).transposeConv},

	{"AVERAGE_POOL_2D", 6, func(b *builder) bool { return b.pool(func(p qnn.Pool) qnn.Op { return qnn.AveragePool{Pool: p} }) }},
	{"MAX_POOL_2D", 6, func(b *builder) bool { return b.pool(func(p qnn.Pool) qnn.Op { return qnn.MaxPool{Pool: p} }) }},
	{"SOFTMAX", 3, (*builder).softmax},
	{"L2_NORMALIZATION", 2, (*builder).l2norm},
	{"MEAN", 4, (*builder).mean},
	{"SUM", 3, func(b *builder) bool { return b.reduce(qnn.ReduceSum) }},
	{"REDUCE_MAX", 3, func(b *builder) bool { return b.reduce(qnn.ReduceMax) }},
	{"REDUCE_MIN", 3, func(b *builder) bool { return b.reduce(qnn.ReduceMin) }},
	{"ARG_MAX", 2, func(b *builder) bool { return b.argBest(qnn.ArgMax{}) }},
	{"ARG_MIN", 2, func(b *builder) bool { return b.argBest(qnn.ArgMin{}) }},
	{"RESIZE_BILINEAR", 3, (*builder).resizeBilinear},
	{"RESIZE_NEAREST_NEIGHBOR", 3, (*builder).resizeNearest},

	{"ADD", 12, func(b *builder) bool { return b.sum(func(a qnn.Activation) qnn.Op { return qnn.Add{Activation: a} }) }},
	{"SUB", 4, func(b *builder) bool { return b.sum(func(a qnn.Activation) qnn.Op { return qnn.Sub{Activation: a} }) }},
	{"MUL", 4, (*builder).mul},
	{"DIV", 6, (*builder).div},
	{"MAXIMUM", 3, func(b *builder) bool { return b.extreme(qnn.Maximum{}) }},
	{"MINIMUM", 3, func(b *builder) bool { return b.extreme(qnn.Minimum{}) }},
	{"PRELU", 3, (*builder).prelu},
	{"RELU", 3, func(b *builder) bool { return b.unary(qnn.Clamp{Activation: qnn.Relu}) }},
	{"RELU_N1_TO_1", 3, func(b *builder) bool { return b.unary(qnn.Clamp{Activation: qnn.ReluN1To1}) }},
	{"RELU6", 3, func(b *builder) bool { return b.unary(qnn.Clamp{Activation: qnn.Relu6}) }},
	{"LOGISTIC", 3, func(b *builder) bool { return b.curve(qnn.Logistic{}) }},
	{"TANH", 3, func(b *builder) bool { return b.curve(qnn.Tanh{}) }},
	{"HARD_SWISH", 3, (*builder).hardSwish},
	{"LEAKY_RELU", 3, func(b *builder) bool { return b.unary(qnn.LeakyRelu{Alpha: 2 * b.Float32()}) }},
	{"QUANTIZE", 4, (*builder).quantize},
	{"DEQUANTIZE", 2, (*builder).dequantize},
	{"ELU", 3, (*builder).elu},

	{"CONCATENATION", 8, (*builder).concat},
	{"RESHAPE", 4, (*builder).reshape},
	{"SQUEEZE", 3, (*builder).squeeze},
	{"EXPAND_DIMS", 2, (*builder).expandDims},
	{"PAD", 4, (*builder).pad},
	{"PADV2", 3, (*builder).padValue},
	{"MIRROR_PAD", 3, (*builder).mirrorPad},
	{"SLICE", 3, (*builder).slice},
	{"STRIDED_SLICE", 3, (*builder).stridedSlice},
	{"SPLIT", 3, (*builder).split},
	{"SPLIT_V", 3, (*builder).splitV},
	{"PACK", 2, (*builder).pack},
	{"UNPACK", 2, (*builder).unpack},
	{"TRANSPOSE", 3, (*builder).transpose},
	{"SPACE_TO_DEPTH", 3, (*builder).spaceToDepth},
	{"DEPTH_TO_SPACE", 6, (*builder).depthToSpace},
	{"SPACE_TO_BATCH_ND", 3, (*builder).spaceToBatch},
	{"BATCH_TO_SPACE_ND", 3, (*builder).batchToSpace},
	{"GATHER", 3, (*builder).gather},
	{"GATHER_ND", 2, (*builder).gatherND},
	{"CAST", 3, (*builder).cast},
	{"SHAPE", 1, (*builder).shapeOf},

	{"ABS", 3, func(b *builder) bool { return b.function(qnn.Abs) }},
	{"NEG", 3, func(b *builder) bool { return b.function(qnn.Neg) }},
	{"SQUARE", 3, func(b *builder) bool { return b.function(qnn.Square) }},
	{"SQRT", 3, func(b *builder) bool { return b.function(qnn.Sqrt) }},
	{"RSQRT", 3, func(b *builder) bool { return b.function(qnn.Rsqrt) }},
	{"EXP", 3, func(b *builder) bool { return b.function(qnn.Exp) }},
	{"LOG", 3, func(b *builder) bool { return b.function(qnn.Log) }},
	{"FLOOR", 3, func(b *builder) bool { return b.function(qnn.Floor) }},
	{"CEIL", 3, func(b *builder) bool { return b.function(qnn.Ceil) }},
	{"ROUND", 3, func(b *builder) bool { return b.function(qnn.Round) }},
	{"LESS", 3, func(b *builder) bool { return b.compare(qnn.Less) }},
	{"LESS_EQUAL", 3, func(b *builder) bool { return b.compare(qnn.LessEqual) }},
	{"GREATER", 3, func(b *builder) bool { return b.compare(qnn.Greater) }},
	{"GREATER_EQUAL", 3, func(b *builder) bool { return b.compare(qnn.GreaterEqual) }},
	{"EQUAL", 3, func(b *builder) bool { return b.compare(qnn.Equal) }},
	{"NOT_EQUAL", 3, func(b *builder) bool { return b.compare(qnn.NotEqual) }},
	{"POW", 3, func(b *builder) bool { return b.pairOfFloats(qnn.Pow{}, qnn.Float32) }},
	{"SQUARED_DIFFERENCE", 3, func(b *builder) bool { return b.pairOfFloats(qnn.SquaredDifference{}, qnn.Float32) }},
	{"SELECT", 3, func(b *builder) bool { return b.choose(qnn.Select{}) }},
	{"SELECT_V2", 3, func(b *builder) bool { return b.choose(qnn.SelectV2{}) }},
	{"TOPK_V2", 3, (*builder).topK},
}
