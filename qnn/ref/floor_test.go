package ref_test

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"qtune/qnn"
	"qtune/qnn/ref"
)

// TestFloorDivision: quotients round down, remainders have the divisor's sign,
// and a divisor of zero is an error.
func TestFloorDivision(t *testing.T) {
	for _, c := range []struct{ a, b, quotient, remainder int32 }{
		{7, 2, 3, 1}, {-7, 2, -4, 1}, {7, -2, -4, -1}, {-7, -2, 3, -1}, {6, -3, -2, 0}, {0, -5, 0, 0},
	} {
		for _, typ := range []qnn.DType{qnn.Int32, qnn.Float32} {
			for op, want := range map[qnn.Op]int32{qnn.FloorDiv{}: c.quotient, qnn.FloorMod{}: c.remainder} {
				got, err := divide(t, op, typ, c.a, c.b)
				if err != nil || got != want {
					t.Errorf("%s %s of %d and %d: %d, %v; want %d", op.OpName(), typ, c.a, c.b, got, err, want)
				}
			}
			_, err := divide(t, qnn.FloorMod{}, typ, c.a, 0)
			if err == nil || !strings.Contains(err.Error(), `node 0 FLOOR_MOD (tensor "y"): division by zero`) {
				t.Errorf("%s: error %v", typ, err)
			}
		}
	}
	if got, err := divide(t, qnn.FloorDiv{}, qnn.Int32, math.MinInt32, -1); got != math.MinInt32 || err != nil {
		t.Errorf("the least integer over -1: %d, %v", got, err)
	}
}

func divide(t *testing.T, op qnn.Op, typ qnn.DType, a, b int32) (int32, error) {
	t.Helper()
	x := qnn.Tensor{Name: "y", Type: typ, Shape: qnn.Shape{1}}
	g := &qnn.Graph{
		Name: "one", Tensors: []qnn.Tensor{x, x, x}, Inputs: []qnn.TensorID{0, 1}, Outputs: []qnn.TensorID{2},
		Nodes: []qnn.Node{{Op: op, Inputs: []qnn.TensorID{0, 1}, Outputs: []qnn.TensorID{2}}},
	}
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	encode := func(v int32) []byte {
		if typ == qnn.Float32 {
			v = int32(math.Float32bits(float32(v)))
		}
		return binary.LittleEndian.AppendUint32(nil, uint32(v))
	}
	vals, err := ref.Run(g, [][]byte{encode(a), encode(b)})
	if err != nil {
		return 0, err
	}
	bits := binary.LittleEndian.Uint32(vals.Outputs(g)[0])
	if typ == qnn.Float32 {
		return int32(math.Float32frombits(bits)), nil
	}
	return int32(bits), nil
}
