package module

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"qtune/qnn"
	"qtune/qnn/ref"
)

// detectorHead is what follows the convolutions of an SSD detector: scores
// through LOGISTIC, joined with those of other anchors, and the custom operator
// that selects boxes.
func detectorHead(typ qnn.DType) *qnn.Graph {
	lo, _ := typ.Limits()
	quant := func(scale float32, zero int32) qnn.Quant {
		return qnn.Quant{Scale: []float32{scale}, Zero: []int32{zero}}
	}
	eightBit := func(name string, s qnn.Shape, q qnn.Quant) qnn.Tensor {
		return qnn.Tensor{Name: name, Type: typ, Shape: s, Quant: q}
	}
	const rows = 8
	g := &qnn.Graph{Tensors: []qnn.Tensor{
		eightBit("raw", qnn.Shape{1, 30, 4}, quant(0.05, lo+100)),
		eightBit("other", qnn.Shape{1, 10, 4}, quant(1.0/256, lo)),
		eightBit("boxes", qnn.Shape{1, 40, 4}, quant(0.1, lo+128)),
		eightBit("anchors", qnn.Shape{40, 4}, quant(0.004, lo)),
		eightBit("some", qnn.Shape{1, 30, 4}, quant(1.0/256, lo)),
		eightBit("scores", qnn.Shape{1, 40, 4}, quant(1.0/256, lo)),
		{Name: "found", Type: qnn.Float32, Shape: qnn.Shape{1, rows, 4}},
		{Name: "classes", Type: qnn.Float32, Shape: qnn.Shape{1, rows}},
		{Name: "best", Type: qnn.Float32, Shape: qnn.Shape{1, rows}},
		{Name: "count", Type: qnn.Float32, Shape: qnn.Shape{1}},
	}}
	r := rand.New(rand.NewPCG(5, 6))
	for range 160 {
		g.Tensors[3].Data = append(g.Tensors[3].Data, byte(lo+r.Int32N(256)))
	}
	g.Nodes = []qnn.Node{
		{Op: qnn.Logistic{}, Index: 0, Inputs: []qnn.TensorID{0}, Outputs: []qnn.TensorID{4}},
		{Op: qnn.Concat{Axis: 1}, Index: 1, Inputs: []qnn.TensorID{4, 1}, Outputs: []qnn.TensorID{5}},
		{Op: qnn.DetectionPostProcess{
			MaxDetections: rows, MaxClasses: 1, Classes: 3, DetectionsPerClass: 5, Regular: typ == qnn.Int8,
			ScoreThreshold: 0.3, IOUThreshold: 0.5, ScaleY: 10, ScaleX: 10, ScaleH: 5, ScaleW: 5,
		}, Index: 2, Inputs: []qnn.TensorID{2, 5, 3}, Outputs: []qnn.TensorID{6, 7, 8, 9}},
	}
	g.Inputs, g.Outputs = []qnn.TensorID{0, 1, 2}, []qnn.TensorID{6, 7, 8, 9}
	return g
}

// TestDetectorHead: int8 tensors, which are moved to uint8, and kept ones give
// the same detections as the network that was not compiled.
func TestDetectorHead(t *testing.T) {
	for _, typ := range []qnn.DType{qnn.Uint8, qnn.Int8} {
		g := detectorHead(typ)
		inputs := randomInputs(g, 7)
		vals, err := ref.Run(g, inputs)
		if err != nil {
			t.Fatal(err)
		}
		want := vals.Outputs(g)
		if bytes.Equal(want[3], make([]byte, 4)) {
			t.Fatal("nothing is found: the case says nothing")
		}
		for _, o := range variants() {
			t.Run(typ.String()+"/"+string(o.ISA)+modeName(o.Mode), func(t *testing.T) {
				got, err := compile(t, g, o).Run(inputs)
				if err != nil {
					t.Fatal(err)
				}
				for i := range want {
					if !bytes.Equal(got[i], want[i]) {
						t.Errorf("output %d differs", i)
					}
				}
			})
		}
	}
}
