package pass_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qtune/qnn"
	"qtune/qnn/pass"
	"qtune/qnn/ref"
	"qtune/qnn/tflite"
)

const (
	goldenOps = "../ref/testdata/golden_ops"
	models    = "../../../shared/models" // published networks, not part of the repository
)

func mustImport(t *testing.T, path string) *qnn.Graph {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	g, err := tflite.Import(b)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return g
}

func mustRun(t *testing.T, g *qnn.Graph, names ...pass.Name) *qnn.Graph {
	t.Helper()
	out, err := pass.Run(g, names...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func dump(t *testing.T, g *qnn.Graph) string {
	t.Helper()
	var b bytes.Buffer
	if err := g.Dump(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// randomInputs fills the inputs of g with reproducible bytes.
func randomInputs(g *qnn.Graph) [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	var in [][]byte
	for _, id := range g.Inputs {
		b := make([]byte, g.Tensors[id].Bytes())
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		in = append(in, b)
	}
	return in
}

func mustCompute(t *testing.T, g *qnn.Graph, in [][]byte) ref.Values {
	t.Helper()
	vals, err := ref.Run(g, in)
	if err != nil {
		t.Fatal(err)
	}
	return vals
}

// sameOutputs checks what g computes from in.
func sameOutputs(t *testing.T, g *qnn.Graph, in, want [][]byte) {
	t.Helper()
	for i, got := range mustCompute(t, g, in).Outputs(g) {
		if !bytes.Equal(got, want[i]) {
			t.Errorf("output %d differs", i)
		}
	}
}

// TestEquivalent: the outputs of every network are the same after each pass,
// and the passes leave their input alone.
func TestEquivalent(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(goldenOps, "*", "model.tflite"))
	if err != nil || len(paths) < 50 {
		t.Fatalf("%d golden networks, %v", len(paths), err)
	}
	for _, m := range []string{"tf2_mobilenet_v2_1.0_224_ptq", "person_detect_int8", "mobilenet_v1_0.25_128_quant"} {
		p := filepath.Join(models, m+".tflite")
		if _, err := os.Stat(p); err == nil {
			paths = append(paths, p)
		}
	}
	for _, path := range paths {
		t.Run(filepath.Base(filepath.Dir(path))+"/"+filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			g := mustImport(t, path)
			before := dump(t, g)
			in := randomInputs(g)
			want := mustCompute(t, g, in).Outputs(g)
			for _, names := range [][]pass.Name{{pass.Legalise}, pass.Minimal(), pass.Default()} {
				out := mustRun(t, g, names...)
				if d := cmp.Diff(before, dump(t, g)); d != "" {
					t.Fatalf("%v changed its input:\n%s", names, d)
				}
				sameOutputs(t, out, in, want)
			}
		})
	}
}

// TestPublished: the passes fuse what they can in whole networks, and a second
// run finds nothing more. The counts are of the operators that stay.
func TestPublished(t *testing.T) {
	for name, want := range map[string]map[string]int{
		"mobilenet_v1_0.25_128_quant":      {"PAD": 0, "ADD": 0},
		"mobilenet_v2_1.0_224_quant":       {"PAD": 0, "ADD": 0},
		"tf2_mobilenet_v2_1.0_224_ptq":     {"PAD": 0, "ADD": 0, "QUANTIZE": 0},
		"deeplabv3_mnv2_dm05_pascal_quant": {"PAD": 0, "ADD": 0},
		"person_detect_int8":               {"PAD": 0, "QUANTIZE": 2},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(models, name+".tflite")
			if _, err := os.Stat(path); err != nil {
				t.Skip(err)
			}
			g := mustImport(t, path)
			out := mustRun(t, g, pass.Default()...)
			checkInterface(t, g, out)
			if again := mustRun(t, out, pass.Default()...); dump(t, again) != dump(t, out) {
				t.Errorf("a second run changes the graph:\n%s", cmp.Diff(dump(t, out), dump(t, again)))
			}
			got := map[string]int{}
			for i := range out.Nodes {
				got[out.Nodes[i].Op.OpName()]++
			}
			for op, n := range want {
				if got[op] != n {
					t.Errorf("%d nodes %s, want %d", got[op], op, n)
				}
			}
		})
	}
}

// TestLegaliseLeavesNoInt8 checks what legalisation is for.
func TestLegaliseLeavesNoInt8(t *testing.T) {
	paths, _ := filepath.Glob(filepath.Join(goldenOps, "*_s8_*", "model.tflite"))
	if len(paths) == 0 {
		t.Fatal("no int8 networks")
	}
	for _, path := range paths {
		g := mustRun(t, mustImport(t, path), pass.Legalise)
		for i := range g.Nodes {
			n := &g.Nodes[i]
			if n.Index < 0 {
				continue
			}
			if x := g.Input(n, 0); x.Type == qnn.Int8 {
				t.Errorf("%s: %s reads int8", path, g.Label(n))
			}
			if y := g.Output(n, 0); y.Type == qnn.Int8 {
				t.Errorf("%s: %s writes int8", path, g.Label(n))
			}
		}
		if again := mustRun(t, g, pass.Legalise); dump(t, again) != dump(t, g) {
			t.Errorf("%s: a second legalise changes the graph", path)
		}
	}
}

// TestConstOperandsCompute: constants that are activations move too, also one
// that two nodes share, and one that is also the weights of a layer.
func TestConstOperandsCompute(t *testing.T) {
	g := constOperands()
	in := randomInputs(g)
	want := mustCompute(t, g, in).Outputs(g)
	out := mustRun(t, g, pass.Legalise)
	for i, got := range mustCompute(t, out, in).Outputs(out) {
		if !bytes.Equal(got, want[i]) {
			t.Errorf("output %d: %v, want %v", i, got, want[i])
		}
	}
}

func TestRunErrors(t *testing.T) {
	if _, err := pass.Run(constOperands(), "polish"); err == nil || !strings.Contains(err.Error(), "polish") {
		t.Errorf("unknown pass: %v", err)
	}
}
