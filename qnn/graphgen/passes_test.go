package graphgen_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"qtune/qnn"
	"qtune/qnn/graphgen"
	"qtune/qnn/pass"
	"qtune/qnn/ref"
	"qtune/qnn/tflite"
)

// inputsOf makes inputs of g: all bytes alike for kinds 0 and 1.
func inputsOf(g *qnn.Graph, kind int) [][]byte {
	var inputs [][]byte
	for _, id := range g.Inputs {
		b := make([]byte, g.Tensors[id].Bytes())
		for i := range b {
			switch kind {
			case 0:
				b[i] = 0
			case 1:
				b[i] = 255
			default:
				b[i] = byte(i*i*kind + i>>3*(kind+5))
			}
		}
		inputs = append(inputs, b)
	}
	return inputs
}

func outputsOf(g *qnn.Graph, kind int) ([][]byte, error) {
	vals, err := ref.Run(g, inputsOf(g, kind))
	if err != nil {
		return nil, err
	}
	return vals.Outputs(g), nil
}

// equal compares what two networks compute.
func equal(a, b *qnn.Graph) error {
	for kind := range 3 {
		want, err := outputsOf(a, kind)
		if err != nil {
			return err
		}
		got, err := outputsOf(b, kind)
		if err != nil {
			return err
		}
		for i := range want {
			if !bytes.Equal(got[i], want[i]) {
				return fmt.Errorf("output %d differs", i)
			}
		}
	}
	return nil
}

// check fails the test with the smallest network for which f fails.
func check(t *testing.T, f func(*qnn.Graph) error) {
	t.Helper()
	n := 400
	if testing.Short() {
		n = 60
	}
	for seed := range uint64(n) {
		r := graphgen.Random(seed, 8)
		if f(r.Network()) == nil {
			continue
		}
		g := graphgen.Shrink(r, func(g *qnn.Graph) bool { return f(g) != nil }).Network()
		var b strings.Builder
		_ = g.Dump(&b)
		t.Fatalf("seed %d: %v; of\n%s", seed, f(g), b.String())
	}
}

func text(g *qnn.Graph) string {
	var b strings.Builder
	_ = g.Dump(&b) // a builder does not fail
	return b.String()
}

func TestExportAndImport(t *testing.T) {
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

func TestPasses(t *testing.T) {
	runs := [][]pass.Name{pass.Minimal(), pass.Default(), slices.Concat(pass.Default(), pass.Default())}
	for _, name := range pass.Default() {
		runs = append(runs, []pass.Name{name})
	}
	for _, names := range runs {
		t.Run(fmt.Sprint(names), func(t *testing.T) {
			t.Parallel()
			check(t, func(g *qnn.Graph) error {
				after, err := pass.Run(g, names...)
				if err != nil {
					return err
				}
				return equal(g, after)
			})
		})
	}
}
