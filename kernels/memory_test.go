package kernels

import (
	"bytes"
	"testing"

	"qtune/qnn/ref"
	"qtune/schedules"
)

// TestMemory has rigs of several workloads one after the other in the same memory:
// outputs are right, and none of what an earlier rig wrote is taken for an answer.
func TestMemory(t *testing.T) {
	isa := schedules.AVX2
	mode := modes(isa)[len(modes(isa))-1]
	var mem Memory
	grown := 0
	for round := range 3 {
		for _, text := range []string{
			"conv2d n1 h14 w14 c64 k3x3 o96 s1x1 d1x1 p1,1,1,1 wz=1 perch=0 round=double sign=1 mult=lt1",
			"dense n1 c256 o100 wz=1 perch=0 round=double sign=1 mult=lt1",
			"depthwise n1 h9 w9 c40 k3x3 m1 s1x1 d1x1 p1,1,1,1 wz=1 perch=0 round=double sign=0 mult=lt1",
		} {
			w, err := schedules.ParseWorkload(text)
			if err != nil {
				t.Fatal(err)
			}
			space, err := schedules.SpaceFor(w, isa)
			if err != nil {
				t.Fatal(err)
			}
			k, err := Build(w, space.Start(), isa)
			if err != nil {
				t.Fatal(err)
			}
			l, in := w.Layer(1), schedules.RandomInput(w.InputBytes(), 1)
			want := make([]byte, w.OutputBytes())
			ref.Layer(l, in, want)

			mem.Reuse()
			var rigs []*Rig
			for range 2 { // as in a batch
				r, err := mem.NewRig(k, l, mode, 3)
				if err != nil {
					t.Fatal(err)
				}
				if got := r.Output(); !bytes.Equal(got, make([]byte, len(got))) {
					t.Errorf("%s: a new rig has an output", w)
				}
				r.SetInput(in)
				rigs = append(rigs, r)
			}
			for run := range 4 {
				for _, r := range rigs {
					if err := r.Run(); err != nil {
						t.Fatal(err)
					}
					if got := r.Output(); !bytes.Equal(got, want) {
						t.Errorf("%s, run %d: %s", w, run, firstDifference(got, want, w))
					}
				}
			}
			for _, r := range rigs {
				if err := r.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if round == 0 {
			grown = len(mem.slabs)
		}
	}
	if len(mem.slabs) != grown {
		t.Errorf("%d slabs, %d were enough for all the same rigs before", len(mem.slabs), grown)
	}
}
