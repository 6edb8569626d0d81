package module

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"qtune/kernels"
	"qtune/qnn"
	"qtune/schedules"
)

// Traffic by hand, of networks over one image of 8x8 pixels of 4 channels.
func TestCosts(t *testing.T) {
	const input = 8 * 8 * 4
	pool := qnn.Pool{StrideH: 2, StrideW: 2, FilterH: 1, FilterW: 1}
	for _, c := range []struct {
		name  string
		build func(b *networkMaker, x qnn.TensorID)
		want  []Cost // of the last layers; without constants and instructions
	}{
		{"3x3", func(b *networkMaker, x qnn.TensorID) { b.conv(x, 3, 1, 16) },
			[]Cost{{ReadBytes: input, WrittenBytes: 8 * 8 * 16}}},
		// The windows overlap, so that every pixel counts.
		{"3x3, stride 2", func(b *networkMaker, x qnn.TensorID) { b.conv(x, 3, 2, 16) },
			[]Cost{{ReadBytes: input, WrittenBytes: 4 * 4 * 16}}},
		// A quarter of the pixels counts.
		{"1x1, stride 2", func(b *networkMaker, x qnn.TensorID) { b.conv(x, 1, 2, 16) },
			[]Cost{{ReadBytes: 4 * 4 * 4, WrittenBytes: 4 * 4 * 16}}},
		{"pool 1x1, stride 2", func(b *networkMaker, x qnn.TensorID) {
			b.node(qnn.MaxPool{Pool: pool}, b.like(x))
			b.like(b.live[1])
		},
			[]Cost{{ReadBytes: 4 * 4 * 4, WrittenBytes: 4 * 4 * 4}}},
		// Both operands are one tensor.
		{"sum", func(b *networkMaker, x qnn.TensorID) { b.add(x) },
			[]Cost{{ReadBytes: input, WrittenBytes: input}}},
		{"reshape", func(b *networkMaker, x qnn.TensorID) { b.reshapeTo(x, 1, input) }, []Cost{{}}},
		// Two operands lie in the result, the network's input has to be copied.
		{"concatenation", func(b *networkMaker, x qnn.TensorID) {
			b.concat(3, b.like(b.convTo(x, 1, 4)), b.like(b.convTo(x, 1, 8)), b.like(x))
		}, []Cost{{ReadBytes: input, WrittenBytes: 8 * 8 * 4}, {ReadBytes: input, WrittenBytes: 8 * 8 * 8}, {ReadBytes: input, WrittenBytes: input}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &networkMaker{Rand: rand.New(rand.NewPCG(1, 1)), g: &qnn.Graph{}}
			x := b.activation(qnn.Shape{1, 8, 8, 4})
			b.g.Inputs, b.live = []qnn.TensorID{x}, []qnn.TensorID{x}
			c.build(b, x)
			b.g.Outputs = append(b.g.Outputs, b.live[len(b.live)-1])
			m := compile(t, b.g, Options{ISA: schedules.AVX2, Mode: kernels.Emulated})
			got := m.Costs()
			if diff := cmp.Diff(c.want, got, cmpopts.IgnoreFields(Cost{}, "WeightBytes", "EpilogueInstructions")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The constants of all layers are those of Stats, and who has a kernel has an
// epilogue.
func TestCostsOfKernels(t *testing.T) {
	g := importModel(t, opsDir, "conv_u8_3x3_s2_same_even", "model.tflite")
	for _, isa := range schedules.ISAs() {
		m := compile(t, g, Options{ISA: isa, Mode: kernels.Emulated})
		weights := 0
		for i, c := range m.Costs() {
			weights += c.WeightBytes
			if m.Layers()[i].MACs > 0 && c.EpilogueInstructions == 0 {
				t.Errorf("%s: %+v has no epilogue", isa, m.Layers()[i])
			}
		}
		if weights == 0 || weights != m.Stats().ConstantBytes {
			t.Errorf("%s: %d bytes of constants, Stats says %d", isa, weights, m.Stats().ConstantBytes)
		}
	}
	m := compile(t, g, Options{ISA: schedules.Ref})
	for _, c := range m.Costs() {
		if c.WeightBytes != 0 || c.EpilogueInstructions != 0 || c.ReadBytes == 0 {
			t.Errorf("plain Go: %+v", c)
		}
	}
}
