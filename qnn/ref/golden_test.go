package ref_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"qtune/qnn"
	"qtune/qnn/ref"
	"qtune/qnn/tflite"
)

const goldenOps = "testdata/golden_ops"

// goldenCase is an entry of testdata/golden_ops/manifest.json: a network of
// one operator with inputs, and the outputs that TensorFlow Lite computed.
type goldenCase struct {
	Op              string
	Inputs, Outputs []string
}

func goldenCases(t *testing.T) map[string]goldenCase {
	t.Helper()
	var m struct{ Cases map[string]goldenCase }
	if err := json.Unmarshal(mustRead(t, filepath.Join(goldenOps, "manifest.json")), &m); err != nil {
		t.Fatal(err)
	}
	return m.Cases
}

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustImport(t testing.TB, path string) *qnn.Graph {
	t.Helper()
	g, err := tflite.Import(mustRead(t, path))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return g
}

func TestGoldenOperators(t *testing.T) {
	tested := map[string]int{}
	for name, c := range goldenCases(t) {
		tested[c.Op]++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(goldenOps, name)
			g := mustImport(t, filepath.Join(dir, "model.tflite"))
			var inputs [][]byte
			for _, f := range c.Inputs {
				inputs = append(inputs, mustRead(t, filepath.Join(dir, f)))
			}
			vals, err := ref.Run(g, inputs)
			if err != nil {
				t.Fatal(err)
			}
			for i, got := range vals.Outputs(g) {
				want := mustRead(t, filepath.Join(dir, c.Outputs[i]))
				if d := difference(got, want); d != "" {
					t.Errorf("output %d: %s", i, d)
				}
			}
		})
	}
	for _, op := range []qnn.Op{qnn.Conv2D{}, qnn.Depthwise{}, qnn.Dense{}, qnn.Add{}, qnn.AveragePool{}, qnn.MaxPool{},
		qnn.Reshape{}, qnn.Squeeze{}, qnn.Softmax{}, qnn.Pad{}, qnn.Mean{}, qnn.Quantize{}, qnn.Dequantize{}, qnn.Concat{},
		qnn.Sub{}, qnn.Mul{}, qnn.Clamp{Activation: qnn.Relu}, qnn.Clamp{Activation: qnn.Relu6}, qnn.Logistic{}, qnn.L2Norm{},
		qnn.ResizeBilinear{}, qnn.ResizeNearest{}, qnn.ArgMax{}, qnn.TransposeConv{}} {
		if tested[op.OpName()] == 0 {
			t.Errorf("no golden case of %s", op.OpName())
		}
	}
}

// difference says where two outputs part, or nothing.
func difference(got, want []byte) string {
	if bytes.Equal(got, want) {
		return ""
	}
	if len(got) != len(want) {
		return fmt.Sprintf("%d bytes, want %d", len(got), len(want))
	}
	n, first := 0, -1
	for i := range got {
		if got[i] != want[i] {
			if n++; first < 0 {
				first = i
			}
		}
	}
	return fmt.Sprintf("%d of %d bytes differ, first at %d: %d, want %d", n, len(got), first, got[first], want[first])
}
