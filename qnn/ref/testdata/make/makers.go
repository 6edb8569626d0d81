package main

import (
	"encoding/binary"
	"math/rand/v2"

	"qtune/qnn"
)

// builder makes a network of one node.
type builder struct {
	r    *rand.Rand
	typ  qnn.DType
	g    *qnn.Graph
	node qnn.Node

	result func(i int, y *qnn.Tensor) // changes output i, if set
	adjust func(v float32) float32    // changes each float32 input, if set
}

// A maker makes random networks; the name begins the name of the case.
type maker struct {
	name string
	make func(b *builder) (outputs int)
}

var makers = []maker{
	{"rand_sub", func(b *builder) int { return b.pair(qnn.Sub{Activation: b.act()}) }},
	{"rand_mul", func(b *builder) int { return b.pair(qnn.Mul{Activation: b.act()}) }},
	{"rand_maximum", func(b *builder) int { return b.pair(qnn.Maximum{}) }},
	{"rand_minimum", func(b *builder) int { return b.pair(qnn.Minimum{}) }},
	{"rand_prelu", func(b *builder) int {
		s := b.shape(4)
		b.input(s)
		b.constant8(qnn.Shape{1, 1, s[3]})
		b.node.Op = qnn.PRelu{}
		return 1
	}},
	{"rand_relu", func(b *builder) int { return b.one(qnn.Clamp{Activation: qnn.Relu}) }},
	{"rand_relu1", func(b *builder) int { return b.one(qnn.Clamp{Activation: qnn.ReluN1To1}) }},
	{"rand_relu6", func(b *builder) int { return b.one(qnn.Clamp{Activation: qnn.Relu6}) }},
	{"rand_leaky", func(b *builder) int { return b.one(qnn.LeakyRelu{Alpha: b.r.Float32()}) }},
	{"rand_hardswish", func(b *builder) int { return b.one(qnn.HardSwish{}) }},
	{"rand_logistic", func(b *builder) int { return b.one(qnn.Logistic{}) }},
	{"rand_tanh", func(b *builder) int { return b.one(qnn.Tanh{}) }},
	{"rand_l2norm", func(b *builder) int { return b.one(qnn.L2Norm{}) }},
	{"rand_bilinear", func(b *builder) int { return b.resize(qnn.ResizeBilinear{Resize: b.mode()}) }},
	{"rand_nearest", func(b *builder) int { return b.resize(qnn.ResizeNearest{Resize: b.mode()}) }},
	{"rand_argmax", func(b *builder) int {
		b.input(b.shape(4))
		b.ints(b.r.IntN(8) - 4)
		b.node.Op = qnn.ArgMax{}
		return 1
	}},
	{"rand_tconv", transposeConv},
	{"rand_slice", func(b *builder) int {
		s := b.shape(4)
		b.input(s)
		at := []int{0, b.r.IntN(s[1]), b.r.IntN(s[2]), b.r.IntN(s[3])}
		b.ints(at...)
		b.ints(-1, 1+b.r.IntN(s[1]-at[1]), -1, 1+b.r.IntN(s[3]-at[3]))
		b.node.Op = qnn.Slice{}
		return 1
	}},
	{"rand_strided", func(b *builder) int {
		s := b.shape(4)
		b.input(s)
		b.ints(0, -s[1], s[2]-1, b.r.IntN(s[3]))
		b.ints(1, s[1]+3, -s[2]-1, 0)
		b.ints(1, 1+b.r.IntN(3), -1-b.r.IntN(2), 1)
		b.node.Op = qnn.StridedSlice{BeginMask: b.r.IntN(2), EndMask: b.r.IntN(2) << 1, ShrinkMask: 8}
		return 1
	}},
	{"rand_split", func(b *builder) int {
		n := 1 + b.r.IntN(3)
		b.ints(-1)
		s := b.shape(4)
		s[3] = n * (1 + b.r.IntN(3))
		b.input(s)
		b.node.Op = qnn.Split{}
		return n
	}},
	{"rand_splitv", func(b *builder) int {
		s := b.shape(4)
		s[2] += 3
		b.input(s)
		b.ints(1, -1, 2)
		b.ints(2)
		b.node.Op = qnn.SplitV{}
		return 3
	}},
	{"rand_pack", func(b *builder) int {
		s := b.shape(3)
		for range 1 + b.r.IntN(3) {
			b.input(s)
		}
		b.node.Op = qnn.Pack{Axis: b.r.IntN(8) - 4}
		return 1
	}},
	{"rand_unpack", func(b *builder) int {
		s := b.shape(4)
		b.input(s)
		b.node.Op = qnn.Unpack{Axis: -2}
		return s[2]
	}},
	{"rand_transpose", func(b *builder) int {
		b.input(b.shape(4))
		b.ints(b.r.Perm(4)...)
		b.node.Op = qnn.Transpose{}
		return 1
	}},
	{"rand_expand", func(b *builder) int {
		b.input(b.shape(3))
		b.ints(b.r.IntN(8) - 4)
		b.node.Op = qnn.ExpandDims{}
		return 1
	}},
	{"rand_s2d", func(b *builder) int {
		s := b.shape(4)
		b.input(qnn.Shape{s[0], 2 * s[1], 2 * s[2], s[3]})
		b.node.Op = qnn.SpaceToDepth{Block: 2}
		return 1
	}},
	{"rand_sum", func(b *builder) int { return b.reduce(qnn.ReduceSum) }},
	{"rand_rmax", func(b *builder) int { return b.reduce(qnn.ReduceMax) }},
	{"rand_rmin", func(b *builder) int { return b.reduce(qnn.ReduceMin) }},
	{"rand_div", func(b *builder) int {
		b.typ = qnn.Uint8
		s := b.shape(4)
		b.input(s)
		b.constant8(s)
		divisor := b.g.Tensors[len(b.g.Tensors)-1]
		for i, v := range divisor.Data {
			if int32(v) == divisor.Quant.Zero[0] {
				divisor.Data[i] ^= 1
			}
		}
		b.node.Op = qnn.Div{Activation: b.act()}
		return 1
	}},
	{"rand_padv2", func(b *builder) int {
		b.input(b.shape(4))
		b.paddings(0, 0, b.r.IntN(3), b.r.IntN(3), b.r.IntN(3), b.r.IntN(3), b.r.IntN(2), b.r.IntN(2))
		b.constant8(qnn.Shape{1})
		b.node.Op = qnn.PadValue{}
		return 1
	}},
	{"rand_gather", func(b *builder) int {
		s := b.shape(4)
		b.input(s)
		axis := b.r.IntN(4)
		var at []int
		for range 1 + b.r.IntN(4) {
			at = append(at, b.r.IntN(s[axis]))
		}
		b.ints(at...)
		b.node.Op = qnn.Gather{Axis: axis - 4*b.r.IntN(2)}
		return 1
	}},
	{"rand_gathernd", func(b *builder) int {
		s := b.shape(4)
		b.input(s)
		b.ints(0, b.r.IntN(s[1]), b.r.IntN(s[2]), 0, b.r.IntN(s[1]), b.r.IntN(s[2]))
		b.g.Tensors[len(b.g.Tensors)-1].Shape = qnn.Shape{2, 3}
		b.node.Op = qnn.GatherND{}
		return 1
	}},
	{"rand_s2b", func(b *builder) int {
		s := b.shape(4)
		top, left := b.r.IntN(2), b.r.IntN(3)
		b.input(s)
		b.ints(2, 3)
		b.paddings(top, (2-(s[1]+top)%2)%2, left, (3-(s[2]+left)%3)%3)
		b.node.Op = qnn.SpaceToBatch{}
		return 1
	}},
	{"rand_b2s", func(b *builder) int {
		s := b.shape(4)
		s[0] = 6
		b.input(s)
		b.ints(2, 3)
		b.paddings(b.r.IntN(2), b.r.IntN(2)*(s[1]-1), b.r.IntN(2), b.r.IntN(2))
		b.node.Op = qnn.BatchToSpace{}
		return 1
	}},
	{"rand_cast", func(b *builder) int {
		b.input(b.shape(3))
		b.node.Op = qnn.Cast{}
		return 1
	}},
	{"rand_fadd", func(b *builder) int { return b.floats().pair(qnn.Add{Activation: b.act()}) }},
	{"rand_fsub", func(b *builder) int { return b.floats().pair(qnn.Sub{Activation: b.act()}) }},
	{"rand_fmul", func(b *builder) int { return b.floats().pair(qnn.Mul{Activation: b.act()}) }},
	{"rand_fdiv", func(b *builder) int { return b.floats().pair(qnn.Div{Activation: b.act()}) }},
	{"rand_fmax", func(b *builder) int { return b.floats().pair(qnn.Maximum{}) }},
	{"rand_frelu6", func(b *builder) int { return b.floats().one(qnn.Clamp{Activation: qnn.Relu6}) }},
	{"rand_fleaky", func(b *builder) int { return b.floats().one(qnn.LeakyRelu{Alpha: b.r.Float32()}) }},
	{"rand_fhardswish", func(b *builder) int { return b.floats().one(qnn.HardSwish{}) }},
	{"rand_fargmax", func(b *builder) int {
		b.floats().input(b.shape(4))
		b.ints(3)
		b.node.Op = qnn.ArgMax{}
		return 1
	}},
	{"rand_fconcat", func(b *builder) int {
		s := b.floats().shape(4)
		b.input(s)
		b.input(s)
		b.node.Op = qnn.Concat{Axis: 2}
		return 1
	}},
	{"rand_fpad", func(b *builder) int {
		b.floats().input(b.shape(4))
		b.paddings(0, 0, b.r.IntN(3), b.r.IntN(3), b.r.IntN(3), b.r.IntN(3), 0, 1)
		b.node.Op = qnn.Pad{}
		return 1
	}},
	{"rand_d2s", func(b *builder) int {
		s := b.shape(4)
		s[3] *= 4
		b.input(s)
		b.node.Op = qnn.DepthToSpace{Block: 2}
		return 1
	}},
	{"rand_elu", func(b *builder) int {
		b.typ = qnn.Int8
		return b.one(qnn.Elu{})
	}},
	{"rand_bilinear_plain", func(b *builder) int { return b.floats().resize(qnn.ResizeBilinear{Resize: b.mode()}) }},
	{"rand_bilinear_twice", func(b *builder) int {
		s := b.floats().shape(4)
		b.input(s)
		b.ints(2*s[1], 2*s[2])
		b.node.Op = qnn.ResizeBilinear{}
		return 1
	}},
	{"rand_floordiv_plain", func(b *builder) int { return b.floats().pair(qnn.FloorDiv{}) }},
	{"rand_floormod_plain", func(b *builder) int { return b.floats().pair(qnn.FloorMod{}) }},
}

// newCase makes a network, its output's shapes inferred.
func newCase(r *rand.Rand, name string, fill func(*builder) int) *oneCase {
	b := &builder{r: r, g: &qnn.Graph{Name: "main"}, typ: []qnn.DType{qnn.Uint8, qnn.Int8}[r.IntN(2)]}
	outputs := fill(b)
	g := b.g
	quant := b.quant()
	if !b.typ.Is8Bit() {
		return finish(r, name, b, outputs, quant)
	}
	switch b.node.Op.(type) {
	case qnn.L2Norm:
		quant.Scale[0], quant.Zero[0] = 1.0/128, map[qnn.DType]int32{qnn.Uint8: 128}[b.typ]
	case qnn.Logistic:
		quant.Scale[0], quant.Zero[0] = 1.0/256, map[qnn.DType]int32{qnn.Int8: -128}[b.typ]
	case qnn.Tanh:
		quant.Scale[0], quant.Zero[0] = 1.0/128, map[qnn.DType]int32{qnn.Uint8: 128}[b.typ]
	case qnn.HardSwish:
		quant.Scale[0] = g.Tensors[0].Quant.Scale[0] * (0.2 + r.Float32())
	case qnn.Sub, qnn.Mul, qnn.Div, qnn.PRelu, qnn.Clamp, qnn.LeakyRelu, qnn.TransposeConv, qnn.Elu, qnn.Quantize, qnn.Compare:
	default: // elements are copied
		for _, t := range g.Tensors {
			if t.Type == b.typ {
				quant = t.Quant
			}
		}
		for i := range g.Tensors {
			if g.Tensors[i].Type == b.typ {
				g.Tensors[i].Quant = quant
			}
		}
	}
	return finish(r, name, b, outputs, quant)
}

// finish adds the outputs and makes inputs.
func finish(r *rand.Rand, name string, b *builder, outputs int, quant qnn.Quant) *oneCase {
	g := b.g
	for i := range outputs {
		y := qnn.Tensor{Name: "y", Type: b.typ, Quant: quant}
		if b.result != nil {
			b.result(i, &y)
		}
		switch b.node.Op.(type) {
		case qnn.ArgMax, qnn.ArgMin:
			y.Type, y.Quant = []qnn.DType{qnn.Int32, qnn.Int64}[r.IntN(2)], qnn.Quant{}
		}
		if _, ok := b.node.Op.(qnn.Cast); ok && b.result == nil {
			y.Type, y.Quant = []qnn.DType{qnn.Int32, qnn.Float32, qnn.Int64}[r.IntN(3)], qnn.Quant{}
		}
		if op, ok := b.node.Op.(qnn.Reduce); ok && op.Kind == qnn.ReduceSum && r.IntN(3) > 0 {
			y.Quant = b.quant()
		}
		b.node.Outputs = append(b.node.Outputs, b.add(y))
	}
	g.Outputs = b.node.Outputs
	shapes, err := g.InferShapes(&b.node)
	check(err)
	for i, id := range g.Outputs {
		g.Tensors[id].Shape = shapes[i]
	}
	g.Nodes = []qnn.Node{b.node}
	c := &oneCase{name: name, g: g}
	for _, id := range g.Inputs {
		c.inputs = append(c.inputs, b.fill(&g.Tensors[id]))
	}
	return c
}

func (b *builder) add(t qnn.Tensor) qnn.TensorID {
	b.g.Tensors = append(b.g.Tensors, t)
	return qnn.TensorID(len(b.g.Tensors) - 1)
}

func (b *builder) operand(t qnn.Tensor) qnn.TensorID {
	id := b.add(t)
	b.node.Inputs = append(b.node.Inputs, id)
	return id
}

// floats makes the case one of float32.
func (b *builder) floats() *builder {
	b.typ = qnn.Float32
	return b
}

func (b *builder) quant() qnn.Quant {
	if !b.typ.Is8Bit() {
		return qnn.Quant{}
	}
	lo, hi := b.typ.Limits()
	return qnn.Quant{Scale: []float32{0.002 + 0.1*b.r.Float32()}, Zero: []int32{lo + b.r.Int32N(hi-lo+1)}}
}

// shape returns a small shape of batch 1.
func (b *builder) shape(rank int) qnn.Shape {
	s := qnn.Shape{1}
	for len(s) < rank {
		s = append(s, 1+b.r.IntN(7))
	}
	return s
}

func (b *builder) act() qnn.Activation { return qnn.Activation(b.r.IntN(4)) }

func (b *builder) mode() qnn.Resize {
	m := b.r.IntN(3)
	return qnn.Resize{AlignCorners: m == 1, HalfPixel: m == 2}
}

func (b *builder) input(s qnn.Shape) {
	t := qnn.Tensor{Name: "x", Type: b.typ, Shape: s, Quant: b.quant()}
	if b.typ == qnn.Int64 {
		b.constantInput(t)
		return
	}
	id := b.operand(t)
	b.g.Inputs = append(b.g.Inputs, id)
}

// constantInput makes an operand constant whose type the interpreter's interface
// does not take, beside an input that nothing reads.
func (b *builder) constantInput(t qnn.Tensor) {
	t.Data = b.fill(&t)
	b.operand(t)
	if len(b.g.Inputs) == 0 {
		b.g.Inputs = append(b.g.Inputs, b.add(qnn.Tensor{Name: "unused", Type: qnn.Int32, Shape: qnn.Shape{1}}))
	}
}

func (b *builder) constant8(s qnn.Shape) {
	data := make([]byte, s.Elems())
	for i := range data {
		data[i] = byte(b.r.Uint32())
	}
	b.operand(qnn.Tensor{Name: "c", Type: b.typ, Shape: s, Quant: b.quant(), Data: data})
}

func (b *builder) ints(v ...int) {
	var data []byte
	for _, x := range v {
		data = binary.LittleEndian.AppendUint32(data, uint32(int32(x)))
	}
	b.operand(qnn.Tensor{Name: "n", Type: qnn.Int32, Shape: qnn.Shape{len(v)}, Data: data})
}

// paddings adds pairs of cells before and after.
func (b *builder) paddings(v ...int) {
	b.ints(v...)
	b.g.Tensors[len(b.g.Tensors)-1].Shape = qnn.Shape{len(v) / 2, 2}
}

func (b *builder) reduce(kind qnn.ReduceKind) int {
	b.input(b.shape(4))
	b.ints([][]int{{1, 2}, {3}, {1}, {-1, 2}, {0, 1, 2, 3}}[b.r.IntN(5)]...)
	b.node.Op = qnn.Reduce{Kind: kind, KeepDims: b.r.IntN(2) == 0}
	return 1
}

func (b *builder) one(op qnn.Op) int {
	b.input(qnn.Shape{1, 4, 16, 1 + b.r.IntN(8)})
	b.node.Op = op
	return 1
}

func (b *builder) pair(op qnn.Op) int {
	s := b.shape(4)
	b.input(s)
	if b.r.IntN(2) == 0 {
		s = qnn.Shape{1, 1, 1, s[3]}
	}
	b.input(s)
	b.node.Op = op
	return 1
}

func (b *builder) resize(op qnn.Op) int {
	b.input(b.shape(4))
	b.ints(1+b.r.IntN(15), 1+b.r.IntN(15))
	b.node.Op = op
	return 1
}

func transposeConv(b *builder) int {
	x := b.shape(4)
	sh, sw, k, o := 1+b.r.IntN(3), 1+b.r.IntN(3), 1+b.r.IntN(4), 1+b.r.IntN(5)
	op := qnn.TransposeConv{Padding: qnn.Padding(b.r.IntN(2)), StrideH: sh, StrideW: sw}
	h, w := x[1]*sh, x[2]*sw
	if op.Padding == qnn.Valid {
		h, w = (x[1]-1)*sh+k, (x[2]-1)*sw+k
	}
	b.ints(1, h, w, o)
	b.constant8(qnn.Shape{o, k, k, x[3]})
	if b.typ == qnn.Int8 {
		b.g.Tensors[1].Quant.Zero[0] = 0
	}
	b.input(x)
	b.node.Op = op
	return 1
}
