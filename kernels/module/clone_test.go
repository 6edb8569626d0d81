package module

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"

	"qtune/qnn"
	"qtune/qnn/ref"
	"qtune/schedules"
)

// Clones compute at the same time, each on its own inputs, and outlive the
// module that they are clones of.
func TestClones(t *testing.T) {
	g := randomNetwork(rand.New(rand.NewPCG(7, 7)))
	for _, o := range variants() {
		o.Threads = 2
		m, err := Compile(g, o)
		if err != nil {
			t.Fatal(err)
		}
		var clones []*Module
		for range 3 {
			c, err := m.Clone()
			if err != nil {
				t.Fatal(err)
			}
			clones = append(clones, c)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i, c := range clones {
			wg.Go(func() {
				inputs := randomInputs(g, uint64(i))
				want, err := ref.Run(g, inputs)
				if err != nil {
					t.Error(err)
					return
				}
				for range 5 {
					got, err := c.Run(inputs)
					if err != nil || !bytes.Equal(got[0], want.Outputs(g)[0]) {
						t.Errorf("%s%s: clone %d: wrong output (%v)", o.ISA, modeName(o.Mode), i, err)
					}
				}
			})
		}
		wg.Wait()
		for _, c := range clones {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// An inference allocates nothing.
func TestRunAllocatesNothing(t *testing.T) {
	isas := schedules.HostISAs()
	if len(isas) == 0 {
		t.Skip("this CPU executes no generated code")
	}
	for _, threads := range []int{1, 2} {
		b := &networkMaker{Rand: rand.New(rand.NewPCG(1, 1)), g: &qnn.Graph{}}
		x := b.activation(qnn.Shape{1, 16, 16, 16})
		b.g.Inputs, b.live = []qnn.TensorID{x}, []qnn.TensorID{x}
		b.conv(x, 3, 1, 16)
		b.conv(b.live[1], 1, 1, 16)
		b.g.Outputs = b.live[len(b.live)-1:]
		m := compile(t, b.g, Options{ISA: isas[0], Threads: threads})
		inputs := randomInputs(b.g, 1)
		n := testing.AllocsPerRun(20, func() {
			if _, err := m.Run(inputs); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("%d threads: %v allocations in an inference", threads, n)
		}
	}
}
