package zoo

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"qtune/qnn"
)

var oracle = flag.String("oracle", "", "folder of oracle.js, TensorFlow Lite for Node.js: run every golden network with it")

// goldenNames are the networks to run: one of each family at full size, and
// the ends of the MobileNets' range.
func goldenNames() []string {
	names := []string{
		"mobilenet_v1_0.25_128", "mobilenet_v1", "mobilenet_v2_0.35_96", "mobilenet_v2", "mobilenet_v2_1.4_224",
		"inception_v1", "inception_v2", "inception_v3", "inception_v4", "resnet_50",
	}
	for _, n := range slices.Clone(names) {
		names = append(names, n+int8Suffix)
	}
	return names
}

// TestOracle compares every activation of every golden network with TensorFlow
// Lite's and rewrites the golden file. It takes some minutes:
//
//	go test ./qnn/zoo -run TestOracle -timeout 30m -oracle DIR
func TestOracle(t *testing.T) {
	if *oracle == "" {
		t.Skip("needs -oracle")
	}
	var text bytes.Buffer
	done := 0
	for _, name := range goldenNames() {
		t.Run(name, func(t *testing.T) {
			fmt.Fprintln(&text, consult(t, mustBuild(t, name)))
			done++
		})
	}
	if done != len(goldenNames()) { // some differ, or -run selects
		return
	}
	if err := os.WriteFile(goldenFile, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// consult runs g with TensorFlow Lite, and compares.
func consult(t *testing.T, g *qnn.Graph) golden {
	t.Helper()
	dir, input, file := t.TempDir(), Noise(g), mustExport(t, g)
	model, in, out := filepath.Join(dir, "model.tflite"), filepath.Join(dir, "in.bin"), filepath.Join(dir, "tensor")
	for path, data := range map[string][]byte{model: file, in: input} {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	node := exec.Command("node", "oracle.js", "--all", model, in, out)
	node.Dir = *oracle
	if message, err := node.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, message)
	}
	theirs := func(id qnn.TensorID) []byte {
		path := fmt.Sprintf("%s.t%d.bin", out, id)
		if id == g.Outputs[0] {
			path = out + ".out0.bin"
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	ours := mustRun(t, g, input)
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if id := n.Outputs[0]; !bytes.Equal(ours[id], theirs(id)) {
			t.Fatalf("%s differs", g.Label(n))
		}
	}
	return golden{g.Name, len(file), hash(file), activationsHash(g, theirs)}
}
