package main

import (
	"encoding/binary"
	"math"

	"qtune/qnn"
)

// numberMakers make networks of the operators on numbers that are not
// quantised.
var numberMakers = []maker{
	{"rand_abs", func(b *builder) int { return b.numbers().one(qnn.Unary{Function: qnn.Abs}) }},
	{"rand_neg", func(b *builder) int { return b.numbers().one(qnn.Unary{Function: qnn.Neg}) }},
	{"rand_square", func(b *builder) int { return b.floats().one(qnn.Unary{Function: qnn.Square}) }},
	{"rand_sqrt", func(b *builder) int { return b.positive().one(qnn.Unary{Function: qnn.Sqrt}) }},
	{"rand_rsqrt", func(b *builder) int { return b.positive().one(qnn.Unary{Function: qnn.Rsqrt}) }},
	{"rand_floor", func(b *builder) int { return b.halves().one(qnn.Unary{Function: qnn.Floor}) }},
	{"rand_ceil", func(b *builder) int { return b.halves().one(qnn.Unary{Function: qnn.Ceil}) }},
	{"rand_round", func(b *builder) int { return b.halves().one(qnn.Unary{Function: qnn.Round}) }},
	{"rand_exp", func(b *builder) int { return b.floats().one(qnn.Unary{Function: qnn.Exp}) }},
	{"rand_log", func(b *builder) int { return b.positive().one(qnn.Unary{Function: qnn.Log}) }},
	{"rand_flogistic", func(b *builder) int { return b.floats().one(qnn.Logistic{}) }},
	{"rand_ftanh", func(b *builder) int { return b.floats().one(qnn.Tanh{}) }},
	{"rand_fsoftmax", func(b *builder) int { return b.floats().one(qnn.Softmax{Beta: 0.5 + b.r.Float32()}) }},
	{"rand_frelu", func(b *builder) int { return b.floats().one(qnn.Clamp{Activation: qnn.Relu}) }},
	{"rand_frelu1", func(b *builder) int { return b.floats().one(qnn.Clamp{Activation: qnn.ReluN1To1}) }},
	{"rand_fmin", func(b *builder) int { return b.floats().pair(qnn.Minimum{}) }},
	{"rand_pow", func(b *builder) int { return b.positive().pair(qnn.Pow{}) }},
	{"rand_sqdiff", func(b *builder) int { return b.numbers().pair(qnn.SquaredDifference{}) }},
	{"rand_iadd", func(b *builder) int { return b.integers().pair(qnn.Add{Activation: b.act()}) }},
	{"rand_isub", func(b *builder) int { return b.integers().pair(qnn.Sub{Activation: b.act()}) }},
	{"rand_imul", func(b *builder) int { return b.integers().pair(qnn.Mul{Activation: b.act()}) }},
	{"rand_idiv", func(b *builder) int { return b.integers().pair(qnn.Div{Activation: b.act()}) }},
	{"rand_imax", func(b *builder) int { return b.integers().pair(qnn.Maximum{}) }},
	{"rand_imin", func(b *builder) int { return b.integers().pair(qnn.Minimum{}) }},
	{"rand_less", func(b *builder) int { return b.compare(qnn.Less) }},
	{"rand_lessequal", func(b *builder) int { return b.compare(qnn.LessEqual) }},
	{"rand_greater", func(b *builder) int { return b.compare(qnn.Greater) }},
	{"rand_greaterequal", func(b *builder) int { return b.compare(qnn.GreaterEqual) }},
	{"rand_equal", func(b *builder) int { return b.compare(qnn.Equal) }},
	{"rand_notequal", func(b *builder) int { return b.compare(qnn.NotEqual) }},
	{"rand_select", func(b *builder) int {
		x := b.shape(4)
		x[0] = 3
		c := []qnn.Shape{x, {3}, {}}[b.r.IntN(3)]
		return b.choose(qnn.Select{}, c, x, x)
	}},
	{"rand_selectv2", func(b *builder) int {
		x := b.shape(4)
		shapes := []qnn.Shape{x, {x[3]}, {1, x[1], 1, 1}, {}}
		any := func() qnn.Shape { return shapes[b.r.IntN(len(shapes))] }
		return b.choose(qnn.SelectV2{}, any(), any(), any())
	}},
	{"rand_topk", func(b *builder) int {
		s := qnn.Shape{1 + b.r.IntN(3), 1 + b.r.IntN(12)}
		if b.r.IntN(2) == 0 {
			b.halves()
		}
		b.input(s)
		b.ints(1 + b.r.IntN(s[1]))
		b.g.Tensors[len(b.g.Tensors)-1].Shape = qnn.Shape{}
		b.node.Op = qnn.TopK{}
		b.result = func(i int, y *qnn.Tensor) {
			if i == 1 {
				y.Type, y.Quant = qnn.Int32, qnn.Quant{}
			}
		}
		return 2
	}},
	// the last place of an exponential decides a byte
	{"rand_logisticedge", func(b *builder) int {
		return b.edge(qnn.Logistic{}, 0.00781251, 0.003906255, 0.00260417, 0.0019531276)
	}},
	{"rand_tanhedge", func(b *builder) int {
		return b.edge(qnn.Tanh{}, 0.050441645, 0.012550919, 0.033534516, 0.005681505)
	}},
	{"rand_wideexp", func(b *builder) int { return b.wide().one(qnn.Unary{Function: qnn.Exp}) }},
	{"rand_widelogistic", func(b *builder) int { return b.wide().one(qnn.Logistic{}) }},
	{"rand_widetanh", func(b *builder) int { return b.wide().one(qnn.Tanh{}) }},
	{"rand_widesoftmax", func(b *builder) int { return b.wide().one(qnn.Softmax{Beta: 1}) }},
	{"rand_wideround", func(b *builder) int { return b.wide().one(qnn.Unary{Function: qnn.Round}) }},
	{"rand_fmean", func(b *builder) int { return b.reduceFloats(qnn.Mean{KeepDims: b.r.IntN(2) == 0}) }},
	{"rand_fsum", func(b *builder) int { return b.reduceFloats(qnn.Reduce{Kind: qnn.ReduceSum}) }},
	{"rand_freducemax", func(b *builder) int {
		return b.reduceFloats(qnn.Reduce{Kind: qnn.ReduceMax, KeepDims: true})
	}},
	{"rand_freducemin", func(b *builder) int { return b.reduceFloats(qnn.Reduce{Kind: qnn.ReduceMin}) }},
}

func (b *builder) integers() *builder {
	b.typ = qnn.Int32
	return b
}

// numbers chooses float32 or int32.
func (b *builder) numbers() *builder {
	b.typ = []qnn.DType{qnn.Float32, qnn.Int32}[b.r.IntN(2)]
	return b
}

// positive chooses float32 and makes no negative inputs.
func (b *builder) positive() *builder {
	b.adjust = func(v float32) float32 { return float32(math.Abs(float64(v))) }
	return b.floats()
}

// edge makes all bytes the input of op, at one of the scales.
func (b *builder) edge(op qnn.Op, scales ...float32) int {
	b.input(qnn.Shape{1, 2048})
	q := b.g.Tensors[0].Quant
	lo, _ := b.typ.Limits()
	q.Scale[0], q.Zero[0] = scales[b.r.IntN(len(scales))], lo+128
	b.node.Op = op
	return 1
}

// wide chooses float32 and makes inputs of all magnitudes.
func (b *builder) wide() *builder {
	b.adjust = func(v float32) float32 {
		if b.r.IntN(2) == 0 {
			return 25 * v
		}
		for {
			if v = math.Float32frombits(b.r.Uint32()); v-v == 0 { // finite
				return v
			}
		}
	}
	return b.floats()
}

// halves chooses float32 and makes many inputs multiples of 0.5.
func (b *builder) halves() *builder {
	b.adjust = func(v float32) float32 {
		if b.r.IntN(4) == 0 {
			return v
		}
		return float32(math.Round(float64(2*v)) / 2)
	}
	return b.floats()
}

func (b *builder) compare(r qnn.Relation) int {
	if b.halves(); b.r.IntN(3) == 0 {
		b.integers()
	}
	b.result = func(_ int, y *qnn.Tensor) { y.Type, y.Quant = qnn.Bool, qnn.Quant{} }
	return b.pair(qnn.Compare{Relation: r})
}

// choose adds a condition of shape c and operands of shapes x and y.
func (b *builder) choose(op qnn.Op, c, x, y qnn.Shape) int {
	data := make([]byte, c.Elems())
	for i := range data {
		data[i] = byte(b.r.IntN(2))
	}
	b.operand(qnn.Tensor{Name: "c", Type: qnn.Bool, Shape: c, Data: data})
	if b.r.IntN(2) == 0 {
		b.numbers()
	}
	b.input(x)
	b.input(y)
	b.node.Op = op
	return 1
}

func (b *builder) reduceFloats(op qnn.Op) int {
	b.floats().input(b.shape(4))
	b.ints([][]int{{1, 2}, {-2}, {3}, {0, 3}, {1, 2, 3}, {2, 1}}[b.r.IntN(6)]...)
	b.node.Op = op
	return 1
}

// fill makes the values of an input.
func (b *builder) fill(t *qnn.Tensor) []byte {
	data := make([]byte, t.Bytes())
	for i := range data {
		data[i] = byte(b.r.Uint32())
	}
	switch t.Type {
	case qnn.Float32:
	case qnn.Bool:
		for i := range data {
			data[i] &= 1
		}
		return data
	default:
		return data
	}
	for i := 0; i < len(data); i += 4 {
		v := float32(4 * b.r.NormFloat64())
		if b.adjust != nil {
			v = b.adjust(v)
		}
		binary.LittleEndian.PutUint32(data[i:], math.Float32bits(v))
	}
	return data
}
