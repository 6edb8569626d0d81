package module

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"qtune/kernels"
	"qtune/qnn"
	"qtune/schedules"
)

// mobile is a network of pairs and triples of layers as in MobileNet v1 and v2, of
// images of some rows.
func mobile(rng *rand.Rand, batch, rows int) *qnn.Graph {
	b := &networkMaker{Rand: rng, g: &qnn.Graph{}, signed: rng.IntN(2) == 0}
	x := b.activation(qnn.Shape{batch, rows, 4 + rng.IntN(12), 3})
	b.g.Inputs, b.live = []qnn.TensorID{x}, []qnn.TensorID{x}
	last := func() qnn.TensorID { return b.live[len(b.live)-1] }
	b.conv(x, 3, 1+rng.IntN(2), 16)
	for range 2 + rng.IntN(3) {
		channels := 8 * (1 + rng.IntN(6))
		from := last()
		if rng.IntN(2) == 0 {
			b.conv(from, 1, 1, 2*channels)
		}
		stride := 1 + rng.IntN(3)/2
		b.depthwise(last(), 3, stride)
		b.conv(last(), 1, 1, channels)
		if s := b.g.Tensors[last()].Shape; stride == 1 && s.Equal(b.g.Tensors[from].Shape) {
			b.node(qnn.Add{}, last(), from)
		}
		if rng.IntN(4) == 0 { // somebody else reads it
			b.g.Outputs = append(b.g.Outputs, last())
		}
	}
	b.g.Outputs = append(b.g.Outputs, last())
	return b.g
}

// Chains make the same bytes as single layers and the reference, for any numbers of
// rows, images and threads, and with any schedules.
func TestChains(t *testing.T) {
	for _, isa := range schedules.ISAs() {
		t.Run(string(isa), func(t *testing.T) {
			t.Parallel()
			found := map[int]int{} // by number of steps
			for seed := range uint64(16) {
				rng := rand.New(rand.NewPCG(seed, uint64(len(isa))))
				g := mobile(rng, 1+rng.IntN(2), 6+rng.IntN(40))
				o := graphOptions(isa, seed)
				o.Threads, o.KeepAll, o.NoFuse = 1+rng.IntN(4), false, false
				if err := checkGraph(g, o); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				m := compile(t, g, o)
				for i := range m.chains {
					found[len(m.mem.chainOf[i].steps)]++
				}
			}
			if found[2] == 0 || found[3] == 0 {
				t.Errorf("chains by number of steps: %v", found)
			}
		})
	}
}

// What must be seen, or is wanted layer by layer, is not fused; nor what threads
// cannot share evenly, or caches do not hold.
func TestChainsOnlyWhereAllowed(t *testing.T) {
	g := mobile(rand.New(rand.NewPCG(1, 2)), 1, 14)
	o := Options{ISA: schedules.AVX2, Mode: kernels.Emulated}
	m := compile(t, g, o)
	if len(m.chains) == 0 {
		t.Fatal("no chains")
	}
	for _, single := range []Options{{ISA: o.ISA, Mode: o.Mode, KeepAll: true}, {ISA: o.ISA, Mode: o.Mode, NoFuse: true}, {ISA: schedules.Ref}} {
		if s := compile(t, g, single); len(s.chains) != 0 {
			t.Errorf("%+v: %d chains", single, len(s.chains))
		}
	}
	three, small := *m, *m
	three.threads = 3 // 14 rows are 5, 5 and 4
	small.machine = schedules.Machine{L1D: 64, L2: 512}
	for name, other := range map[string]*Module{"3 threads": &three, "small caches": &small} {
		if chains := other.findChains(); len(chains) != 0 {
			t.Errorf("%s: %d chains", name, len(chains))
		}
	}
}

// The layers of a chain share its time, and move no bytes between them.
func TestChainsByLayer(t *testing.T) {
	g := mobile(rand.New(rand.NewPCG(1, 2)), 1, 14)
	m := compile(t, g, Options{ISA: schedules.AVX2, Mode: kernels.Emulated})
	times := make([]time.Duration, len(m.steps))
	inputs := randomInputs(g, 1)
	want, err := m.Run(inputs)
	if err != nil {
		t.Fatal(err)
	}
	want = [][]byte{bytes.Clone(want[0])}
	got, err := m.RunTimed(inputs, times)
	if err != nil || !bytes.Equal(got[0], want[0]) {
		t.Fatalf("another output (%v)", err)
	}
	costs, text := m.Costs(), m.Describe()
	for _, c := range m.mem.chainOf {
		if c == nil {
			continue
		}
		for k, i := range c.steps {
			if times[i] <= 0 {
				t.Errorf("step %d of %v took no time", i, c.steps)
			}
			if first, last := k == 0, i == c.last(); (costs[i].ReadBytes > 0) != first || (costs[i].WrittenBytes > 0) != last {
				t.Errorf("step %d of %v: %+v", i, c.steps, costs[i])
			} else if line := fmt.Sprintf("in bands, for step %d", c.last()); !last && !strings.Contains(text, line) {
				t.Errorf("no %q in\n%s", line, text)
			}
		}
	}
}
