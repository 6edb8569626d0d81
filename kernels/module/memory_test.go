package module

import (
	"math/rand/v2"
	"testing"

	"qtune/kernels"
	"qtune/qnn"
	"qtune/schedules"
)

// An output of the network stays until the end, also when a layer reads it.
func TestOutputsAreNotOverwritten(t *testing.T) {
	b := &networkMaker{Rand: rand.New(rand.NewPCG(1, 1)), g: &qnn.Graph{}}
	x := b.activation(qnn.Shape{1, 8, 8, 4})
	b.g.Inputs, b.live = []qnn.TensorID{x}, []qnn.TensorID{x}
	for range 5 {
		b.conv(b.live[len(b.live)-1], 3, 1, 4)
	}
	b.g.Outputs = []qnn.TensorID{b.live[1], b.live[5]}
	m := compile(t, b.g, Options{ISA: schedules.Ref})
	all := m.findUses()
	for id := range m.mem.buffers {
		u := &all[id]
		if m.mem.buffers[id] == nil || u.producer <= all[b.live[1]].producer {
			continue
		}
		if overlap(m.mem.buffers[id], m.mem.buffers[b.live[1]]) {
			t.Errorf("tensor %d lies in the memory of an output", id)
		}
	}
}

func overlap(a, b []byte) bool {
	for i := range a {
		if &a[i] == &b[0] {
			return true
		}
	}
	for i := range b {
		if &b[i] == &a[0] {
			return true
		}
	}
	return false
}

// A tensor gets the largest border that a consumer asks for (convolutions take
// rows above and below from elsewhere), and none where somebody cannot step over
// it.
func TestBorders(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(b *networkMaker, x qnn.TensorID)
		want  kernels.Halo
	}{
		{"one", func(b *networkMaker, x qnn.TensorID) { b.conv(x, 3, 1, 4) }, kernels.Halo{Left: 1, Right: 1}},
		{"two", func(b *networkMaker, x qnn.TensorID) { b.conv(x, 3, 1, 4); b.conv(x, 5, 1, 4) }, kernels.Halo{Left: 2, Right: 2}},
		{"sum", func(b *networkMaker, x qnn.TensorID) { b.conv(x, 3, 1, 4); b.add(x) }, kernels.Halo{Left: 1, Right: 1}},
		{"reshape", func(b *networkMaker, x qnn.TensorID) { b.conv(x, 3, 1, 4); b.reshapeTo(x, 1, 256) }, kernels.Halo{}},
	} {
		b := &networkMaker{Rand: rand.New(rand.NewPCG(1, 1)), g: &qnn.Graph{}}
		x := b.activation(qnn.Shape{1, 8, 8, 4})
		b.g.Inputs = []qnn.TensorID{x}
		c.build(b, x)
		b.g.Outputs = b.live
		m := compile(t, b.g, Options{ISA: schedules.AVXVNNI, Mode: kernels.Emulated, Choose: halo})
		if got := m.mem.layouts[x].halo; got != c.want {
			t.Errorf("%s: the border is %+v, want %+v", c.name, got, c.want)
		}
	}
}

// halo chooses schedules that read a border.
func halo(w schedules.Workload, isa schedules.ISA) (Choice, error) {
	space, err := schedules.SpaceFor(w, isa)
	if err != nil {
		return Choice{}, err
	}
	for s := range space.All() {
		if s.Str("pad", "") == "halo" {
			k, err := kernels.Build(w, s, isa)
			if err == nil && k.InputHalo() != (kernels.Halo{}) {
				return Choice{Schedule: s, Source: Nearest}, nil
			}
		}
	}
	return Choice{Schedule: space.Start(), Source: Heuristic}, nil
}
