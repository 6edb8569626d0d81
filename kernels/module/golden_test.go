package module

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

	"qtune/kernels"
	"qtune/qnn"
	"qtune/qnn/tflite"
	"qtune/schedules"
)

// shared holds real networks with the outputs of TensorFlow Lite's interpreter.
// It is no part of the repository.
var shared = filepath.Join("..", "..", "..", "shared")

// opsDir holds one-operator networks, likewise; these are.
var opsDir = filepath.Join("..", "..", "qnn", "ref", "testdata", "golden_ops")

// A golden is what a manifest says about one run of a network.
type golden struct {
	Inputs, Outputs []goldenFile
	Layers          []struct {
		Op     int
		Kind   string
		Tensor qnn.TensorID
		SHA256 string
	}
}

type goldenFile struct{ File string }

// readFile reads a file, and decompresses it if its name ends in .gz.
func readFile(t *testing.T, parts ...string) []byte {
	t.Helper()
	name := filepath.Join(parts...)
	b, err := os.ReadFile(name)
	if err == nil && strings.HasSuffix(name, ".gz") {
		b, err = decompress(b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decompress(b []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func readJSON(t *testing.T, v any, parts ...string) {
	t.Helper()
	if err := json.Unmarshal(readFile(t, parts...), v); err != nil {
		t.Fatal(err)
	}
}

func importModel(t *testing.T, parts ...string) *qnn.Graph {
	t.Helper()
	g, err := tflite.Import(readFile(t, parts...))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// sharedModel reads a network of ../shared, or skips the test.
func sharedModel(t *testing.T, name string) *qnn.Graph {
	t.Helper()
	if _, err := os.Stat(shared); err != nil {
		t.Skip("no ../shared beside the module")
	}
	return importModel(t, shared, "models", name+".tflite")
}

func compile(t *testing.T, g *qnn.Graph, o Options) *Module {
	t.Helper()
	m, err := Compile(g, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// checkGolden runs m on the inputs of c, files of dir, and compares the outputs
// and every layer.
func checkGolden(t *testing.T, m *Module, c golden, dir string) {
	t.Helper()
	var inputs [][]byte
	for _, f := range c.Inputs {
		inputs = append(inputs, readFile(t, dir, f.File))
	}
	outputs, err := m.Run(inputs)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range c.Layers {
		checkLayer(t, m, l.Tensor, l.SHA256, fmt.Sprintf("layer %d %s", l.Op, l.Kind))
	}
	for i, f := range c.Outputs {
		if want := readFile(t, dir, f.File); !bytes.Equal(outputs[i], want) {
			t.Errorf("output %d: %d of %d bytes differ", i, countDiffs(outputs[i], want), len(want))
		}
	}
}

func checkLayer(t *testing.T, m *Module, id qnn.TensorID, sha, label string) {
	t.Helper()
	got, err := m.Tensor(id)
	if err != nil {
		t.Errorf("%s: %v", label, err)
		return
	}
	if sum := sha256.Sum256(got); hex.EncodeToString(sum[:]) != sha {
		t.Errorf("%s: the output differs", label)
	}
}

func countDiffs(a, b []byte) int {
	n := 0
	for i := range b {
		if i >= len(a) || a[i] != b[i] {
			n++
		}
	}
	return n
}

// networks are the models with golden outputs of every layer.
var networks = []string{
	"mobilenet_v1_0.25_128_quant",
	"mobilenet_v1_0.5_160_quant",
	"mobilenet_v1_1.0_224_quant_embedding_extractor",
	"mobilenet_v2_1.0_224_quant",
	"tf2_mobilenet_v2_1.0_224_ptq",
	"deeplabv3_mnv2_dm05_pascal_quant",
}

func TestNetworksNatively(t *testing.T) {
	for _, name := range networks {
		for _, isa := range schedules.HostISAs() {
			t.Run(name+"/"+string(isa), func(t *testing.T) {
				checkNetwork(t, name, Options{ISA: isa, KeepAll: true, NoFuse: true}, "photo", "random")
			})
		}
	}
}

// The outputs are the same when tensors share memory, for any number of
// threads.
func TestNetworksInSharedMemory(t *testing.T) {
	for _, name := range networks {
		for _, isa := range schedules.HostISAs() {
			for threads := 1; threads <= 3; threads++ {
				t.Run(fmt.Sprintf("%s/%s/%d", name, isa, threads), func(t *testing.T) {
					checkNetwork(t, name, Options{ISA: isa, Threads: threads}, "photo", "random", "photo")
				})
			}
		}
	}
}

func TestNetworkThroughReference(t *testing.T) {
	checkNetwork(t, networks[0], Options{ISA: schedules.Ref, KeepAll: true, NoFuse: true}, "photo")
}

func TestNetworkEmulated(t *testing.T) {
	for _, isa := range schedules.ISAs() {
		t.Run(string(isa), func(t *testing.T) {
			checkNetwork(t, networks[0], Options{ISA: isa, Mode: kernels.Emulated, KeepAll: true, NoFuse: true}, "photo")
		})
	}
}

func checkNetwork(t *testing.T, name string, o Options, cases ...string) {
	t.Helper()
	m := compile(t, sharedModel(t, name), o)
	if o.ISA != schedules.Ref {
		checkCompiled(t, m)
	}
	var manifest struct{ Cases map[string]golden }
	dir := filepath.Join(shared, "golden", name)
	readJSON(t, &manifest, dir, "manifest.json")
	for _, c := range cases {
		g, ok := manifest.Cases[c]
		if !ok || len(g.Layers) == 0 {
			t.Fatalf("the manifest does not describe case %q", c)
		}
		if !o.KeepAll {
			g.Layers = nil
		}
		checkGolden(t, m, g, dir)
	}
}
