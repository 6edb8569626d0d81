package module

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qtune/kernels"
	"qtune/qnn"
	"qtune/qnn/graphgen"
	"qtune/qnn/graphgen/graphtest"
	"qtune/qnn/ref"
	"qtune/qnn/tflite"
	"qtune/schedules"
)

// keptDir holds networks that once failed, here or in the tests of passes.
const keptDir = "../../qnn/graphgen/testdata/graphs"

// Random networks of all operators equal the reference on every target, with
// default and with random schedules, on one and on two threads, also when memory
// holds what an inference before left. So do those that failed once.
func TestRandomGraphs(t *testing.T) {
	n := 1000
	if testing.Short() {
		n = 60
	}
	for _, isa := range append(schedules.ISAs(), schedules.Ref) {
		t.Run(string(isa), func(t *testing.T) {
			t.Parallel()
			graphtest.Check(t, n, graphgen.Options{MACs: 1 << 17}, func(g *qnn.Graph) error {
				return checkGraph(g, graphOptions(isa, graphgen.Seed(g)))
			})
		})
	}
}

func TestKeptGraphs(t *testing.T) {
	for _, o := range variants() {
		t.Run(string(o.ISA)+modeName(o.Mode), func(t *testing.T) {
			t.Parallel()
			graphtest.Kept(t, keptDir, func(g *qnn.Graph) error {
				for i := range uint64(4) {
					choice := graphOptions(o.ISA, graphgen.Seed(g)+i)
					choice.Mode = o.Mode
					if err := checkGraph(g, choice); err != nil {
						return fmt.Errorf("options %d: %w", i, err)
					}
				}
				return nil
			})
		})
	}
}

// graphOptions draws how a network is compiled: natively where that is possible,
// but for one in eight.
func graphOptions(isa schedules.ISA, seed uint64) Options {
	rng := rand.New(rand.NewPCG(seed, 77))
	o := Options{ISA: isa, Mode: kernels.Emulated, Threads: 1 + rng.IntN(2), KeepAll: rng.IntN(4) == 0, NoFuse: rng.IntN(4) == 0}
	if slices.Contains(schedules.HostISAs(), isa) && rng.IntN(8) > 0 {
		o.Mode = kernels.Native
	}
	if rng.IntN(3) > 0 {
		o.Choose = fixedChooser(rng.Uint64())
	}
	return o
}

// fixedChooser takes any schedule of each space, the same for equal workloads
// whatever else there is in the network.
func fixedChooser(seed uint64) Chooser {
	return func(w schedules.Workload, isa schedules.ISA) (Choice, error) {
		h := fnv.New64a()
		h.Write([]byte(w.String())) // a hash does not fail
		return randomChooser(rand.New(rand.NewPCG(seed, h.Sum64())))(w, isa)
	}
}

// checkGraph compares a compiled network with the reference.
func checkGraph(g *qnn.Graph, o Options) error {
	m, err := Compile(g, o)
	if err != nil {
		return err
	}
	defer m.Close()
	random := graphgen.RandomInputs(g, 0)
	for i, inputs := range [][][]byte{random, graphgen.ExtremeInputs(g, 0), graphgen.ExtremeInputs(g, 255), graphgen.RandomInputs(g, 1), random} {
		want, err := ref.Run(g, inputs)
		if err != nil {
			return err
		}
		got, err := m.Run(inputs)
		if err != nil {
			return err
		}
		for k, w := range want.Outputs(g) {
			if !bytes.Equal(got[k], w) {
				return fmt.Errorf("inference %d with %+v: output %d differs in %d of %d bytes", i, o, k, countDiffs(got[k], w), len(w))
			}
		}
	}
	return nil
}

func dump(g *qnn.Graph) string {
	var b strings.Builder
	_ = g.Dump(&b) // a builder does not fail
	return b.String()
}

// Damaged networks that import compile and equal the reference, or both refuse
// them; nothing panics.
func TestMutants(t *testing.T) {
	cases, err := filepath.Glob(filepath.Join(opsDir, "*", "model.tflite"))
	if err != nil || len(cases) < 100 {
		t.Fatalf("%d golden cases: %v", len(cases), err)
	}
	targets := append(schedules.HostISAs(), schedules.Ref)
	compared := 0
	for i, path := range cases {
		file := readFile(t, path)
		rng := rand.New(rand.NewPCG(uint64(i), 5))
		for n := range 40 {
			mutant := bytes.Clone(file)
			for range 1 + rng.IntN(3) {
				mutant[rng.IntN(len(mutant))] = byte(rng.Uint32())
			}
			g, err := tflite.Import(mutant)
			if err != nil || bytesOf(g) > 1<<16 || g.CheckQuantised() != nil {
				continue
			}
			o := Options{ISA: targets[n%len(targets)]}
			if sameAsReference(t, fmt.Sprintf("%s, mutant %d", path, n), g, o) {
				compared++
			}
		}
	}
	if compared < 500 {
		t.Errorf("only %d mutants were compared", compared)
	}
}

// bytesOf is the size of all tensors of g.
func bytesOf(g *qnn.Graph) int {
	total := 0
	for i := range g.Tensors {
		total += min(g.Tensors[i].Bytes(), 1<<20)
	}
	return total
}

// sameAsReference compares what a module and the reference make of g, errors
// included, and tells whether there was something to compare.
func sameAsReference(t *testing.T, name string, g *qnn.Graph, o Options) bool {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Fatalf("%s, %s: panic: %v\n%s", name, o.ISA, p, dump(g))
		}
	}()
	m, err := Compile(g, o)
	if err != nil {
		return false
	}
	defer m.Close()
	inputs := randomInputs(g, 3)
	want, errRef := ref.Run(g, inputs)
	got, err := m.Run(inputs)
	if (err == nil) != (errRef == nil) {
		t.Errorf("%s, %s: %v; the reference says %v", name, o.ISA, err, errRef)
	}
	if err != nil || errRef != nil {
		return false
	}
	for i, w := range want.Outputs(g) {
		if !bytes.Equal(got[i], w) {
			t.Errorf("%s, %s: output %d differs\n%s", name, o.ISA, i, dump(g))
		}
	}
	return true
}
