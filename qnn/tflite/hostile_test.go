package tflite_test

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strings"
	"testing"

	"qtune/qnn"
	"qtune/qnn/ref"
	"qtune/qnn/tflite"
)

// checkImport imports a file that may be hostile: no panic, and memory in
// proportion to the file; a graph that comes out is valid.
func checkImport(t testing.TB, file []byte) (imported bool) {
	t.Helper()
	before := allocated()
	g, err := tflite.Import(file)
	if used, limit := allocated()-before, uint64(64*len(file)+1<<20); used > limit {
		t.Fatalf("a file of %d bytes took %d bytes of memory", len(file), used)
	}
	switch {
	case err != nil && strings.ContainsRune(err.Error(), '\n'):
		t.Fatalf("an error of more than one line: %q", err)
	case err != nil && len(err.Error()) > 1000:
		t.Fatalf("an error of %d bytes: %q", len(err.Error()), err)
	case err == nil:
		if err := g.Validate(); err != nil {
			t.Fatalf("imported, but not valid: %v", err)
		}
	}
	return err == nil
}

// allocated returns the bytes of memory allocated so far, to within what the
// allocator has at hand (runtime.ReadMemStats is exact, but stops the world).
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// mutate returns a damaged copy of file, in the memory of scratch.
func mutate(r *rand.Rand, scratch, file []byte) []byte {
	m := append(scratch[:0], file...)
	for range 1 + r.IntN(4) {
		at := r.IntN(len(m))
		if r.IntN(2) == 0 { // structure is at the ends, weights between
			at = min(r.IntN(4096), len(m)-1)
			if r.IntN(2) == 0 {
				at = len(m) - 1 - at
			}
		}
		switch r.IntN(5) {
		case 0:
			m = m[:max(at, 1)]
		case 1:
			m[at] ^= 1 << r.IntN(8)
		case 2:
			m[at] = byte(r.Uint32())
		case 3:
			m[at] = []byte{0, 1, 0x7f, 0x80, 0xff}[r.IntN(5)]
		case 4:
			if at &^= 3; at+4 <= len(m) {
				interesting := []uint32{0, 1, 1 << 31, 1<<31 - 1, 1<<32 - 1, uint32(len(m)), uint32(len(m) - at), r.Uint32()}
				binary.LittleEndian.PutUint32(m[at:], interesting[r.IntN(len(interesting))])
			}
		}
	}
	return m
}

// TestMutants damages networks in thousands of ways.
func TestMutants(t *testing.T) {
	for i, c := range []struct {
		path    string
		mutants int
	}{
		{filepath.Join(goldenOps, "conv_s8_perch_3x3_same", "model.tflite"), 10_000},
		{filepath.Join(goldenOps, "concat_u8_scales_axis3", "model.tflite"), 10_000},
		{filepath.Join(models, "mobilenet_v1_0.25_128_quant.tflite"), 5_000},
		{filepath.Join(models, "person_detect_int8.tflite"), 5_000},
	} {
		t.Run(filepath.Base(filepath.Dir(c.path))+"/"+filepath.Base(c.path), func(t *testing.T) {
			file, err := os.ReadFile(c.path)
			if os.IsNotExist(err) && strings.HasPrefix(c.path, models) {
				t.Skip(err)
			} else if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(uint64(i), 3))
			scratch := make([]byte, len(file))
			imported := 0
			for n := range c.mutants {
				if survives(t, n, mutate(r, scratch, file)) {
					imported++
				}
			}
			if imported == 0 || imported == c.mutants {
				t.Errorf("%d of %d mutants imported: the mutations say nothing", imported, c.mutants)
			}
			t.Logf("%d of %d mutants imported", imported, c.mutants)
		})
	}
}

// TestMutantsOfEveryOperator damages the network of each golden case. What
// imports in spite of that is a network that the reference can compute: it does
// not panic, and makes no more than the tensors that the network declares.
func TestMutantsOfEveryOperator(t *testing.T) {
	detection, err := tflite.Export(ssd())
	if err != nil {
		t.Fatal(err)
	}
	imported := 0
	for i, path := range append(goldenFiles(t), "") {
		file := detection
		if path != "" {
			file = mustRead(t, path)
		}
		r := rand.New(rand.NewPCG(uint64(i), 4))
		scratch := make([]byte, len(file))
		for n := range 150 {
			mutant := mutate(r, scratch, file)
			if !survives(t, n, mutant) {
				continue
			}
			imported++
			g := mustImport(t, mutant)
			if n%5 == 0 && isSmall(g) {
				run(t, path, n, g)
			}
		}
	}
	if imported < 1000 {
		t.Errorf("only %d mutants imported", imported)
	}
}

// isSmall tells whether the reference computes g in no time.
func isSmall(g *qnn.Graph) bool {
	total := 0
	for i := range g.Tensors {
		total += min(g.Tensors[i].Bytes(), 1<<20)
	}
	for i := range g.Nodes {
		if l, err := qnn.ResolveLayer(g, &g.Nodes[i]); err == nil && l.MACs() > 1<<20 {
			return false
		}
	}
	return total < 1<<16
}

// run computes mutant n with the reference.
func run(t *testing.T, path string, n int, g *qnn.Graph) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Fatalf("%s, mutant %d: panic: %v", path, n, p)
		}
	}()
	var inputs [][]byte
	for _, id := range g.Inputs {
		inputs = append(inputs, make([]byte, g.Tensors[id].Bytes()))
	}
	_, _ = ref.Run(g, inputs) // an error is fine
}

// survives is checkImport of mutant n, naming it where the importer panics.
func survives(t *testing.T, n int, file []byte) bool {
	defer func() {
		if p := recover(); p != nil {
			t.Fatalf("mutant %d: panic: %v", n, p)
		}
	}()
	return checkImport(t, file)
}

// TestSharedTables: many references to one table must not multiply the work.
func TestSharedTables(t *testing.T) {
	const n = 3000 // n subgraphs of n tensors each would be 9,000,000
	file := sharedTables(n)
	_, err := tflite.Import(file)
	if err == nil || !strings.Contains(err.Error(), "than the file has room for") {
		t.Errorf("error %v", err)
	}
	checkImport(t, file)
}

// sharedTables is a file whose n subgraphs are one table, with n tensors that
// are one table.
func sharedTables(n int) []byte {
	u32 := binary.LittleEndian.AppendUint32
	u16 := binary.LittleEndian.AppendUint16
	f := u32(nil, 20) // root
	f = append(f, "TFL3"...)
	// vtable of the model at 8: version absent, codes absent, subgraphs at 4
	for _, v := range []uint16{10, 8, 0, 0, 4} {
		f = u16(f, v)
	}
	f = u16(f, 0)
	f = u32(f, 20-8) // the model at 20
	f = u32(f, 4)    // its subgraphs at 28
	f = u32(f, uint32(n))
	sub := 32 + 4*n + 8 // behind the vector and its vtable
	for i := range n {
		f = u32(f, uint32(sub-(32+4*i)))
	}
	for _, v := range []uint16{6, 8, 4, 0} { // vtable: tensors at 4
		f = u16(f, v)
	}
	f = u32(f, 8) // the subgraph at sub
	f = u32(f, 4) // its tensors at sub+8
	f = u32(f, uint32(n))
	tensor := sub + 12 + 4*n + 4
	for i := range n {
		f = u32(f, uint32(tensor-(sub+12+4*i)))
	}
	f = u16(u16(f, 4), 4) // vtable without fields
	return u32(f, 4)      // the tensor
}

func FuzzImport(f *testing.F) {
	for _, path := range goldenFiles(f) {
		f.Add(mustRead(f, path))
	}
	f.Add(sharedTables(10))
	f.Add([]byte("\x08\x00\x00\x00TFL3"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if !checkImport(t, file) {
			return
		}
		g := mustImport(t, file)
		if b, err := tflite.Export(g); err == nil { // writing must not lose what reading found
			if back, err := tflite.Import(b); err != nil {
				t.Fatalf("cannot read back: %v", err)
			} else if len(back.Nodes) != len(g.Nodes) {
				t.Fatalf("%d nodes, want %d", len(back.Nodes), len(g.Nodes))
			}
		}
	})
}
