// Package graphtest runs properties on random networks in tests: those of
// package graphgen, and those that once failed. It has the flags -graphs and
// -graph-seed, with which any such test can be run for longer.
package graphtest

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"qtune/qnn"
	"qtune/qnn/graphgen"
	"qtune/qnn/tflite"
)

var (
	graphs = flag.Int("graphs", 0, "random networks to check, instead of the usual number")
	seed   = flag.Uint64("graph-seed", 0, "seed of the first of them")
)

// maxFailures is how many failures of one test are shrunk before it gives up.
const maxFailures = 3

// Check runs a test's property on n random networks, or as many as the flags
// -graphs and -graph-seed say. One that fails is shrunk and kept: it is written to
// testdata/failures, from where it should move to the kept networks (see Kept)
// with the change that repairs it.
//
// check must be the same function of the network every time, or failures do
// not shrink: it draws what it needs from graphgen.RandomInputs and Seed.
func Check(t *testing.T, n int, o graphgen.Options, check func(*qnn.Graph) error) {
	t.Helper()
	if *graphs > 0 {
		n = *graphs
	}
	failures := 0
	for s := *seed; s < *seed+uint64(n) && failures < maxFailures; s++ {
		g := graphgen.Random(s, o)
		if err := try(check, g); err != nil {
			failures++
			t.Error(report(t.Name(), g, err, check))
		}
	}
}

// Kept runs a test's property on every network in folder, where those are that
// once failed.
func Kept(t *testing.T, folder string, check func(*qnn.Graph) error) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.tflite"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no networks in %s (%v)", folder, err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		g, err := tflite.Import(b)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if err := try(check, g); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// try is check with a panic as an error.
func try(check func(*qnn.Graph) error, g *qnn.Graph) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return check(g)
}

// report shrinks g, on which check failed with err, keeps it under the name of
// the test, and says so.
func report(test string, g *qnn.Graph, err error, check func(*qnn.Graph) error) string {
	small := graphgen.Shrink(g, func(g *qnn.Graph) bool { return try(check, g) != nil })
	if e := try(check, small); e != nil {
		err = e
	} else {
		err = fmt.Errorf("%w (not every time: check depends on more than the network)", err)
	}
	kept := "not kept"
	path, writeErr := write(strings.NewReplacer("/", "_", " ", "_").Replace(test+" "+g.Name), small)
	if writeErr == nil {
		kept = "kept as " + path
	}
	var text strings.Builder
	_ = small.Dump(&text) // a builder does not fail
	return fmt.Sprintf("%s, shrunk, %s: %v\n%s", g.Name, kept, errors.Join(err, writeErr), text.String())
}

// write stores g as a file in testdata/failures.
func write(name string, g *qnn.Graph) (string, error) {
	b, err := tflite.Export(g)
	if err != nil {
		return "", err
	}
	dir := filepath.Join("testdata", "failures")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(dir, name+".tflite")
	return path, os.WriteFile(path, b, 0o644)
}
