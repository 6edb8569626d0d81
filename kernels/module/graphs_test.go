package module

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qtune/kernels"
	"qtune/qnn"
	"qtune/qnn/graphgen"
	"qtune/qnn/ref"
	"qtune/qnn/tflite"
	"qtune/schedules"
)

var (
	graphs    = flag.Int("graphs", 1000, "random networks of each target")
	graphSeed = flag.Uint64("graph-seed", 0, "of the first random network")
)

// keptDir holds networks that once failed; TestKeptGraphs runs them for ever.
var keptDir = filepath.Join("testdata", "graphs")

// Random networks of all operators equal the reference on every target, with
// default and with random schedules, on one and on two threads, also when memory
// holds what an inference before left. One that does not is made small and kept.
func TestRandomGraphs(t *testing.T) {
	n := *graphs
	if testing.Short() {
		n = min(n, 60)
	}
	for _, isa := range append(schedules.ISAs(), schedules.Ref) {
		t.Run(string(isa), func(t *testing.T) {
			t.Parallel()
			for i := range uint64(n) {
				seed := *graphSeed + i
				check := func(g *qnn.Graph) error { return checkGraph(g, graphOptions(isa, seed)) }
				r := graphgen.Random(seed, 8)
				if check(r.Network()) == nil {
					continue
				}
				g := graphgen.Shrink(r, func(g *qnn.Graph) bool { return check(g) != nil }).Network()
				t.Errorf("seed %d: %v\n%s%s", seed, check(g), keep(t, g, fmt.Sprintf("%s_%d", isa, seed)), dump(g))
				return
			}
		})
	}
}

func TestKeptGraphs(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(keptDir, "*.tflite"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		g := importModel(t, f)
		for _, o := range variants() {
			for seed := range uint64(4) {
				choice := graphOptions(o.ISA, seed)
				choice.Mode = o.Mode
				if err := checkGraph(g, choice); err != nil {
					t.Errorf("%s, %s%s, seed %d: %v", filepath.Base(f), o.ISA, modeName(o.Mode), seed, err)
				}
			}
		}
	}
}

// graphOptions draws how a network is compiled: natively where that is possible,
// but for one in eight.
func graphOptions(isa schedules.ISA, seed uint64) Options {
	rng := rand.New(rand.NewPCG(seed, 77))
	o := Options{ISA: isa, Mode: kernels.Emulated, Threads: 1 + rng.IntN(2), KeepAll: rng.IntN(4) == 0, NoFuse: rng.IntN(4) == 0}
	for _, native := range schedules.HostISAs() {
		if native == isa && seed%8 != 7 {
			o.Mode = kernels.Native
		}
	}
	if rng.IntN(3) > 0 {
		o.Choose = randomChooser(rand.New(rand.NewPCG(seed, 78)))
	}
	return o
}

// checkGraph compares a compiled network with the reference.
func checkGraph(g *qnn.Graph, o Options) error {
	m, err := Compile(g, o)
	if err != nil {
		return err
	}
	defer m.Close()
	for _, fill := range []int{-1, 0, 255, -1} {
		inputs := randomInputs(g, 3)
		for _, b := range inputs {
			for i := range b {
				if fill >= 0 {
					b[i] = byte(fill)
				}
			}
		}
		want, err := ref.Run(g, inputs)
		if err != nil {
			return err
		}
		got, err := m.Run(inputs)
		if err != nil {
			return err
		}
		for i, w := range want.Outputs(g) {
			if !bytes.Equal(got[i], w) {
				return fmt.Errorf("output %d differs in %d bytes", i, countDiffs(got[i], w))
			}
		}
	}
	return nil
}

// keep stores g among the networks that once failed.
func keep(t *testing.T, g *qnn.Graph, name string) string {
	file, err := tflite.Export(g)
	if err != nil {
		return fmt.Sprintf("not kept: %v\n", err)
	}
	path := filepath.Join(keptDir, name+".tflite")
	if err := os.MkdirAll(keptDir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, file, 0o644); err != nil {
		t.Fatal(err)
	}
	return "kept as " + path + "\n"
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
