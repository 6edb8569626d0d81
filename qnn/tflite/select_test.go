package tflite_test

import (
	"reflect"
	"strings"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"

	"qtune/qnn"
	"qtune/qnn/tflite"
	"qtune/qnn/tflite/fb"
)

func quantisedTensor(t qnn.DType, scale float32, zero int32, s ...int) qnn.Tensor {
	return qnn.Tensor{Type: t, Shape: s, Quant: qnn.Quant{Scale: []float32{scale}, Zero: []int32{zero}}}
}

// selections are networks of operators that select or convert, and the version
// that each has in a file.
func selections() []struct {
	version int32
	g       *qnn.Graph
} {
	f, l := plainTensor(qnn.Float32, 2, 3, 4), plainTensor(qnn.Int64, 4)
	short := quantisedTensor(qnn.Int16, 0.5, 0, 4)
	ints := constInts
	return []struct {
		version int32
		g       *qnn.Graph
	}{
		{1, nodeGraph(qnn.ArgMin{}, 1, f, ints(-1), plainTensor(qnn.Int64, 2, 3))},
		{3, nodeGraph(qnn.ArgMax{}, 1, plainTensor(qnn.Bool, 2), ints(0), plainTensor(qnn.Int32))},
		{1, nodeGraph(qnn.MirrorPad{}, 1, plainTensor(qnn.Int64, 4), pairs(1, 2), plainTensor(qnn.Int64, 7))},
		{2, nodeGraph(qnn.MirrorPad{Symmetric: true}, 1, plainTensor(qnn.Int8, 4), pairs(4, 0), plainTensor(qnn.Int8, 8))},
		{1, nodeGraph(qnn.Gather{Axis: -1}, 1, f, ints(3, 0), plainTensor(qnn.Float32, 2, 3, 2))},
		{5, nodeGraph(qnn.Gather{Axis: 1, BatchDims: -1}, 1, f, matrix(2, 2, 0), plainTensor(qnn.Float32, 2, 1, 4))},
		{4, nodeGraph(qnn.Gather{}, 1, short, ints(3, 0), quantisedTensor(qnn.Int16, 0.5, 0, 2))},
		{6, nodeGraph(qnn.StridedSlice{EllipsisMask: 1, NewAxisMask: 2, ShrinkMask: 4}, 1, f, ints(0, 0, 1), ints(0, 0, 2), ints(1, 1, 1), plainTensor(qnn.Float32, 2, 3, 1))},
		{8, nodeGraph(qnn.StridedSlice{Offset: true, BeginMask: 1, EndMask: 2}, 1, plainTensor(qnn.Float32, 4, 4), ints(0, 2), ints(2, 2), ints(1, 1), plainTensor(qnn.Float32, 2, 2))},
		{2, nodeGraph(qnn.Quantize{}, 1, plainTensor(qnn.Float32, 4), short)},
		{2, nodeGraph(qnn.Quantize{}, 1, short, quantisedTensor(qnn.Int32, 0.1, 7, 4))},
		{3, nodeGraph(qnn.Dequantize{}, 1, short, plainTensor(qnn.Float32, 4))},
		{3, nodeGraph(qnn.Pad{}, 1, short, pairs(1, 2), quantisedTensor(qnn.Int16, 0.5, 9, 7))},
		{4, nodeGraph(qnn.Split{}, 2, ints(0), short, quantisedTensor(qnn.Int16, 0.5, 0, 2), quantisedTensor(qnn.Int16, 0.5, 0, 2))},
		{4, nodeGraph(qnn.Add{}, 1, l, l, l)},
		{5, nodeGraph(qnn.Mul{Activation: qnn.Relu}, 1, l, l, l)},
		{2, nodeGraph(qnn.Compare{Relation: qnn.Less}, 1, quantisedTensor(qnn.Int8, 0.5, 1, 4), quantisedTensor(qnn.Int8, 0.25, 2, 1), plainTensor(qnn.Bool, 4))},
	}
}

func pairs(v ...int32) qnn.Tensor { return matrix(len(v)/2, v...) }

// matrix is a constant of n rows.
func matrix(n int, v ...int32) qnn.Tensor {
	t := constInts(v...)
	t.Shape = qnn.Shape{n, len(v) / n}
	return t
}

// TestSelectionsRoundTrip: operators keep their options, and have the version
// that a reader needs to know.
func TestSelectionsRoundTrip(t *testing.T) {
	for _, c := range selections() {
		op := c.g.Nodes[0].Op
		file := mustExport(t, c.g)
		if got := mustImport(t, file).Nodes[0].Op; !reflect.DeepEqual(got, op) {
			t.Errorf("got %#v, want %#v", got, op)
		}
		var code fb.OperatorCode
		fb.GetRootAsModel(file, 0).OperatorCodes(&code, 0)
		if code.Version() != c.version {
			t.Errorf("%#v is written as version %d, want %d", op, code.Version(), c.version)
		}
	}
}

// TestSelectionsRefused: options, constants and types that make no sense are
// named.
func TestSelectionsRefused(t *testing.T) {
	f, i := plainTensor(qnn.Float32, 2, 3), plainTensor(qnn.Int32, 2, 3)
	u8, short := quantisedTensor(qnn.Uint8, 0.5, 3, 4), quantisedTensor(qnn.Int16, 0.5, 0, 4)
	strided := func(op qnn.StridedSlice, begin, end, step qnn.Tensor) *qnn.Graph {
		return nodeGraph(op, 1, f, begin, end, step, f)
	}
	one, two, three := constInts(1), constInts(1, 1), constInts(1, 1, 1)
	for _, c := range []struct {
		want string
		g    *qnn.Graph
	}{
		{"stride 0", strided(qnn.StridedSlice{}, one, constInts(2), constInts(0))},
		{"1 beginnings, but 2 ends or strides", strided(qnn.StridedSlice{}, one, two, one)},
		{"3 entries for 2 dimensions", strided(qnn.StridedSlice{}, three, three, three)},
		{"4 entries for 2 dimensions", strided(qnn.StridedSlice{EllipsisMask: 1}, constInts(0, 0, 0, 0), constInts(1, 1, 1, 1), constInts(1, 1, 1, 1))},
		{"ellipsis mask 0b11 names more than one entry", strided(qnn.StridedSlice{EllipsisMask: 3}, two, two, two)},
		{"new axis mask 0b1000 for 2 entries", strided(qnn.StridedSlice{NewAxisMask: 8}, two, two, two)},
		{"new axis mask -0b1 for 1 entries", strided(qnn.StridedSlice{NewAxisMask: -1}, one, one, one)},
		{"an ellipsis or a new axis where ends count from the beginnings", strided(qnn.StridedSlice{EllipsisMask: 1, Offset: true}, two, two, two)},
		{"dimension 1: 3 elements from 1 of 3", strided(qnn.StridedSlice{Offset: true}, constInts(0, 1), constInts(2, 3), two)},
		{"declared 2x3, but computes to 0x3", strided(qnn.StridedSlice{Offset: true}, one, constInts(-1), one)},
		{"dimension 0: the index 2 of 2 elements, with stride 1", strided(qnn.StridedSlice{ShrinkMask: 1}, constInts(2), one, one)},
		{"dimension 0: the index 1 of 2 elements, with stride -1", strided(qnn.StridedSlice{ShrinkMask: 1}, one, one, constInts(-1))},
		{"declared 2x3, but computes to 0x3", strided(qnn.StridedSlice{}, constInts(7), constInts(9), one)},
		{"declared 2x3, but computes to 0x3", strided(qnn.StridedSlice{}, constInts(-7), constInts(0), constInts(-1))},
		{"tensor \"t1\" is not constant", nodeGraph(qnn.StridedSlice{}, 1, f, plainTensor(qnn.Int32, 1), one, one, f)},

		{"axis 2 of 2 dimensions", nodeGraph(qnn.Gather{Axis: 2}, 1, f, one, f)},
		{"axis -3 of 2 dimensions", nodeGraph(qnn.Gather{Axis: -3}, 1, f, one, f)},
		{"1 batch dimensions of 2x3 and indices 1 before axis 1", nodeGraph(qnn.Gather{Axis: 1, BatchDims: 1}, 1, f, one, f)},
		{"1 batch dimensions of 2x3 and indices 2 before axis 0", nodeGraph(qnn.Gather{BatchDims: 1}, 1, f, two, f)},
		{"-2 batch dimensions of 2x3 and indices 2 before axis 1", nodeGraph(qnn.Gather{Axis: 1, BatchDims: -2}, 1, f, two, f)},
		{"2147483647 batch dimensions", nodeGraph(qnn.Gather{Axis: 1, BatchDims: 1<<31 - 1}, 1, f, two, f)},
		{"float32 indices", nodeGraph(qnn.Gather{}, 1, f, f, f)},

		{"3 cells of dimension 1 do not mirror 0 before and 3 after", nodeGraph(qnn.MirrorPad{}, 1, f, pairs(0, 0, 0, 3), f)},
		{"3 cells of dimension 1 do not mirror 4 before and 0 after", nodeGraph(qnn.MirrorPad{Symmetric: true}, 1, f, pairs(0, 0, 4, 0), f)},
		{"padding [-1 0] of dimension 0 is out of range", nodeGraph(qnn.MirrorPad{}, 1, f, pairs(-1, 0, 0, 0), f)},
		{"2 paddings for 2 dimensions", nodeGraph(qnn.MirrorPad{}, 1, f, pairs(0, 0), f)},
		{"is not constant", nodeGraph(qnn.MirrorPad{}, 1, f, plainTensor(qnn.Int32, 2, 2), f)},
		{"from float32 to int32", nodeGraph(qnn.MirrorPad{}, 1, f, pairs(0, 0, 0, 0), i)},

		{"from int16 to int32", nodeGraph(qnn.ArgMin{}, 1, short, constInts(0), plainTensor(qnn.Int32))},
		{"from float32 to float32", nodeGraph(qnn.ArgMin{}, 1, f, constInts(0), f)},
		{"axis 2 of 2 dimensions", nodeGraph(qnn.ArgMin{}, 1, f, constInts(2), i)},
		{"2 axes, want 1", nodeGraph(qnn.ArgMin{}, 1, f, constInts(0, 1), i)},

		{"from uint8 to int16", nodeGraph(qnn.Quantize{}, 1, u8, short)},
		{"from int16 to uint8", nodeGraph(qnn.Quantize{}, 1, short, u8)},
		{"from int32 to int32", nodeGraph(qnn.Quantize{}, 1, quantisedTensor(qnn.Int32, 1, 0, 4), quantisedTensor(qnn.Int32, 1, 0, 4))},
		{"from float32 to int32", nodeGraph(qnn.Quantize{}, 1, plainTensor(qnn.Float32, 4), quantisedTensor(qnn.Int32, 1, 0, 4))},
		{"tensor \"t0\" has 0 scales, want 1", nodeGraph(qnn.Quantize{}, 1, plainTensor(qnn.Int16, 4), short)},
		{"of type int16 has zero point 32768", nodeGraph(qnn.Quantize{}, 1, plainTensor(qnn.Float32, 4), quantisedTensor(qnn.Int16, 1, 1<<15, 4))},
		{"of type int16 has zero point 7, want 0", nodeGraph(qnn.Quantize{}, 1, short, quantisedTensor(qnn.Int16, 1, 7, 4))},
		{"of type int16 has zero point 7, want 0", nodeGraph(qnn.Dequantize{}, 1, quantisedTensor(qnn.Int16, 1, 7, 4), plainTensor(qnn.Float32, 4))},
		{"from int32 to float32", nodeGraph(qnn.Dequantize{}, 1, quantisedTensor(qnn.Int32, 1, 0, 4), plainTensor(qnn.Float32, 4))},
		{"of type int16 has zero point -40000", nodeGraph(qnn.Pad{}, 1, short, pairs(0, 0), quantisedTensor(qnn.Int16, 1, -40000, 4))},

		{"has scale 1.5, want less than 1", nodeGraph(qnn.Compare{}, 1, quantisedTensor(qnn.Uint8, 1.5, 3, 4), u8, plainTensor(qnn.Bool, 4))},
		{"has scale 1, want less than 1", nodeGraph(qnn.Compare{}, 1, u8, quantisedTensor(qnn.Uint8, 1, 3, 4), plainTensor(qnn.Bool, 4))},
		{"has 0 scales, want 1", nodeGraph(qnn.Compare{}, 1, u8, plainTensor(qnn.Uint8, 4), plainTensor(qnn.Bool, 4))},
		{"bool and bool to bool", nodeGraph(qnn.Compare{}, 1, plainTensor(qnn.Bool, 4), plainTensor(qnn.Bool, 4), plainTensor(qnn.Bool, 4))},
		{"uint8 and int8 to bool", nodeGraph(qnn.Compare{}, 1, u8, quantisedTensor(qnn.Int8, 0.5, 3, 4), plainTensor(qnn.Bool, 4))},
		{"int64 activations", nodeGraph(qnn.Div{}, 1, plainTensor(qnn.Int64, 4), plainTensor(qnn.Int64, 4), plainTensor(qnn.Int64, 4))},
	} {
		err := c.g.Validate()
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.ContainsRune(err.Error(), '\n') {
			t.Errorf("%s: error %v, want %q", c.g.Nodes[0].Op.OpName(), err, c.want)
		}
	}
}

// TestMirrorMode: a mode that the format does not know.
func TestMirrorMode(t *testing.T) {
	file := mustExport(t, nodeGraph(qnn.MirrorPad{Symmetric: true}, 1, plainTensor(qnn.Int64, 4), pairs(1, 2), plainTensor(qnn.Int64, 7)))
	var s fb.SubGraph
	var o fb.Operator
	var table flatbuffers.Table
	if !fb.GetRootAsModel(file, 0).Subgraphs(&s, 0) || !s.Operators(&o, 0) || !o.BuiltinOptions(&table) {
		t.Fatal("no options")
	}
	var m fb.MirrorPadOptions
	if m.Init(table.Bytes, table.Pos); !m.MutateMode(2) {
		t.Fatal("the file does not hold the mode")
	}
	g, err := tflite.Import(file)
	if err != nil {
		t.Fatal(err)
	}
	if op, ok := g.Nodes[0].Op.(qnn.Unsupported); !ok || op.Reason != "mirror mode 2 is not supported" {
		t.Errorf("operator %#v", g.Nodes[0].Op)
	}
}
