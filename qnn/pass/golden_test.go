package pass_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qtune/qnn"
	"qtune/qnn/pass"
)

var update = flag.Bool("update", false, "write the golden files in testdata")

// golden lists for each pass small networks that show what it does and what it
// must leave alone. Their text before and after is in testdata/PASS/NAME.txt.
var golden = map[pass.Name]map[string]func() *qnn.Graph{
	pass.Legalise: {
		"const":       constOperands,
		"unsupported": withUnsupported,
		"residual":    int8Residual,
		"table":       int8Table,
	},
	pass.Dead:       {"chain": withDeadNodes},
	pass.Fold:       foldGraphs,
	pass.CSE:        cseGraphs,
	pass.Identity:   identityGraphs,
	pass.QuantPairs: quantPairGraphs,
	pass.Activation: activationGraphs,
	pass.Pad:        padGraphs,
	pass.Table:      tableGraphs,
	pass.Residual:   residualGraphs,
}

// TestGolden compares the text of graphs before and after a pass, checks that
// they compute the same and that a second run changes nothing.
func TestGolden(t *testing.T) {
	for name, graphs := range golden {
		for label, graph := range graphs {
			t.Run(string(name)+"/"+label, func(t *testing.T) {
				checkGolden(t, name, graph(), filepath.Join("testdata", string(name), label+".txt"))
			})
		}
	}
	g := mustImport(t, filepath.Join(goldenOps, "conv_s8_pertensor", "model.tflite"))
	checkGolden(t, pass.Legalise, g, "testdata/legalise/conv.txt")
	g = mustImport(t, filepath.Join(goldenOps, "add_s8_scales", "model.tflite"))
	checkGolden(t, pass.Legalise, g, "testdata/legalise/add.txt")
}

func checkGolden(t *testing.T, name pass.Name, g *qnn.Graph, path string) {
	t.Helper()
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	before := dump(t, g)
	out := mustRun(t, g, name)
	if again := mustRun(t, out, name); dump(t, again) != dump(t, out) {
		t.Errorf("a second run changes the graph:\n%s", cmp.Diff(dump(t, out), dump(t, again)))
	}
	if d := cmp.Diff(before, dump(t, g)); d != "" {
		t.Errorf("the pass changed its input:\n%s", d)
	}
	if computable(g) {
		in := randomInputs(g)
		sameOutputs(t, out, in, mustCompute(t, g, in).Outputs(g))
	}
	got := before + "----\n" + dump(t, out)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
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
}

// computable tells whether the interpreter can compute g, in a short time.
func computable(g *qnn.Graph) bool {
	const most = 1 << 20
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if _, ok := n.Op.(qnn.Unsupported); ok || g.Output(n, 0).Bytes() > most {
			return false
		}
	}
	return true
}
