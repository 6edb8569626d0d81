package tflite

import (
	"fmt"
	"math"
	"slices"

	"qtune/qnn"
	"qtune/qnn/tflite/fb"
)

// dtypes are the element types by their number in the file; others are
// qnn.InvalidType, which only Unsupported operators take.
var dtypes = map[int8]qnn.DType{
	0:  qnn.Float32,
	1:  qnn.Float16,
	2:  qnn.Int32,
	3:  qnn.Uint8,
	4:  qnn.Int64,
	5:  qnn.String,
	6:  qnn.Bool,
	7:  qnn.Int16,
	9:  qnn.Int8,
	17: qnn.Int4,
}

func (r *reader) tensors() error {
	r.graph.Tensors = make([]qnn.Tensor, r.sub.TensorsLength())
	t := new(fb.Tensor)
	for i := range r.graph.Tensors {
		r.sub.Tensors(t, i)
		if err := r.tensor(&r.graph.Tensors[i], t); err != nil {
			return fmt.Errorf("tensor %d %.80q: %w", i, t.Name(), err)
		}
	}
	return nil
}

func (r *reader) tensor(out *qnn.Tensor, t *fb.Tensor) error {
	if t.IsVariable() {
		return fmt.Errorf("variable tensors (state kept between runs) are not supported")
	}
	if t.Sparsity(nil) != nil {
		return fmt.Errorf("sparse tensors are not supported")
	}
	var err error
	out.Name = string(t.Name())
	out.Type = dtypes[t.Type()]
	out.Shape = make(qnn.Shape, t.ShapeLength())
	for i := range out.Shape {
		out.Shape[i] = int(t.Shape(i))
	}
	if out.Quant, err = readQuant(t.Quantization(nil)); err != nil {
		return err
	}
	if len(out.Shape) == 1 { // some files name another dimension for biases
		out.Quant.Axis = 0
	}
	out.Data, err = r.buffer(t.Buffer())
	return err
}

// readQuant reads the quantisation, absent where there are no scales. Missing
// zero points are 0. The dimension of a single scale has no meaning and is read
// as 0.
func readQuant(q *fb.QuantizationParameters) (qnn.Quant, error) {
	if q == nil || q.ScaleLength() == 0 {
		return qnn.Quant{}, nil
	}
	n := q.ScaleLength()
	if q.ZeroPointLength() != n && q.ZeroPointLength() != 0 {
		return qnn.Quant{}, fmt.Errorf("%d scales but %d zero points", n, q.ZeroPointLength())
	}
	out := qnn.Quant{Scale: make([]float32, n), Zero: make([]int32, n)}
	if n > 1 {
		out.Axis = int(q.QuantizedDimension())
	}
	for i := range n {
		out.Scale[i] = q.Scale(i)
		if q.ZeroPointLength() == 0 {
			continue
		}
		z := q.ZeroPoint(i)
		if z != int64(int32(z)) {
			return qnn.Quant{}, fmt.Errorf("zero point %d", z)
		}
		out.Zero[i] = int32(z)
	}
	return out, nil
}

// buffer returns the bytes of a buffer, nil if it is empty: the value of a
// tensor that is computed. They lie in the FlatBuffer or, in files beyond
// 2 GiB, behind it.
func (r *reader) buffer(index uint32) ([]byte, error) {
	if index == 0 && r.model.BuffersLength() == 0 {
		return nil, nil
	}
	if int64(index) >= int64(r.model.BuffersLength()) {
		return nil, fmt.Errorf("buffer %d of %d", index, r.model.BuffersLength())
	}
	b := new(fb.Buffer)
	r.model.Buffers(b, int(index))
	if off, size := b.Offset(), b.Size(); off > 1 {
		if off > math.MaxInt32 || size > math.MaxInt32 || off+size > uint64(len(r.file)) {
			return nil, fmt.Errorf("buffer %d: %d bytes at %d reach beyond the end of the file (%d bytes)", index, size, off, len(r.file))
		}
		return nilIfEmpty(r.file[off : off+size]), nil
	}
	return nilIfEmpty(b.DataBytes()), nil
}

func nilIfEmpty(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return slices.Clip(b)
}
