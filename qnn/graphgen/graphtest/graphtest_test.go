package graphtest

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qtune/qnn"
	"qtune/qnn/graphgen"
	"qtune/qnn/tflite"
)

// A failure is shrunk and written to a file whose network fails as well; a
// panic is a failure.
func TestFailuresAreKept(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, fail := range map[string]func() error{
		"error": func() error { return errors.New("no convolutions, please") },
		"panic": func() error { panic("no convolutions, please") },
	} {
		property := func(g *qnn.Graph) error {
			if slices.ContainsFunc(g.Nodes, func(n qnn.Node) bool { return n.Op.OpName() == "CONV_2D" }) {
				return fail()
			}
			return nil
		}
		g := graphgen.Random(0, graphgen.Options{})
		for seed := uint64(1); try(property, g) == nil; seed++ {
			g = graphgen.Random(seed, graphgen.Options{})
		}
		path := filepath.Join("testdata", "failures", "Test_"+name+"_"+strings.ReplaceAll(g.Name, " ", "_")+".tflite")
		message := report("Test/"+name, g, try(property, g), property)
		for _, want := range []string{g.Name, "kept as " + path, "no convolutions, please", "0 CONV_2D"} {
			if !strings.Contains(message, want) {
				t.Errorf("%s: %q is not in the report\n%s", name, want, message)
			}
		}
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		back, err := tflite.Import(file)
		if err != nil || try(property, back) == nil || len(back.Nodes) != 1 || graphgen.Seed(back) != graphgen.Seed(g) {
			t.Errorf("%s: the file does not fail like the network (%v)", name, err)
		}
	}
}
