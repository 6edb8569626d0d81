package pass_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qtune/qnn"
	"qtune/qnn/pass"
	"qtune/qnn/tflite"
)

// A golden case is a network, and the pass that it is for: its text before and
// after is in testdata/PASS/NAME.txt.
type goldenCase struct {
	pass  pass.Name
	name  string
	graph *qnn.Graph
}

func goldenCases(t *testing.T) []goldenCase {
	return []goldenCase{
		{pass.Legalise, "conv", mustImport(t, filepath.Join(goldenOps, "conv_s8_pertensor", "model.tflite"))},
		{pass.Legalise, "add", mustImport(t, filepath.Join(goldenOps, "add_s8_scales", "model.tflite"))},
		{pass.Legalise, "const", constOperands()},
		{pass.Legalise, "unsupported", withUnsupported()},
		{pass.Dead, "chain", withDeadNodes()},
		{pass.Pad, "one", padOnce(qnn.Uint8)},
		{pass.Pad, "int8", padOnce(qnn.Int8)},
		{pass.Pad, "several", padSeveral()},
		{pass.Pad, "outside", padOutside()},
		{pass.Pad, "kept", padKept()},
		{pass.Residual, "block", residualBlock(qnn.Uint8)},
		{pass.Residual, "int8", residualBlock(qnn.Int8)},
		{pass.Residual, "two", residualTwo()},
		{pass.Residual, "kept", residualKept()},
	}
}

// TestGolden compares the text of networks before and after a pass.
func TestGolden(t *testing.T) {
	for _, c := range goldenCases(t) {
		t.Run(string(c.pass)+"/"+c.name, func(t *testing.T) {
			if err := c.graph.Validate(); err != nil {
				t.Fatal(err)
			}
			got := dump(t, c.graph) + "----\n" + dump(t, mustRun(t, c.graph, c.pass))
			path := filepath.Join("testdata", string(c.pass), c.name+".txt")
			if *update {
				os.MkdirAll(filepath.Dir(path), 0o755)
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("differs from %s:\n%s", path, d)
			}
		})
	}
}

// TestGoldenEquivalent: the networks of the golden files compute the same after
// every pass, alone and after legalisation, and a second run changes nothing.
func TestGoldenEquivalent(t *testing.T) {
	for _, c := range goldenCases(t) {
		if c.name == "unsupported" {
			continue
		}
		t.Run(string(c.pass)+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			checkEquivalent(t, c.graph, []pass.Name{c.pass}, []pass.Name{pass.Legalise, c.pass}, []pass.Name{c.pass, pass.Legalise})
		})
	}
}

// checkEquivalent runs lists of passes over g and compares the results of the
// networks. A second run of a list must change nothing, and none its input.
func checkEquivalent(t *testing.T, g *qnn.Graph, lists ...[]pass.Name) {
	t.Helper()
	before := dump(t, g)
	in := randomInputs(g)
	want := mustCompute(t, g, in).Outputs(g)
	for _, names := range lists {
		out := mustRun(t, g, names...)
		if d := cmp.Diff(before, dump(t, g)); d != "" {
			t.Fatalf("%v changed its input:\n%s", names, d)
		}
		for i, got := range mustCompute(t, out, in).Outputs(out) {
			if !bytes.Equal(got, want[i]) {
				t.Errorf("%v: output %d differs", names, i)
			}
		}
		if d := cmp.Diff(dump(t, out), dump(t, mustRun(t, out, names...))); d != "" {
			t.Errorf("a second %v changes the network:\n%s", names, d)
		}
	}
}

// TestExportFused: what the passes fuse is written as the operators that it was.
func TestExportFused(t *testing.T) {
	for _, g := range []*qnn.Graph{padOnce(qnn.Int8), padSeveral(), residualBlock(qnn.Int8), residualTwo()} {
		t.Run(g.Name, func(t *testing.T) {
			in := randomInputs(g)
			want := mustCompute(t, g, in).Outputs(g)
			fused := mustRun(t, g, pass.Pad, pass.Residual, pass.Dead)
			file, err := tflite.Export(fused)
			if err != nil {
				t.Fatal(err)
			}
			back, err := tflite.Import(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(back.Nodes) <= len(fused.Nodes) {
				t.Errorf("%d nodes of %d", len(back.Nodes), len(fused.Nodes))
			}
			for i, got := range mustCompute(t, back, in).Outputs(back) {
				if !bytes.Equal(got, want[i]) {
					t.Errorf("output %d differs", i)
				}
			}
		})
	}
}
