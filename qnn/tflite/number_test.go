package tflite_test

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"qtune/qnn"
)

// nodeGraph is one node over tensors of the given types and shapes, the last
// outputs of which are its results; an int32 tensor with data is constant.
func nodeGraph(op qnn.Op, outputs int, tensors ...qnn.Tensor) *qnn.Graph {
	g := &qnn.Graph{Name: "main", Tensors: tensors}
	n := qnn.Node{Op: op}
	for i := range tensors {
		id := qnn.TensorID(i)
		g.Tensors[i].Name = fmt.Sprint("t", i)
		switch {
		case i >= len(tensors)-outputs:
			n.Outputs = append(n.Outputs, id)
			continue
		case !tensors[i].IsConst():
			g.Inputs = append(g.Inputs, id)
		}
		n.Inputs = append(n.Inputs, id)
	}
	g.Nodes, g.Outputs = []qnn.Node{n}, n.Outputs
	return g
}

func plainTensor(t qnn.DType, s ...int) qnn.Tensor { return qnn.Tensor{Type: t, Shape: s} }

func constInts(v ...int32) qnn.Tensor {
	t := plainTensor(qnn.Int32, len(v))
	for _, x := range v {
		t.Data = binary.LittleEndian.AppendUint32(t.Data, uint32(x))
	}
	return t
}

// TestNumbersRoundTrip: operators on numbers keep their options.
func TestNumbersRoundTrip(t *testing.T) {
	f, i, b := plainTensor(qnn.Float32, 2, 3), plainTensor(qnn.Int32, 2, 3), plainTensor(qnn.Bool, 2, 3)
	graphs := []*qnn.Graph{
		nodeGraph(qnn.Pow{}, 1, f, f, f), nodeGraph(qnn.SquaredDifference{}, 1, i, i, i),
		nodeGraph(qnn.Select{}, 1, b, f, f, f), nodeGraph(qnn.SelectV2{}, 1, b, i, i, i),
		nodeGraph(qnn.TopK{}, 2, f, constInts(2), plainTensor(qnn.Float32, 2, 2), plainTensor(qnn.Int32, 2, 2)),
		nodeGraph(qnn.Mean{KeepDims: true}, 1, f, constInts(1), plainTensor(qnn.Float32, 2, 1)),
		nodeGraph(qnn.Compare{Relation: qnn.Less}, 1, plainTensor(qnn.Int64, 2, 3), plainTensor(qnn.Int64, 3), b),
	}
	for k := qnn.Abs; k <= qnn.Round; k++ {
		graphs = append(graphs, nodeGraph(qnn.Unary{Function: k}, 1, f, f))
	}
	for k := qnn.Less; k <= qnn.NotEqual; k++ {
		graphs = append(graphs, nodeGraph(qnn.Compare{Relation: k}, 1, f, f, b))
	}
	for _, g := range graphs {
		op := g.Nodes[0].Op
		if got := mustImport(t, mustExport(t, g)).Nodes[0].Op; !reflect.DeepEqual(got, op) {
			t.Errorf("got %#v, want %#v", got, op)
		}
	}
}

// TestNumbersRefused: what is not defined for numbers is named.
func TestNumbersRefused(t *testing.T) {
	f, i, b := plainTensor(qnn.Float32, 2, 3), plainTensor(qnn.Int32, 2, 3), plainTensor(qnn.Bool, 2, 3)
	byteTensor := qnn.Tensor{Type: qnn.Uint8, Shape: qnn.Shape{2, 3}, Quant: qnn.Quant{Scale: []float32{1}, Zero: []int32{0}}}
	for _, c := range []struct {
		want string
		g    *qnn.Graph
	}{
		{"ABS (tensor \"t1\"): not supported: uint8 activations", nodeGraph(qnn.Unary{Function: qnn.Abs}, 1, byteTensor, byteTensor)},
		{"int32 activations", nodeGraph(qnn.Unary{Function: qnn.Exp}, 1, i, i)},
		{"from float32 to int32", nodeGraph(qnn.Unary{Function: qnn.Neg}, 1, f, i)},
		{"10? (tensor", nodeGraph(qnn.Unary{Function: qnn.Round + 1}, 1, f, f)},
		{"float32 and int32 to bool", nodeGraph(qnn.Compare{}, 1, f, i, b)},
		{"float32 and float32 to int32", nodeGraph(qnn.Compare{}, 1, f, f, i)},
		{"shapes 2x3 and 2 do not broadcast", nodeGraph(qnn.Pow{}, 1, f, plainTensor(qnn.Float32, 2), f)},
		{"a condition of type float32", nodeGraph(qnn.Select{}, 1, f, f, f, f)},
		{"from float32 to int32", nodeGraph(qnn.Select{}, 1, b, f, f, i)},
		{"condition 3, shapes 2x3 and 2x3 do not fit", nodeGraph(qnn.Select{}, 1, plainTensor(qnn.Bool, 3), f, f, f)},
		{"condition 2, shapes 2x3 and 2x3 do not broadcast", nodeGraph(qnn.SelectV2{}, 1, plainTensor(qnn.Bool, 2), f, f, f)},
		{"is not constant", nodeGraph(qnn.TopK{}, 2, f, plainTensor(qnn.Int32, 1), f, i)},
		{"the [4] largest of rows of 2x3", nodeGraph(qnn.TopK{}, 2, f, constInts(4), f, i)},
		{"the [0] largest of rows of 2x3", nodeGraph(qnn.TopK{}, 2, f, constInts(0), f, i)},
		{"the [-1] largest of rows of 2x3", nodeGraph(qnn.TopK{}, 2, f, constInts(-1), f, i)},
		{"the [1 2] largest of rows of 2x3", nodeGraph(qnn.TopK{}, 2, f, constInts(1, 2), f, i)},
		{"the [1] largest of rows of scalar", nodeGraph(qnn.TopK{}, 2, plainTensor(qnn.Float32), constInts(1), f, i)},
		{"float32 to float32 and float32 indices", nodeGraph(qnn.TopK{}, 2, f, constInts(1), f, f)},
		{"1 outputs, want 2 to 2", nodeGraph(qnn.TopK{}, 1, f, constInts(1), f)},
		{"int32 activations", nodeGraph(qnn.Mean{}, 1, i, constInts(1), i)},
		{"axis 2 of 2 dimensions", nodeGraph(qnn.Reduce{Kind: qnn.ReduceMax}, 1, f, constInts(2), f)},
	} {
		err := c.g.Validate()
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.ContainsRune(err.Error(), '\n') {
			t.Errorf("%s: error %v, want %q", c.g.Nodes[0].Op.OpName(), err, c.want)
		}
	}
}
