package ref

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"qtune/qnn"
)

// compute runs one node over inputs of the given types and shapes.
func compute(t *testing.T, op qnn.Op, y qnn.DType, inputs ...qnn.Tensor) []byte {
	t.Helper()
	g := &qnn.Graph{Tensors: inputs}
	n := qnn.Node{Op: op, Outputs: []qnn.TensorID{qnn.TensorID(len(inputs))}}
	for i := range inputs {
		n.Inputs = append(n.Inputs, qnn.TensorID(i))
	}
	g.Tensors = append(g.Tensors, qnn.Tensor{Type: y})
	shape, err := g.InferShape(&n)
	if err != nil {
		t.Fatal(err)
	}
	g.Tensors[len(inputs)].Shape = shape
	g.Nodes, g.Outputs = []qnn.Node{n}, n.Outputs
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	vals, err := Run(g, nil)
	if err != nil {
		t.Fatal(err)
	}
	return vals.Outputs(g)[0]
}

func longs(v ...int64) qnn.Tensor {
	t := qnn.Tensor{Type: qnn.Int64, Shape: qnn.Shape{len(v)}}
	for _, x := range v {
		t.Data = binary.LittleEndian.AppendUint64(t.Data, uint64(x))
	}
	return t
}

func words(v ...int32) qnn.Tensor {
	t := qnn.Tensor{Type: qnn.Int32, Shape: qnn.Shape{len(v)}}
	for _, x := range v {
		t.Data = binary.LittleEndian.AppendUint32(t.Data, uint32(x))
	}
	return t
}

func reals(v ...float32) qnn.Tensor {
	return qnn.Tensor{Type: qnn.Float32, Shape: qnn.Shape{len(v)}, Data: floatBytes(v...)}
}

// TestCompare: what the interpreter at hand cannot be asked.
func TestCompare(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		r    qnn.Relation
		a, b qnn.Tensor
		want []byte
	}{
		{qnn.Less, longs(-1, 1<<40, 5), longs(0, 1<<40+1, 5), []byte{1, 1, 0}},
		{qnn.GreaterEqual, longs(-1, 1<<40, 5), longs(0, -1<<40, 5), []byte{0, 1, 1}},
		{qnn.Equal, longs(1 << 32), longs(0, 1<<32), []byte{0, 1}},
		{qnn.NotEqual, reals(nan, 0, 1), reals(nan, float32(math.Copysign(0, -1)), 2), []byte{1, 0, 1}},
		{qnn.Equal, reals(nan), reals(nan), []byte{0}},
		{qnn.LessEqual, reals(nan, 1), reals(1, nan), []byte{0, 0}},
	} {
		if got := compute(t, qnn.Compare{Relation: c.r}, qnn.Bool, c.a, c.b); !bytes.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", qnn.Compare{Relation: c.r}.OpName(), got, c.want)
		}
	}
}

// TestUnaryInt: the least integer has no opposite.
func TestUnaryInt(t *testing.T) {
	x := words(-5, 5, 0, math.MinInt32, math.MaxInt32)
	for f, want := range map[qnn.Function]qnn.Tensor{
		qnn.Abs: words(5, 5, 0, math.MinInt32, math.MaxInt32),
		qnn.Neg: words(5, -5, 0, math.MinInt32, -math.MaxInt32),
	} {
		if got := compute(t, qnn.Unary{Function: f}, qnn.Int32, x); !bytes.Equal(got, want.Data) {
			t.Errorf("%s: %v, want %v", qnn.Unary{Function: f}.OpName(), got, want.Data)
		}
	}
}

// TestExp: the ends of the range, and that it is near the true value all over.
func TestExp(t *testing.T) {
	inf := float32(math.Inf(1))
	for x, want := range map[float32]float32{
		0: 1, -inf: 0, inf: inf, 88.72284: inf, 88.72283: 3.4027985e+38, -103.97: 1e-45, -104: 0, -200: 0, 1e30: inf, 1e-30: 1,
	} {
		if got := Exp(x); got != want {
			t.Errorf("e^%v is %v, want %v", x, got, want)
		}
	}
	if x := Exp(float32(math.NaN())); x == x {
		t.Errorf("e^NaN is %v", x)
	}
	for bits := uint32(0); bits < 0x42b20000; bits += 9973 { // up to 89
		for _, x := range []float32{math.Float32frombits(bits), -math.Float32frombits(bits)} {
			got, want := Exp(x), float32(math.Exp(float64(x)))
			if d := int64(math.Float32bits(got)) - int64(math.Float32bits(want)); d < -1 || d > 1 {
				t.Errorf("e^%v is %v, want %v", x, got, want)
			}
		}
	}
}

// TestTanh: both forms are near the true value all over; the golden cases hold
// scales at which the last place matters.
func TestTanh(t *testing.T) {
	for bits := uint32(1); bits < 0x42b20000; bits += 9973 {
		x := math.Float32frombits(bits)
		want := float32(math.Tanh(float64(x)))
		for name, got := range map[string]float32{"tanh": tanh(x), "tanhFloat": tanhFloat(x)} {
			if d := int64(math.Float32bits(got)) - int64(math.Float32bits(want)); d < -8 || d > 8 {
				t.Errorf("%s(%v) is %v, want %v", name, x, got, want)
			}
		}
		if tanh(-x) != -tanh(x) || tanhFloat(-x) != -tanhFloat(x) {
			t.Errorf("the functions are not odd at %v", x)
		}
	}
}
