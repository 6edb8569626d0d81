package main

import (
	"encoding/binary"
	"fmt"
	"math"

	"qtune/qnn"
)

// selectMakers make networks of operators that select elements or compare them,
// and of all that take wider integers than 8 bits.
var selectMakers = []maker{
	{"rand_argmin", func(b *builder) int { return b.argBest(qnn.ArgMin{}, qnn.Uint8, qnn.Int8) }},
	{"rand_wideargmin", func(b *builder) int { return b.argBest(qnn.ArgMin{}, qnn.Float32, qnn.Int32, qnn.Bool) }},
	{"rand_wideargmax", func(b *builder) int { return b.argBest(qnn.ArgMax{}, qnn.Float32, qnn.Int32, qnn.Bool) }},
	{"rand_mirrorpad", func(b *builder) int { return b.mirrorPad(qnn.Uint8, qnn.Int8) }},
	{"rand_widemirrorpad", func(b *builder) int { return b.mirrorPad(qnn.Float32, qnn.Int32, qnn.Int64) }},
	{"rand_batchgather", func(b *builder) int { return b.batchGather(1 + b.r.IntN(2)) }},
	{"rand_widegather", func(b *builder) int {
		b.any(qnn.Int16, qnn.Int64, qnn.Bool)
		return b.batchGather(b.r.IntN(2))
	}},
	{"rand_strides", strides},
	{"rand_widestrides", func(b *builder) int {
		b.any(qnn.Float32, qnn.Int16, qnn.Int32, qnn.Int64, qnn.Bool)
		return strides(b)
	}},
	{"rand_fl2norm", func(b *builder) int { return b.floats().one(qnn.L2Norm{}) }},
	{"rand_longadd", func(b *builder) int { return b.longs(qnn.Add{Activation: b.act()}) }},
	{"rand_longsub", func(b *builder) int { return b.longs(qnn.Sub{Activation: b.act()}) }},
	{"rand_longmul", func(b *builder) int { return b.longs(qnn.Mul{Activation: b.act()}) }},
	{"rand_longmax", func(b *builder) int { return b.longs(qnn.Maximum{}) }},
	{"rand_longmin", func(b *builder) int { return b.longs(qnn.Minimum{}) }},
	{"rand_longmod", func(b *builder) int { return b.longs(qnn.FloorMod{}) }},
	{"rand_less8", func(b *builder) int { return b.compare8(qnn.Less) }},
	{"rand_lessequal8", func(b *builder) int { return b.compare8(qnn.LessEqual) }},
	{"rand_greater8", func(b *builder) int { return b.compare8(qnn.Greater) }},
	{"rand_greaterequal8", func(b *builder) int { return b.compare8(qnn.GreaterEqual) }},
	{"rand_equal8", func(b *builder) int { return b.compare8(qnn.Equal) }},
	{"rand_notequal8", func(b *builder) int { return b.compare8(qnn.NotEqual) }},
	{"rand_equalbool", func(b *builder) int { return b.any(qnn.Bool).related(qnn.Equal) }},
	{"rand_notequalbool", func(b *builder) int { return b.any(qnn.Bool).related(qnn.NotEqual) }},
	{"rand_longcompare", func(b *builder) int { return b.any(qnn.Int64).related(qnn.Relation(b.r.IntN(6))) }},
	{"rand_shortpad", func(b *builder) int {
		b.any(qnn.Int16).input(b.shape(3))
		b.paddings(b.r.IntN(3), 1, 0, b.r.IntN(3), 2, 1)
		b.node.Op = qnn.Pad{}
		b.result = func(_ int, y *qnn.Tensor) { y.Quant = quantOf(0.01, int32(b.r.IntN(3000)-1500)) }
		return 1
	}},
	{"rand_shortconcat", func(b *builder) int {
		s := b.any(qnn.Int16).shape(3)
		b.input(s)
		b.input(s)
		b.node.Op = qnn.Concat{Axis: b.r.IntN(6) - 3}
		return 1
	}},
	{"rand_shorttranspose", func(b *builder) int {
		b.any(qnn.Int16).input(b.shape(4))
		b.ints(b.r.Perm(4)...)
		b.node.Op = qnn.Transpose{}
		return 1
	}},
	{"rand_shortslice", func(b *builder) int {
		s := b.any(qnn.Int16).shape(2)
		first := b.r.IntN(s[1])
		b.input(s)
		b.ints(0, first)
		b.ints(-1, 1+b.r.IntN(s[1]-first))
		b.node.Op = qnn.Slice{}
		return 1
	}},
	{"rand_fprelu", func(b *builder) int {
		s := b.floats().shape(4)
		b.input(s)
		b.input(qnn.Shape{1, 1, s[3]})
		b.node.Op = qnn.PRelu{}
		return 1
	}},
	{"rand_wides2b", func(b *builder) int {
		s := b.any(qnn.Float32, qnn.Int32, qnn.Int64).shape(4)
		top := b.r.IntN(3)
		b.input(s)
		b.ints(2, 1)
		b.paddings(top, (s[1]+top)%2, b.r.IntN(2), b.r.IntN(2))
		b.node.Op = qnn.SpaceToBatch{}
		return 1
	}},
	{"rand_shortcast", func(b *builder) int {
		types := []qnn.DType{qnn.Uint8, qnn.Int8, qnn.Int16, qnn.Int32, qnn.Int64, qnn.Float32, qnn.Bool}
		to := types[b.r.IntN(len(types))]
		if b.any(types...); to != qnn.Int16 {
			b.typ = qnn.Int16
		}
		b.input(b.shape(3))
		b.node.Op = qnn.Cast{}
		b.result = func(_ int, y *qnn.Tensor) { y.Type, y.Quant = to, qnn.Quant{} }
		return 1
	}},
	{"rand_dequantize_int16", func(b *builder) int {
		b.any(qnn.Int16).input(b.shape(3))
		b.g.Tensors[0].Quant = quantOf(0.001+0.01*b.r.Float32(), 0)
		b.result = func(_ int, y *qnn.Tensor) { y.Type, y.Quant = qnn.Float32, qnn.Quant{} }
		b.node.Op = qnn.Dequantize{}
		return 1
	}},
}

func quantOf(scale float32, zero int32) qnn.Quant {
	return qnn.Quant{Scale: []float32{scale}, Zero: []int32{zero}}
}

// quantizeMakers has one for each pair of types that QUANTIZE takes.
func quantizeMakers() []maker {
	var all []maker
	for _, p := range [][2]qnn.DType{
		{qnn.Float32, qnn.Uint8}, {qnn.Float32, qnn.Int8}, {qnn.Float32, qnn.Int16},
		{qnn.Uint8, qnn.Uint8}, {qnn.Uint8, qnn.Int8}, {qnn.Int8, qnn.Uint8}, {qnn.Int8, qnn.Int8},
		{qnn.Int16, qnn.Int8}, {qnn.Int16, qnn.Int16}, {qnn.Int16, qnn.Int32},
		{qnn.Int32, qnn.Int8}, {qnn.Int32, qnn.Int16},
	} {
		all = append(all, maker{
			fmt.Sprintf("rand_quantize_%s_%s", p[0], p[1]),
			func(b *builder) int { return b.quantize(p[0], p[1]) },
		})
	}
	return all
}

// quantize goes from one type to another, with results that use the range of the
// narrower one, and sometimes leave it.
func (b *builder) quantize(from, to qnn.DType) int {
	b.typ = from
	zero := func(t qnn.DType) int32 {
		switch {
		case t.Is8Bit():
			lo, _ := t.Limits()
			return lo + b.r.Int32N(256)
		case from == qnn.Int16 && to == qnn.Int16:
			return 0
		}
		return int32(b.r.IntN(2000) - 1000)
	}
	scale := 0.002 + 0.1*b.r.Float32()
	result := quantOf(scale, zero(to))
	if from != qnn.Float32 {
		bits := min(8*from.Size(), 24) - 8*to.Size()
		result.Scale[0] *= float32(math.Exp2(float64(bits) + 2*b.r.Float64() - 1))
	}
	b.input(qnn.Shape{1, 1 + b.r.IntN(6), 10})
	if from != qnn.Float32 {
		b.g.Tensors[0].Quant = quantOf(scale, zero(from))
	}
	b.result = func(_ int, y *qnn.Tensor) { y.Type, y.Quant = to, result }
	b.node.Op = qnn.Quantize{}
	return 1
}

// any chooses one of types.
func (b *builder) any(types ...qnn.DType) *builder {
	b.typ = types[b.r.IntN(len(types))]
	return b
}

func (b *builder) argBest(op qnn.Op, types ...qnn.DType) int {
	s := b.any(types...).shape(4)
	s[0] = 2
	b.input(s)
	b.ints(b.r.IntN(8) - 4)
	b.node.Op = op
	return 1
}

func (b *builder) mirrorPad(types ...qnn.DType) int {
	op := qnn.MirrorPad{Symmetric: b.r.IntN(2) == 0}
	s := b.any(types...).shape(1 + b.r.IntN(4))
	var cells []int
	for _, d := range s {
		if !op.Symmetric {
			d--
		}
		cells = append(cells, b.r.IntN(min(d, 3)+1), b.r.IntN(min(d, 3)+1))
	}
	b.input(s)
	b.paddings(cells...)
	b.node.Op = op
	return 1
}

// batchGather gathers along any axis after some batches, which are written from
// either end.
func (b *builder) batchGather(batches int) int {
	s := b.shape(4)
	s[0] = 2
	axis := batches + b.r.IntN(4-batches)
	at := append(append(qnn.Shape{}, s[:batches]...), 1+b.r.IntN(3))
	if b.r.IntN(3) == 0 {
		at = append(at, 2)
	}
	op := qnn.Gather{Axis: axis - 4*b.r.IntN(2), BatchDims: batches}
	if batches > 0 && b.r.IntN(2) == 0 {
		op.BatchDims -= len(at)
	}
	b.input(s)
	b.indices(at, s[axis])
	b.node.Op = op
	return 1
}

// indices adds constant indices below n, int32 or int64.
func (b *builder) indices(s qnn.Shape, n int) {
	t := qnn.Tensor{Name: "i", Type: []qnn.DType{qnn.Int32, qnn.Int64}[b.r.IntN(2)], Shape: s}
	for range s.Elems() {
		v := uint64(b.r.IntN(n))
		if t.Type == qnn.Int64 {
			t.Data = binary.LittleEndian.AppendUint64(t.Data, v)
		} else {
			t.Data = binary.LittleEndian.AppendUint32(t.Data, uint32(v))
		}
	}
	b.operand(t)
}

// strides slices with every mask, from either end and in both directions.
func strides(b *builder) int {
	s := b.shape(1 + b.r.IntN(4))
	s[0] += b.r.IntN(3)
	op := qnn.StridedSlice{}
	var begin, end, step []int
	entry := func(from, to, by int) { begin, end, step = append(begin, from), append(end, to), append(step, by) }
	ellipsis, left := b.r.IntN(5), 5-len(s) // dimensions that may be added
	for i, d := range s {
		if i == ellipsis {
			op.EllipsisMask = 1 << len(begin)
			entry(b.r.IntN(3), b.r.IntN(3), 1)
			if b.r.IntN(2) == 0 {
				continue
			}
			// it stands for the dimensions between
			if rest := b.r.IntN(len(s) - i); rest > 0 {
				s := s[len(s)-rest:]
				for _, d := range s {
					b.stridedEntry(&op, len(begin), d, entry)
				}
			}
			break
		}
		if b.r.IntN(4) == 0 && left > 0 {
			left--
			op.NewAxisMask |= 1 << len(begin)
			entry(b.r.IntN(3), b.r.IntN(3), 1)
		}
		b.stridedEntry(&op, len(begin), d, entry)
	}
	b.input(s)
	b.ints(begin...)
	b.ints(end...)
	b.ints(step...)
	b.node.Op = op
	return 1
}

// stridedEntry adds an entry for a dimension of extent d that selects something.
func (b *builder) stridedEntry(op *qnn.StridedSlice, i, d int, entry func(from, to, by int)) {
	bit, first, by := 1<<i, b.r.IntN(d), 1+b.r.IntN(2)
	if b.r.IntN(6) == 0 {
		op.BeginMask |= bit
	}
	switch b.r.IntN(5) {
	case 0:
		op.ShrinkMask |= bit
		entry(first-d*b.r.IntN(2), b.r.IntN(3), by)
	case 1:
		entry(first+b.r.IntN(2)*2*d, -d-1-b.r.IntN(3), -by)
	case 2:
		op.EndMask |= bit
		entry(first, b.r.IntN(3), -by)
	case 3:
		op.EndMask |= bit
		entry(first-d, b.r.IntN(3), by)
	default:
		entry(first, d+b.r.IntN(3), by)
	}
}

// longs adds an operator of two int64 operands, neither of them 0.
func (b *builder) longs(op qnn.Op) int {
	n := b.any(qnn.Int64).pair(op)
	for i := range b.g.Tensors {
		if t := &b.g.Tensors[i]; t.IsConst() {
			for k := 0; k < len(t.Data); k += 8 {
				t.Data[k] |= 1
				if b.r.IntN(3) == 0 { // small numbers
					copy(t.Data[k+1:k+8], make([]byte, 7))
				}
			}
		}
	}
	return n
}

// compare8 compares bytes whose quantisations differ, or do not; many are equal
// to within the precision of the comparison.
func (b *builder) compare8(r qnn.Relation) int {
	n := b.related(r)
	x, y := &b.g.Tensors[0], &b.g.Tensors[1]
	switch b.r.IntN(3) {
	case 0:
		y.Quant = x.Quant
	case 1:
		y.Quant = quantOf(2*x.Quant.Scale[0], y.Quant.Zero[0])
	}
	return n
}

// related compares tensors of any type.
func (b *builder) related(r qnn.Relation) int {
	b.result = func(_ int, y *qnn.Tensor) { y.Type, y.Quant = qnn.Bool, qnn.Quant{} }
	return b.pair(qnn.Compare{Relation: r})
}
