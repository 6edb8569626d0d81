package tflite_test

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"qtune/qnn"
	"qtune/qnn/ref"
	"qtune/qnn/tflite"
)

// fused is a convolution over int8 or uint8 with explicit padding and an
// addition.
func fused(d qnn.DType) *qnn.Graph {
	zero := int32(100)
	if d == qnn.Int8 {
		zero = -28
	}
	quant := func(scale float32, zero int32) qnn.Quant {
		return qnn.Quant{Scale: []float32{scale}, Zero: []int32{zero}}
	}
	weights := make([]byte, 2*3*3*2)
	for i := range weights {
		weights[i] = byte(37 * i)
	}
	wz := int32(120)
	if d == qnn.Int8 {
		wz = 0
	}
	return &qnn.Graph{
		Name: "fused",
		Tensors: []qnn.Tensor{
			{Name: "x", Type: d, Shape: qnn.Shape{1, 5, 6, 2}, Quant: quant(0.5, zero)},
			{Name: "r", Type: d, Shape: qnn.Shape{1, 2, 3, 2}, Quant: quant(0.25, zero+9)},
			{Name: "w", Type: d, Shape: qnn.Shape{2, 3, 3, 2}, Quant: quant(0.004, wz), Data: weights},
			{Name: "y", Type: d, Shape: qnn.Shape{1, 2, 3, 2}, Quant: quant(0.4, zero-3)},
			{Name: "b", Type: qnn.Int32, Shape: qnn.Shape{2}, Data: []byte{200, 1, 0, 0, 3, 0xff, 0xff, 0xff}},
		},
		Nodes: []qnn.Node{{
			Op:     qnn.Conv2D{Padding: qnn.Explicit, Border: qnn.Border{Top: 1, Left: 2}, StrideH: 2, StrideW: 2, DilationH: 1, DilationW: 1},
			Inputs: []qnn.TensorID{0, 2, 4, 1}, Outputs: []qnn.TensorID{3},
			Residual: &qnn.Residual{Name: "conv", Mid: quant(0.3, zero+5), Activation: qnn.Relu},
		}},
		Inputs: []qnn.TensorID{0, 1}, Outputs: []qnn.TensorID{3},
	}
}

// TestExportFused: the file holds the operators that were fused, and computes
// the same.
func TestExportFused(t *testing.T) {
	for i, d := range []qnn.DType{qnn.Uint8, qnn.Int8, qnn.Uint8} {
		g := fused(d)
		if i == 2 {
			g.Nodes[0].Inputs[2] = qnn.NoTensor
		}
		if err := g.Validate(); err != nil {
			t.Fatal(err)
		}
		back := mustImport(t, mustExport(t, g))
		var ops []string
		for i := range back.Nodes {
			ops = append(ops, back.Nodes[i].Op.OpName())
		}
		if got := strings.Join(ops, " "); got != "PAD CONV_2D ADD" {
			t.Errorf("operators %s", got)
		}
		if g.Nodes[0].Residual == nil || len(g.Tensors) != 5 {
			t.Error("Export changed the graph")
		}
		in := [][]byte{make([]byte, 60), make([]byte, 12)}
		r := rand.New(rand.NewPCG(1, 1))
		for range 20 {
			for _, b := range in {
				for i := range b {
					b[i] = byte(r.Uint32())
				}
			}
			if want, got := outputOf(t, g, in), outputOf(t, back, in); !bytes.Equal(got, want) {
				t.Fatalf("%s: %v, want %v", d, got, want)
			}
		}
	}
}

func outputOf(t *testing.T, g *qnn.Graph, in [][]byte) []byte {
	t.Helper()
	vals, err := ref.Run(g, in)
	if err != nil {
		t.Fatal(err)
	}
	return vals.Outputs(g)[0]
}

func TestExportRefuses(t *testing.T) {
	g := mustImport(t, mustRead(t, filepath.Join(goldenOps, "quantize_u8_u8", "model.tflite")))
	g.Nodes[0].Op = qnn.Table{}
	if _, err := tflite.Export(g); err == nil || !strings.Contains(err.Error(), "TABLE") || !strings.Contains(err.Error(), "no such operator") {
		t.Errorf("error %v", err)
	}
}
