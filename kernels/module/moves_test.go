package module

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"qtune/kernels"
	"qtune/qnn"
	"qtune/qnn/ref"
	"qtune/schedules"
)

// mover is a network of one operator from bytes x to bytes y.
func mover(op qnn.Op, x, y qnn.Shape, others ...qnn.Tensor) *qnn.Graph {
	quant := qnn.Quant{Scale: []float32{0.5}, Zero: []int32{7}}
	g := &qnn.Graph{
		Tensors: []qnn.Tensor{{Name: "x", Type: qnn.Uint8, Shape: x, Quant: quant}, {Name: "y", Type: qnn.Uint8, Shape: y, Quant: quant}},
		Inputs:  []qnn.TensorID{0}, Outputs: []qnn.TensorID{1},
	}
	n := qnn.Node{Op: op, Inputs: []qnn.TensorID{0}, Outputs: []qnn.TensorID{1}}
	for i, t := range others {
		t.Name = fmt.Sprint("operand ", i+1)
		n.Inputs = append(n.Inputs, qnn.TensorID(len(g.Tensors)))
		g.Tensors = append(g.Tensors, t)
	}
	g.Nodes = []qnn.Node{n}
	return g
}

func int32s(s qnn.Shape, v ...int32) qnn.Tensor {
	t := qnn.Tensor{Type: qnn.Int32, Shape: s}
	for _, x := range v {
		t.Data = binary.LittleEndian.AppendUint32(t.Data, uint32(x))
	}
	return t
}

// TestManyMoves: what a small file describes needs no more memory than its
// tensors, though an operator would be a move for each index or cell of a block.
func TestManyMoves(t *testing.T) {
	indices := make([]int32, maxMoves+1)
	for i := range indices {
		indices[i] = int32(i * i % 11)
	}
	count := len(indices)
	for _, c := range []struct {
		name        string
		interpreted bool
		g           *qnn.Graph
	}{
		{"gather", true, mover(qnn.Gather{}, qnn.Shape{11, 3}, qnn.Shape{count, 3}, int32s(qnn.Shape{count}, indices...))},
		{"gather of less", false, mover(qnn.Gather{}, qnn.Shape{11, 3}, qnn.Shape{5, 3}, int32s(qnn.Shape{5}, indices[:5]...))},
		{"blocks", true, mover(qnn.SpaceToBatch{}, qnn.Shape{1, 1, 1, 2}, qnn.Shape{10000, 1, 1, 2},
			int32s(qnn.Shape{2}, 100, 100), int32s(qnn.Shape{2, 2}, 0, 99, 99, 0))},
		{"blocks back", true, mover(qnn.BatchToSpace{}, qnn.Shape{10000, 1, 1, 2}, qnn.Shape{1, 2, 1, 2},
			int32s(qnn.Shape{2}, 100, 100), int32s(qnn.Shape{2, 2}, 0, 98, 99, 0))},
		{"fewer blocks", false, mover(qnn.SpaceToBatch{}, qnn.Shape{1, 1, 1, 2}, qnn.Shape{4, 1, 1, 2},
			int32s(qnn.Shape{2}, 2, 2), int32s(qnn.Shape{2, 2}, 0, 1, 1, 0))},
		{"every border", false, mover(qnn.MirrorPad{}, qnn.Shape{2, 3, 2, 4}, qnn.Shape{4, 6, 3, 6},
			int32s(qnn.Shape{4, 2}, 1, 1, 1, 2, 0, 1, 2, 0))},
		{"no border", false, mover(qnn.MirrorPad{Symmetric: true}, qnn.Shape{1, 2, 2, 4}, qnn.Shape{1, 4, 2, 4},
			int32s(qnn.Shape{4, 2}, 0, 0, 2, 0, 0, 0, 0, 0))},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := compiledMover(t, c.g)
			if got := m.steps[len(m.steps)-1].interpreted; got != c.interpreted {
				t.Errorf("interpreted: %t", got)
			}
			equalsReference(t, m, c.g, randomInputs(c.g, 3))
		})
	}
}

// TestGatherComputed: batches of indices that the network is given, and indices
// that are not there.
func TestGatherComputed(t *testing.T) {
	indices := int32s(qnn.Shape{2, 2}, 0, 3, 2, 2)
	g := mover(qnn.Gather{Axis: -2, BatchDims: 1}, qnn.Shape{2, 4, 3}, qnn.Shape{2, 2, 3}, qnn.Tensor{Type: indices.Type, Shape: indices.Shape})
	g.Inputs = append(g.Inputs, 2)
	m := compiledMover(t, g)
	x := randomInputs(g, 3)[0]
	equalsReference(t, m, g, [][]byte{x, indices.Data})
	if _, err := m.Run([][]byte{x, int32s(indices.Shape, 0, 3, 4, 2).Data}); err == nil {
		t.Error("index 4 of 4 is taken")
	}
	equalsReference(t, m, g, [][]byte{x, indices.Data})
}

func compiledMover(t *testing.T, g *qnn.Graph) *Module {
	t.Helper()
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	return compile(t, g, Options{ISA: schedules.AVX2, Mode: kernels.Emulated})
}

func equalsReference(t *testing.T, m *Module, g *qnn.Graph, inputs [][]byte) {
	t.Helper()
	want, err := ref.Run(g, inputs)
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Run(inputs)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got[0], want.Outputs(g)[0]) {
		t.Errorf("the output is %v, want %v", got[0], want.Outputs(g)[0])
	}
}
