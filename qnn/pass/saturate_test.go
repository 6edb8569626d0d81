package pass_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"qtune/qnn/pass"
	"qtune/qnn/zoo"
)

// TestSaturateWeights: no weight is further from the zero point than int8
// reaches, those that were not are as before, and so is the network given.
func TestSaturateWeights(t *testing.T) {
	g, err := zoo.Build("mobilenet_v1_0.25_32")
	if err != nil {
		t.Fatal(err)
	}
	s, changed := pass.SaturateWeights(g)
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	same, err := zoo.Build("mobilenet_v1_0.25_32")
	if err != nil {
		t.Fatal(err)
	}
	differ := 0
	for i := range s.Nodes {
		n := &s.Nodes[i]
		if len(n.Inputs) != 3 { // no layer
			continue
		}
		old, w := same.Input(n, 1), s.Input(n, 1)
		if !bytes.Equal(g.Input(n, 1).Data, old.Data) {
			t.Fatalf("%s: the network given changed", w)
		}
		for k, v := range w.Data {
			d, was := int32(v)-w.Quant.Zero[0], int32(old.Data[k])-old.Quant.Zero[0]
			if d != min(max(was, -128), 127) {
				t.Fatalf("%s: a weight %d above its zero point became %d", w, was, d)
			}
			if v != old.Data[k] {
				differ++
			}
		}
	}
	if differ == 0 || differ != changed {
		t.Errorf("%d weights changed, %d are said to", differ, changed)
	}
}

// Symmetric weights stay as they are.
func TestSaturateWeightsOfInt8(t *testing.T) {
	g := mustImport(t, filepath.Join(goldenOps, "conv_s8_perch_3x3_same", "model.tflite"))
	s, changed := pass.SaturateWeights(g)
	for i := range g.Tensors {
		if changed != 0 || !bytes.Equal(s.Tensors[i].Data, g.Tensors[i].Data) {
			t.Fatalf("%d weights changed", changed)
		}
	}
}
