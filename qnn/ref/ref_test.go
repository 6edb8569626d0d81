package ref_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"qtune/qnn"
	"qtune/qnn/ref"
)

// goldenLayer returns the layer of a golden case with its input and output.
func goldenLayer(t testing.TB, name string) (g *qnn.Graph, l *qnn.Layer, in, want []byte) {
	t.Helper()
	dir := filepath.Join(goldenOps, name)
	g = mustImport(t, filepath.Join(dir, "model.tflite"))
	l, err := qnn.ResolveLayer(g, &g.Nodes[0])
	if err != nil {
		t.Fatal(err)
	}
	return g, l, mustRead(t, filepath.Join(dir, "random.in.bin")), mustRead(t, filepath.Join(dir, "random.out0.bin"))
}

// TestLayerRows: any rows of any image are those of the whole layer.
func TestLayerRows(t *testing.T) {
	for _, name := range []string{"conv_u8_batch2", "conv_s8_perch_3x3_valid_s2", "dw_u8_m3_s2_valid", "fc_u8_batch3_relu"} {
		_, l, in, want := goldenLayer(t, name)
		row := l.OW * l.OC
		for image := range l.N {
			for y0 := range l.OH {
				for y1 := y0; y1 <= l.OH; y1++ {
					out := make([]byte, (y1-y0)*row)
					ref.LayerRows(l, in, out, image, y0, y1)
					if d := difference(out, want[(image*l.OH+y0)*row:(image*l.OH+y1)*row]); d != "" {
						t.Fatalf("%s image %d rows %d to %d: %s", name, image, y0, y1, d)
					}
				}
			}
		}
	}
}

// TestNodeWritesInPlace: an output slice that is given is used.
func TestNodeWritesInPlace(t *testing.T) {
	g, _, in, want := goldenLayer(t, "conv_u8_batch2")
	out := make([]byte, len(want))
	vals := make(ref.Values, len(g.Tensors))
	vals[g.Inputs[0]], vals[g.Outputs[0]] = in, out
	if err := ref.Node(g, &g.Nodes[0], vals); err != nil {
		t.Fatal(err)
	}
	if d := difference(out, want); d != "" {
		t.Error(d)
	}
}

func TestRunErrors(t *testing.T) {
	g, _, in, _ := goldenLayer(t, "conv_u8_batch2")
	for _, c := range []struct {
		name   string
		inputs [][]byte
		want   string
	}{
		{"none", nil, "0 inputs, the network has 1"},
		{"short", [][]byte{in[1:]}, "a 2x"},
	} {
		if _, err := ref.Run(g, c.inputs); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// TestUnsupported: the error names node, operator and tensor, and what was
// computed before is there.
func TestUnsupported(t *testing.T) {
	g, _, in, want := goldenLayer(t, "conv_u8_batch2")
	y := g.Outputs[0]
	g.Tensors = append(g.Tensors, qnn.Tensor{Name: "after"})
	g.Nodes = append(g.Nodes, qnn.Node{
		Op:     qnn.Unsupported{Name: "RELU", Reason: "builtin operator 19 is not supported"},
		Inputs: []qnn.TensorID{y}, Outputs: []qnn.TensorID{qnn.TensorID(len(g.Tensors) - 1)}, Index: 1,
	})
	vals, err := ref.Run(g, [][]byte{in})
	if err == nil || err.Error() != `node 1 RELU (tensor "after"): builtin operator 19 is not supported` {
		t.Errorf("error %v", err)
	}
	if !bytes.Equal(vals[y], want) {
		t.Error("the convolution before it was not computed")
	}
}

func BenchmarkLayer(b *testing.B) {
	for _, name := range []string{"conv_s8_perch_big", "dw_u8_5x5", "fc_u8_big"} {
		b.Run(name, func(b *testing.B) {
			_, l, in, want := goldenLayer(b, name)
			out := make([]byte, len(want))
			for b.Loop() {
				ref.Layer(l, in, out)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(l.MACs()), "ns/MAC")
		})
	}
}
