package ref_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"qtune/qnn"
	"qtune/qnn/ref"
	"qtune/qnn/tflite"
)

const goldenOps = "testdata/golden_ops"

// goldenNear holds cases of functions that the C library does not round
// exactly.
const goldenNear = "testdata/golden_near"

// goldenCase is an entry of a folder's manifest.json: a network of one operator
// with inputs, and the outputs that TensorFlow Lite computed.
type goldenCase struct {
	Op              string
	Inputs, Outputs []string
}

func goldenCases(t *testing.T, folder string) map[string]goldenCase {
	t.Helper()
	var m struct{ Cases map[string]goldenCase }
	if err := json.Unmarshal(mustRead(t, filepath.Join(folder, "manifest.json")), &m); err != nil {
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

// run returns the outputs of a case in a folder, and what they should be.
func (c goldenCase) run(t *testing.T, dir string) (got, want [][]byte) {
	t.Helper()
	g := mustImport(t, filepath.Join(dir, "model.tflite"))
	var inputs [][]byte
	for _, f := range c.Inputs {
		inputs = append(inputs, mustRead(t, filepath.Join(dir, f)))
	}
	vals, err := ref.Run(g, inputs)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Outputs {
		want = append(want, mustRead(t, filepath.Join(dir, f)))
	}
	return vals.Outputs(g), want
}

// TestGoldenNear: LOG and POW differ in the last place at most, and rarely.
func TestGoldenNear(t *testing.T) {
	tested := map[string]int{}
	for name, c := range goldenCases(t, goldenNear) {
		tested[c.Op]++
		got, want := c.run(t, filepath.Join(goldenNear, name))
		off := 0
		for i := 0; i < len(want[0]); i += 4 {
			g, w := int32(binary.LittleEndian.Uint32(got[0][i:])), int32(binary.LittleEndian.Uint32(want[0][i:]))
			switch g - w {
			case 0:
			case 1, -1:
				off++
			default:
				t.Errorf("%s: element %d is %v, want %v", name, i/4, math.Float32frombits(uint32(g)), math.Float32frombits(uint32(w)))
			}
		}
		if off > len(want[0])/4/20 {
			t.Errorf("%s: %d of %d elements are off", name, off, len(want[0])/4)
		}
	}
	if tested["LOG"] == 0 || tested["POW"] == 0 {
		t.Errorf("cases %v", tested)
	}
}

func TestGoldenOperators(t *testing.T) {
	tested := map[string]int{}
	for name, c := range goldenCases(t, goldenOps) {
		tested[c.Op]++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, want := c.run(t, filepath.Join(goldenOps, name))
			for i := range want {
				if d := difference(got[i], want[i]); d != "" {
					t.Errorf("output %d: %s", i, d)
				}
			}
		})
	}
	for _, op := range []qnn.Op{qnn.Conv2D{}, qnn.Depthwise{}, qnn.Dense{}, qnn.Add{}, qnn.AveragePool{}, qnn.MaxPool{},
		qnn.Reshape{}, qnn.Squeeze{}, qnn.Softmax{}, qnn.Pad{}, qnn.Mean{}, qnn.Quantize{}, qnn.Dequantize{}, qnn.Concat{},
		qnn.Sub{}, qnn.Mul{}, qnn.Clamp{Activation: qnn.Relu}, qnn.Clamp{Activation: qnn.Relu6}, qnn.Logistic{}, qnn.L2Norm{},
		qnn.ResizeBilinear{}, qnn.ResizeNearest{}, qnn.ArgMax{}, qnn.TransposeConv{},
		qnn.Unary{Function: qnn.Abs}, qnn.Unary{Function: qnn.Neg}, qnn.Unary{Function: qnn.Square}, qnn.Unary{Function: qnn.Sqrt},
		qnn.Unary{Function: qnn.Rsqrt}, qnn.Unary{Function: qnn.Exp}, qnn.Unary{Function: qnn.Floor}, qnn.Unary{Function: qnn.Ceil},
		qnn.Unary{Function: qnn.Round}, qnn.Compare{Relation: qnn.Less}, qnn.Compare{Relation: qnn.LessEqual},
		qnn.Compare{Relation: qnn.Greater}, qnn.Compare{Relation: qnn.GreaterEqual}, qnn.Compare{Relation: qnn.Equal},
		qnn.Compare{Relation: qnn.NotEqual}, qnn.SquaredDifference{}, qnn.Select{}, qnn.SelectV2{}, qnn.TopK{},
		qnn.ArgMin{}, qnn.MirrorPad{}, qnn.Gather{}, qnn.StridedSlice{}, qnn.FloorMod{}} {
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
