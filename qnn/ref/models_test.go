package ref_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qtune/qnn"
	"qtune/qnn/ref"
)

// shared holds published networks, and what TensorFlow Lite's interpreter gave
// for them on every layer. They are not part of the repository.
const shared = "../../../shared"

// modelCase is a case of golden/MODEL/manifest.json.
type modelCase struct {
	Inputs, Outputs []struct{ File string }
	Layers          []struct {
		Op     int
		Kind   string
		Tensor int
		SHA256 string
	}
}

// TestGoldenModels compares every layer of the published networks.
func TestGoldenModels(t *testing.T) {
	manifests, err := filepath.Glob(filepath.Join(shared, "golden", "*", "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(manifests) == 0 {
		t.Skip("no golden networks in " + shared)
	}
	for _, path := range manifests {
		var m struct {
			Model string
			Cases map[string]modelCase
		}
		if err := json.Unmarshal(mustRead(t, path), &m); err != nil {
			t.Fatal(err)
		}
		for name, c := range m.Cases {
			t.Run(strings.TrimSuffix(m.Model, ".tflite")+"/"+name, func(t *testing.T) {
				t.Parallel()
				g := mustImport(t, filepath.Join(shared, "models", m.Model))
				checkModel(t, g, filepath.Dir(path), c)
			})
		}
	}
}

func checkModel(t *testing.T, g *qnn.Graph, dir string, c modelCase) {
	var inputs [][]byte
	for _, in := range c.Inputs {
		inputs = append(inputs, mustRead(t, filepath.Join(dir, in.File)))
	}
	vals, err := ref.Run(g, inputs)
	if unsupported(g) {
		if err == nil {
			t.Error("no error from a network with an unsupported operator")
		}
	} else if err != nil {
		t.Fatal(err)
	}
	layers := 0
	for _, l := range c.Layers {
		got := vals[l.Tensor]
		if got == nil {
			continue // behind an unsupported operator
		}
		layers++
		if sum := sha256.Sum256(got); hex.EncodeToString(sum[:]) != l.SHA256 {
			t.Fatalf("layer %d %s differs", l.Op, l.Kind)
		}
	}
	if err != nil {
		if layers == 0 {
			t.Error("nothing was compared")
		}
		t.Logf("%d of %d layers, up to %v", layers, len(c.Layers), err)
		return
	}
	if layers != len(c.Layers) {
		t.Errorf("%d of %d layers computed", layers, len(c.Layers))
	}
	for i, out := range vals.Outputs(g) {
		want, err := readGolden(filepath.Join(dir, c.Outputs[i].File))
		if err != nil {
			t.Fatal(err)
		}
		if d := difference(out, want); d != "" {
			t.Errorf("output %d: %s", i, d)
		}
	}
}

func unsupported(g *qnn.Graph) bool {
	for i := range g.Nodes {
		if _, ok := g.Nodes[i].Op.(qnn.Unsupported); ok {
			return true
		}
	}
	return false
}

// readGolden reads a file that may be compressed.
func readGolden(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil || !strings.HasSuffix(path, ".gz") {
		return b, err
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return io.ReadAll(z)
}
