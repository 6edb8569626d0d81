package module

import (
	"math/rand/v2"
	"testing"
	"time"

	"qtune/kernels"
	"qtune/qnn"
	"qtune/qnn/pass"
	"qtune/qnn/zoo"
	"qtune/schedules"
)

// TestSettle lets a 1x1 convolution and the 3x3 one that reads it settle on the
// layout of the tensor between them, of 40,000 bytes: a copy takes 3 us.
func TestSettle(t *testing.T) {
	const (
		flat   = "form=flat mr=6 nv=4 u=1 order=cyx op=reg pad=none st=pack split=y"
		rows   = "form=rows mr=5 nv=4 u=1 order=cyx op=reg pad=none st=pack split=y"
		halo   = "form=rows mr=5 nv=4 u=1 order=cyx op=reg pad=halo st=pack split=y"
		copies = "form=rows mr=5 nv=4 u=1 order=cyx op=reg pad=copy st=pack split=y"
	)
	us := time.Microsecond
	for _, c := range []struct {
		name          string
		rows, copies  time.Duration // what the alternatives take more
		first, second string
	}{
		{"the first gives way", 1 * us, 5 * us, rows, halo},
		{"the second gives way", 5 * us, 1 * us, flat, copies},
		{"both are worth the copy", 5 * us, 5 * us, flat, halo},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := twoConvolutions(t)
			choices := []Choice{
				{Schedule: parse(t, flat), Others: []Alternative{{Schedule: parse(t, rows), Extra: c.rows}}},
				{Schedule: parse(t, halo), Others: []Alternative{{Schedule: parse(t, copies), Extra: c.copies}}},
			}
			m.settle(choices)
			for i, want := range []string{c.first, c.second} {
				if got := choices[i].Schedule.String(); got != want {
					t.Errorf("layer %d: %s, want %s", i, got, want)
				}
			}
		})
	}
}

// twoConvolutions is what settle needs of a module of a 1x1 and a 3x3
// convolution of 20x20 pixels of 100 channels.
func twoConvolutions(t *testing.T) *Module {
	const class = " wz=0 perch=0 round=double sign=0 mult=lt1"
	m := &Module{graph: &qnn.Graph{Tensors: make([]qnn.Tensor, 3), Inputs: []qnn.TensorID{0}, Outputs: []qnn.TensorID{2}}}
	for i, text := range []string{
		"conv2d n1 h20 w20 c100 k1x1 o100 s1x1 d1x1 p0,0,0,0" + class,
		"conv2d n1 h20 w20 c100 k3x3 o100 s1x1 d1x1 p1,1,1,1" + class,
	} {
		w, err := schedules.ParseWorkload(text)
		if err != nil {
			t.Fatal(err)
		}
		m.steps = append(m.steps, &step{
			layer: &qnn.Layer{}, info: LayerInfo{Workload: w},
			node: &qnn.Node{Inputs: []qnn.TensorID{qnn.TensorID(i)}, Outputs: []qnn.TensorID{qnn.TensorID(i + 1)}},
		})
	}
	for i := range m.graph.Tensors {
		m.graph.Tensors[i] = qnn.Tensor{Type: qnn.Uint8, Shape: []int{1, 20, 20, 100}}
	}
	return m
}

func parse(t *testing.T, text string) schedules.Schedule {
	s, err := schedules.ParseSchedule(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestLayoutOf holds what settle reads from a schedule against the kernels.
func TestLayoutOf(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	const class = " wz=0 perch=0 round=double sign=0 mult=lt1"
	for _, text := range []string{
		"conv2d n1 h9 w9 c8 k1x1 o16 s1x1 d1x1 p0,0,0,0", "conv2d n1 h9 w9 c8 k3x3 o16 s1x1 d1x1 p1,1,1,1",
		"conv2d n1 h9 w9 c8 k7x1 o16 s1x1 d1x1 p3,0,3,0", "conv2d n1 h10 w10 c8 k3x3 o16 s2x2 d1x1 p0,0,1,1",
		"depthwise n1 h9 w9 c16 k3x3 m1 s1x1 d1x1 p1,1,1,1", "depthwise n1 h9 w9 c16 k3x1 m1 s1x1 d1x1 p1,0,1,0",
	} {
		w, err := schedules.ParseWorkload(text + class)
		if err != nil {
			t.Fatal(err)
		}
		for _, isa := range schedules.ISAs() {
			space, err := schedules.SpaceFor(w, isa)
			if err != nil {
				t.Fatal(err)
			}
			for range 20 {
				s, _ := space.Sample(r)
				k, err := kernels.Build(w, s, isa)
				if err != nil {
					t.Fatal(err)
				}
				want := Layout{Halo: k.InputHalo() != kernels.Halo{}, Dense: k.ContiguousInput()}
				if got := LayoutOf(w, s); got != want {
					t.Errorf("%s, %s, %s: %+v, the kernel says %+v", w, s, isa, got, want)
				}
			}
		}
	}
}

// BenchmarkSettle is the part of compiling that settles on layouts.
func BenchmarkSettle(b *testing.B) {
	g, err := zoo.Build("inception_v3")
	if err != nil {
		b.Fatal(err)
	}
	if g, err = pass.Run(g, Passes(false)...); err != nil {
		b.Fatal(err)
	}
	m := &Module{source: g, graph: g, shared: &machineCode{}}
	choices := make([]Choice, len(g.Nodes))
	for i := range g.Nodes {
		s, err := newStep(g, &g.Nodes[i], schedules.AVX512VNNI)
		if err != nil {
			b.Fatal(err)
		}
		if m.steps = append(m.steps, s); s.layer == nil {
			continue
		}
		if choices[i], err = Default(s.info.Workload, schedules.AVX512VNNI); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		m.settle(choices)
	}
}
