package graphgen_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"qtune/qnn"
	"qtune/qnn/graphgen"
	"qtune/qnn/graphgen/graphtest"
	"qtune/qnn/pass"
	"qtune/qnn/ref"
	"qtune/qnn/tflite"
)

// kept holds networks that once failed, here or in kernels/module.
const kept = "testdata/graphs"

// check runs a property on random networks and on those that once failed.
func check(t *testing.T, property func(*qnn.Graph) error) {
	t.Helper()
	n := 400
	if testing.Short() {
		n = 60
	}
	graphtest.Kept(t, kept, property)
	graphtest.Check(t, n, graphgen.Options{MACs: 1 << 16}, property)
}

// equal compares what two networks compute of all kinds of inputs.
func equal(a, b *qnn.Graph) error {
	for kind, inputs := range map[string][][]byte{
		"random inputs": graphgen.RandomInputs(a, 1),
		"least inputs":  graphgen.ExtremeInputs(a, 0x00),
		"greatest":      graphgen.ExtremeInputs(a, 0xff),
	} {
		want, errA := ref.Run(a, inputs)
		got, errB := ref.Run(b, inputs)
		if err := errors.Join(errA, errB); err != nil {
			return err
		}
		for i, w := range want.Outputs(a) {
			if !bytes.Equal(got.Outputs(b)[i], w) {
				return fmt.Errorf("%s: output %d is\n%v, want\n%v", kind, i, got.Outputs(b)[i], w)
			}
		}
	}
	return nil
}

func text(g *qnn.Graph) string {
	var b strings.Builder
	_ = g.Dump(&b) // a builder does not fail
	return b.String()
}

// A file holds all of a network.
func TestExportAndImport(t *testing.T) {
	t.Parallel()
	check(t, func(g *qnn.Graph) error {
		file, err := tflite.Export(g)
		if err != nil {
			return err
		}
		back, err := tflite.Import(file)
		if err != nil {
			return err
		}
		if a, b := text(g), text(back); a != b {
			return fmt.Errorf("the text changed to\n%s", b)
		}
		return equal(g, back)
	})
}

// Every pass alone, and all of them once and twice, leave the outputs as they
// are, and their own input too.
func TestPasses(t *testing.T) {
	runs := [][]pass.Name{pass.Minimal(), pass.Default(), slices.Concat(pass.Default(), pass.Default())}
	alone := pass.Default()
	slices.Sort(alone)
	for _, name := range slices.Compact(alone) {
		runs = append(runs, []pass.Name{name})
	}
	for _, names := range runs {
		t.Run(fmt.Sprint(names), func(t *testing.T) {
			t.Parallel()
			check(t, func(g *qnn.Graph) error {
				before := text(g)
				after, err := pass.Run(g, names...)
				if err != nil {
					return err
				}
				if text(g) != before {
					return errors.New("the passes changed their input")
				}
				return equal(g, after)
			})
		})
	}
}
