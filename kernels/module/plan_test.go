package module

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qtune/kernels"
	"qtune/qnn"
	"qtune/qnn/ref"
	"qtune/schedules"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Where tensors lie, in text: one file for each network of planCases.
func TestPlans(t *testing.T) {
	for name, build := range planCases {
		t.Run(name, func(t *testing.T) {
			b := &networkMaker{Rand: rand.New(rand.NewPCG(1, 1)), g: &qnn.Graph{}}
			x := b.activation(qnn.Shape{1, 8, 8, 4})
			b.g.Inputs, b.live = []qnn.TensorID{x}, []qnn.TensorID{x}
			build(b, x)
			b.g.Outputs = append(b.g.Outputs, b.live[len(b.live)-1])
			if err := b.g.Validate(); err != nil {
				t.Fatal(err)
			}
			m := compile(t, b.g, Options{ISA: schedules.AVXVNNI, Mode: kernels.Emulated, Choose: halo})
			file := filepath.Join("testdata", "plans", name+".txt")
			got := m.Describe()
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(readFile(t, file)), got); diff != "" {
				t.Errorf("the plan changed (-want +got):\n%s", diff)
			}
			checkAgainstReference(t, m, b.g)
		})
	}
}

var planCases = map[string]func(b *networkMaker, x qnn.TensorID){
	// Branches of one input: each is written where it belongs, the input of the
	// 3x3 has a border.
	"branches": func(b *networkMaker, x qnn.TensorID) {
		b.concat(3, b.like(b.convTo(x, 1, 4)), b.like(b.convTo(b.convTo(x, 1, 4), 3, 8)), b.like(b.convTo(x, 3, 4)))
	},
	// The outer concatenation holds the inner one.
	"nested": func(b *networkMaker, x qnn.TensorID) {
		inner := b.concat(3, b.like(b.convTo(x, 1, 4)), b.like(b.convTo(x, 1, 8)))
		b.concat(3, inner, b.like(b.convTo(x, 3, 4)))
	},
	// What something else reads, has other numbers, or occurs twice is copied.
	"copied": func(b *networkMaker, x qnn.TensorID) {
		read, twice := b.like(b.convTo(x, 1, 4)), b.like(b.convTo(x, 1, 4))
		b.g.Outputs = append(b.g.Outputs, b.convTo(read, 3, 4))
		b.concat(3, read, b.convTo(x, 1, 4), twice, twice)
	},
	// Rows of detection heads: reshaped, then one after the other.
	"heads": func(b *networkMaker, x qnn.TensorID) {
		b.concat(1, b.reshapeTo(b.like(b.convTo(x, 1, 8)), 1, 128, 4), b.reshapeTo(b.like(b.convTo(x, 3, 4)), 1, 64, 4))
	},
	// Two layers read one border.
	"halo": func(b *networkMaker, x qnn.TensorID) {
		y := b.convTo(x, 3, 4)
		b.g.Outputs = append(b.g.Outputs, b.convTo(y, 3, 4))
		b.add(y)
		b.convTo(y, 5, 4)
	},
	// A reshape has no gaps, so its operand has no border.
	"reshaped": func(b *networkMaker, x qnn.TensorID) {
		y := b.convTo(x, 1, 4)
		b.g.Outputs = append(b.g.Outputs, b.convTo(y, 3, 4))
		b.reshapeTo(y, 1, 256)
	},
}

func (b *networkMaker) convTo(x qnn.TensorID, k, channels int) qnn.TensorID {
	b.conv(x, k, 1, channels)
	return b.live[len(b.live)-1]
}

// like gives tensor y the quantisation of a concatenation.
func (b *networkMaker) like(y qnn.TensorID) qnn.TensorID {
	b.g.Tensors[y].Quant = qnn.Quant{Scale: []float32{0.05}, Zero: []int32{100}}
	return y
}

func (b *networkMaker) concat(axis int, xs ...qnn.TensorID) qnn.TensorID {
	b.node(qnn.Concat{Axis: axis}, xs...)
	return b.like(b.live[len(b.live)-1])
}

func (b *networkMaker) reshapeTo(x qnn.TensorID, shape ...int) qnn.TensorID {
	t := b.g.Tensors[x]
	t.Shape = shape
	y := b.tensor(t)
	b.g.Nodes = append(b.g.Nodes, qnn.Node{Op: qnn.Reshape{}, Inputs: []qnn.TensorID{x}, Outputs: []qnn.TensorID{y}, Index: len(b.g.Nodes)})
	b.live = append(b.live, y)
	return y
}

// checkAgainstReference compares m with the interpreter of g, twice.
func checkAgainstReference(t *testing.T, m *Module, g *qnn.Graph) {
	t.Helper()
	for seed := range uint64(2) {
		inputs := randomInputs(g, seed)
		want, err := ref.Run(g, inputs)
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Run(inputs)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range want.Outputs(g) {
			if !bytes.Equal(got[i], w) {
				t.Errorf("output %d differs", i)
			}
		}
	}
}
