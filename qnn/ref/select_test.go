package ref

import (
	"bytes"
	"math"
	"testing"

	"qtune/qnn"
)

// counted is the int32 tensor of shape s that holds 0, 1, 2 and so on.
func counted(s ...int) qnn.Tensor {
	v := make([]int32, qnn.Shape(s).Elems())
	for i := range v {
		v[i] = int32(i)
	}
	t := words(v...)
	t.Shape = s
	return t
}

// TestStridedSlice: corners that random cases seldom meet, as TensorFlow Lite's
// interpreter computes them; those with Offset, which it does not know, as the
// same slice without.
func TestStridedSlice(t *testing.T) {
	for _, c := range []struct {
		op               qnn.StridedSlice
		x                qnn.Tensor
		begin, end, step qnn.Tensor
		want             []int32
	}{
		{qnn.StridedSlice{}, counted(6), words(9), words(-9), words(-2), []int32{5, 3, 1}},
		{qnn.StridedSlice{}, counted(6), words(-9), words(2), words(1), []int32{0, 1}},
		{qnn.StridedSlice{ShrinkMask: 1}, counted(6), words(-9), words(2), words(1), []int32{0}},
		{qnn.StridedSlice{ShrinkMask: 1, BeginMask: 1}, counted(6), words(2), words(0), words(1), []int32{0}},
		// a stride beyond the dimension, either way
		{qnn.StridedSlice{}, counted(6), words(4), words(6), words(math.MaxInt32), []int32{4}},
		{qnn.StridedSlice{}, counted(6), words(4), words(-9), words(math.MinInt32), []int32{4}},
		// an ellipsis for no dimension takes one, and the last entry is lost
		{qnn.StridedSlice{EllipsisMask: 4}, counted(2, 3, 4), words(1, 1, 0, 1), words(2, 2, 0, 2), words(1, 1, 1, 1), []int32{16, 17, 18, 19}},
		// an ellipsis bit beyond the entries, and a new axis that is to be dropped
		{qnn.StridedSlice{EllipsisMask: 2, ShrinkMask: 1}, counted(2, 3), words(1), words(0), words(1), []int32{3, 4, 5}},
		{qnn.StridedSlice{NewAxisMask: 4, ShrinkMask: 4}, counted(2, 3, 2), words(0, 1, 0, 1), words(2, 2, 0, 3), words(1, 1, 1, 1), []int32{3, 9}},
		{qnn.StridedSlice{Offset: true}, counted(6), words(1), words(4), words(2), []int32{1, 3}},
		{qnn.StridedSlice{Offset: true}, counted(6), words(-2), words(2), words(1), []int32{4, 5}},
		{qnn.StridedSlice{Offset: true}, counted(6), words(4), words(-3), words(-1), []int32{4, 3, 2}},
		{qnn.StridedSlice{Offset: true, EndMask: 1}, counted(6), words(4), words(2), words(1), []int32{4, 5}},
	} {
		got := compute(t, c.op, qnn.Int32, c.x, c.begin, c.end, c.step)
		if want := words(c.want...).Data; !bytes.Equal(got, want) {
			t.Errorf("%+v of %v: %v, want %v", c.op, c.x.Shape, got, want)
		}
	}
}

// TestArgOfNaN: a NaN is never better than another element, nor another than it.
func TestArgOfNaN(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		op   qnn.Op
		x    qnn.Tensor
		want int32
	}{
		{qnn.ArgMin{}, reals(nan, 1, 2), 0}, {qnn.ArgMin{}, reals(1, nan, 0), 2}, {qnn.ArgMin{}, reals(3, 1, 1), 1},
		{qnn.ArgMax{}, reals(nan, 1, 2), 0}, {qnn.ArgMax{}, reals(1, nan, 2), 2}, {qnn.ArgMax{}, reals(3, 3, nan), 0},
	} {
		if got := compute(t, c.op, qnn.Int32, c.x, words(0)); !bytes.Equal(got, words(c.want).Data) {
			t.Errorf("%s of %v: %v, want %d", c.op.OpName(), c.x.Data, got, c.want)
		}
	}
}

// TestGatherRefuses: indices that are not there, in the batch that has them.
func TestGatherRefuses(t *testing.T) {
	for _, bad := range []int32{-1, 3, math.MaxInt32, math.MinInt32} {
		indices := words(0, bad)
		indices.Shape = qnn.Shape{2, 1}
		g := &qnn.Graph{
			Tensors: []qnn.Tensor{counted(2, 3), indices, {Name: "y", Type: qnn.Int32, Shape: qnn.Shape{2, 1}}},
			Nodes:   []qnn.Node{{Op: qnn.Gather{Axis: 1, BatchDims: 1}, Inputs: []qnn.TensorID{0, 1}, Outputs: []qnn.TensorID{2}}},
			Outputs: []qnn.TensorID{2},
		}
		if err := g.Validate(); err != nil {
			t.Fatal(err)
		}
		if _, err := Run(g, nil); err == nil {
			t.Errorf("index %d of 3 is taken", bad)
		}
	}
}

// TestWideQuantize: values that saturate, and ties: upward in fixed point, away
// from zero from float32.
func TestWideQuantize(t *testing.T) {
	quant := func(x qnn.Tensor, scale float32, zero int32) qnn.Tensor {
		x.Quant = qnn.Quant{Scale: []float32{scale}, Zero: []int32{zero}}
		return x
	}
	y := quant(qnn.Tensor{Name: "y", Type: qnn.Int16, Shape: qnn.Shape{5}}, 0.5, 100)
	for _, c := range []struct {
		x    qnn.Tensor
		want []int16
	}{
		{quant(words(0, 3, -3, math.MaxInt32, math.MinInt32), 0.25, 0), []int16{100, 102, 99, math.MaxInt16, math.MinInt16}},
		{quant(words(7, 8, 6, 1<<14, -1<<14), 1, 7), []int16{100, 102, 98, 32767, -32682}},
		{reals(0, 0.25, -0.25, 1e30, -1e30), []int16{100, 101, 99, math.MaxInt16, math.MinInt16}},
	} {
		g := &qnn.Graph{
			Tensors: []qnn.Tensor{c.x, y}, Outputs: []qnn.TensorID{1},
			Nodes: []qnn.Node{{Op: qnn.Quantize{}, Inputs: []qnn.TensorID{0}, Outputs: []qnn.TensorID{1}}},
		}
		if err := g.Validate(); err != nil {
			t.Fatal(err)
		}
		vals, err := Run(g, nil)
		if err != nil {
			t.Fatal(err)
		}
		for k, want := range c.want {
			if got := decode(qnn.Int16, vals[1], k); got != int32(want) {
				t.Errorf("element %d of %s: %d, want %d", k, c.x.Type, got, want)
			}
		}
	}
}
