package zoo

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qtune/qnn"
	"qtune/qnn/ref"
	"qtune/qnn/tflite"
)

// goldenFile has a line for each network that TensorFlow Lite was run on:
//
//	NAME BYTES SHA256-OF-THE-FILE SHA256-OF-THE-ACTIVATIONS
//
// The activations are those of all nodes, one after the other, for the input
// Noise. See TestOracle for how to make it.
var goldenFile = filepath.Join("testdata", "golden.txt")

// A golden is what is known of a network.
type golden struct {
	name              string
	bytes             int
	file, activations string
}

func (g golden) String() string {
	return fmt.Sprintf("%s %d %s %s", g.name, g.bytes, g.file, g.activations)
}

func readGolden(t *testing.T) []golden {
	t.Helper()
	text, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	var all []golden
	for line := range strings.Lines(string(text)) {
		var g golden
		if _, err := fmt.Sscan(line, &g.name, &g.bytes, &g.file, &g.activations); err != nil {
			t.Fatalf("%s: %q: %v", goldenFile, line, err)
		}
		all = append(all, g)
	}
	return all
}

// isLarge tells whether building it takes about a second.
func isLarge(t *testing.T, name string) bool { return macs(t, name) > 3e9 }

// isSmall tells whether the reference infers with the network in no time.
func isSmall(t *testing.T, name string) bool { return macs(t, name) < 50e6 }

func macs(t *testing.T, name string) int64 {
	t.Helper()
	size, err := SizeOf(name)
	if err != nil {
		t.Fatal(err)
	}
	return size.MACs
}

func mustBuild(t *testing.T, name string) *qnn.Graph {
	t.Helper()
	g, err := Build(name)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func mustExport(t *testing.T, g *qnn.Graph) []byte {
	t.Helper()
	file, err := tflite.Export(g)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func mustRun(t *testing.T, g *qnn.Graph, input []byte) ref.Values {
	t.Helper()
	vals, err := ref.Run(g, [][]byte{input})
	if err != nil {
		t.Fatal(err)
	}
	return vals
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// activationsHash hashes the outputs of all nodes.
func activationsHash(g *qnn.Graph, value func(qnn.TensorID) []byte) string {
	h := sha256.New()
	for i := range g.Nodes {
		h.Write(value(g.Nodes[i].Outputs[0])) // a hash does not fail
	}
	return hex.EncodeToString(h.Sum(nil))
}

// TestGolden: a network has the same bytes on every machine, and those that
// TensorFlow Lite has run; the small ones still give what it gave. Of the
// largest, one quantisation has to do.
func TestGolden(t *testing.T) {
	for _, want := range readGolden(t) {
		t.Run(want.name, func(t *testing.T) {
			t.Parallel()
			small := isSmall(t, want.name)
			if !small && testing.Short() || isLarge(t, want.name) && strings.HasSuffix(want.name, int8Suffix) {
				t.Skip("a large network")
			}
			g := mustBuild(t, want.name)
			file := mustExport(t, g)
			got := golden{g.Name, len(file), hash(file), want.activations}
			if small {
				vals := mustRun(t, g, Noise(g))
				got.activations = activationsHash(g, func(id qnn.TensorID) []byte { return vals[id] })
			}
			if got != want {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}
