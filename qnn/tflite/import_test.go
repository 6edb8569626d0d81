package tflite_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qtune/qnn"
	"qtune/qnn/tflite"
)

const (
	goldenOps = "../ref/testdata/golden_ops"
	models    = "../../../shared/models" // published networks, not part of the repository
)

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustImport(t testing.TB, file []byte) *qnn.Graph {
	t.Helper()
	g, err := tflite.Import(file)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func mustExport(t testing.TB, g *qnn.Graph) []byte {
	t.Helper()
	b, err := tflite.Export(g)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// goldenFiles returns the paths of the small networks.
func goldenFiles(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(goldenOps, "*", "model.tflite"))
	if err != nil || len(paths) < 50 {
		t.Fatalf("%d golden networks, %v", len(paths), err)
	}
	return paths
}

// modelFile returns the bytes of a published network, or skips the test.
func modelFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(models, name))
	if err != nil {
		t.Skip(err)
	}
	return b
}

// TestRoundTrip: Export's file reads back equal.
func TestRoundTrip(t *testing.T) {
	paths := goldenFiles(t)
	published, _ := filepath.Glob(filepath.Join(models, "*quant*.tflite"))
	more, _ := filepath.Glob(filepath.Join(models, "*_pt[q].tflite"))
	exported := 0
	for _, path := range append(append(paths, published...), more...) {
		g := mustImport(t, mustRead(t, path))
		if u := firstUnsupported(g); u != "" {
			if _, err := tflite.Export(g); err == nil || !strings.Contains(err.Error(), u) {
				t.Errorf("%s: error %v, want one naming %s", path, err, u)
			}
			continue
		}
		exported++
		back := mustImport(t, mustExport(t, g))
		if d := cmp.Diff(g, back, cmp.Comparer(bytes.Equal)); d != "" {
			t.Errorf("%s:\n%.2000s", path, d)
		}
	}
	if exported < len(paths) {
		t.Errorf("only %d networks written", exported)
	}
}

func firstUnsupported(g *qnn.Graph) string {
	for i := range g.Nodes {
		if op, ok := g.Nodes[i].Op.(qnn.Unsupported); ok {
			return op.Name
		}
	}
	return ""
}

// TestBufferAlignment: the schema wants constants at multiples of 16 bytes.
func TestBufferAlignment(t *testing.T) {
	g := mustImport(t, mustRead(t, filepath.Join(goldenOps, "conv_u8_bigk", "model.tflite")))
	file := mustExport(t, g)
	for i := range g.Tensors {
		if data := g.Tensors[i].Data; data != nil {
			if at := bytes.Index(file, data); at < 0 || at%16 != 0 {
				t.Errorf("data of tensor %d at %d", i, at)
			}
		}
	}
}

func TestNotQuantised(t *testing.T) {
	g := mustImport(t, modelFile(t, "mobilenet_v1_0.25_224_float.tflite"))
	if err := g.CheckQuantised(); !errors.Is(err, qnn.ErrNotQuantised) {
		t.Errorf("error %v", err)
	}
	for _, path := range goldenFiles(t) {
		if err := mustImport(t, mustRead(t, path)).CheckQuantised(); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestPublished: networks with an oddity that must not stop the import.
func TestPublished(t *testing.T) {
	for name, unsupported := range map[string]string{
		"person_detect_int8.tflite":               "", // the quantised dimension of its biases is out of range
		"deeplabv3_mnv2_dm05_pascal_quant.tflite": "",
		"mobilenet_v1_0.25_224_float.tflite":      "CONV_2D",
	} {
		t.Run(name, func(t *testing.T) {
			g := mustImport(t, modelFile(t, name))
			if got := firstUnsupported(g); got != unsupported {
				t.Errorf("first unsupported operator %q, want %q", got, unsupported)
			}
		})
	}
}

// TestForeignFiles: files that are no network at all.
func TestForeignFiles(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"empty", "", "not a TensorFlow Lite model (0 bytes"},
		{"short", "TFL", "not a TensorFlow Lite model (3 bytes"},
		{"jpeg", "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01", `not a TensorFlow Lite model (identifier "\x00\x10JF"`},
		{"head only", "\x08\x00\x00\x00TFL3", "damaged TensorFlow Lite model: model:"},
		{"far root", "\xff\xff\xff\xffTFL3\x00\x00\x00\x00", "damaged TensorFlow Lite model: model:"},
		{"no fields", "\x0c\x00\x00\x00TFL3\x04\x00\x04\x00\x04\x00\x00\x00", "schema version 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, err := tflite.Import([]byte(c.file))
			if g != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}
