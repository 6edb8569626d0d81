package kernels

import (
	"fmt"
	"testing"

	"qtune/schedules"
)

// BenchmarkStart times the heuristic's kernels of well-known layers on every
// target that this CPU executes.
func BenchmarkStart(b *testing.B) {
	layers := []string{
		"conv2d n1 h56 w56 c64 k3x3 o64 s1x1 d1x1 p1,1,1,1 wz=1 perch=0 round=double sign=0 mult=lt1",
		"conv2d n1 h56 w56 c256 k1x1 o64 s1x1 d1x1 p0,0,0,0 wz=1 perch=0 round=double sign=0 mult=lt1",
		"conv2d n1 h56 w56 c64 k1x1 o256 s1x1 d1x1 p0,0,0,0 wz=0 perch=0 round=double sign=1 mult=lt1",
		"conv2d n1 h8 w8 c448 k3x3 o384 s1x1 d1x1 p1,1,1,1 wz=1 perch=0 round=double sign=0 mult=lt1",
		"conv2d n1 h299 w299 c3 k3x3 o32 s2x2 d1x1 p0,0,0,0 wz=1 perch=0 round=double sign=0 mult=lt1",
		"depthwise n1 h112 w112 c32 k3x3 m1 s1x1 d1x1 p1,1,1,1 wz=0 perch=0 round=double sign=0 mult=lt1",
		"depthwise n1 h112 w112 c32 k3x3 m1 s1x1 d1x1 p1,1,1,1 wz=1 perch=0 round=double sign=0 mult=lt1",
		"depthwise n1 h14 w14 c512 k3x3 m1 s1x1 d1x1 p1,1,1,1 wz=1 perch=0 round=double sign=0 mult=lt1",
		"dense n1 c2048 o1001 wz=1 perch=0 round=double sign=1 mult=lt1",
	}
	for _, text := range layers {
		w, err := schedules.ParseWorkload(text)
		if err != nil {
			b.Fatal(err)
		}
		for _, isa := range SupportedISAs() {
			b.Run(fmt.Sprintf("%s_%dx%d_%d-%d_%dx%d/%s", w.Op, w.KH, w.KW, w.C, w.O, w.H, w.W, isa), func(b *testing.B) {
				benchmarkKernel(b, w, isa)
			})
		}
	}
}

func benchmarkKernel(b *testing.B, w schedules.Workload, isa schedules.ISA) {
	space, err := schedules.SpaceFor(w, isa)
	if err != nil {
		b.Fatal(err)
	}
	k, err := Build(w, space.Start(), isa)
	if err != nil {
		b.Fatal(err)
	}
	r, err := NewRig(k, w.Layer(1), Native, 1)
	if err != nil {
		b.Fatal(err)
	}
	r.SetInput(schedules.RandomInput(w.N*w.H*w.W*w.C, 1))
	for b.Loop() {
		if err := r.Run(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(w.MACs())*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GMAC/s")
	b.Logf("%s", space.Start())
}

// BenchmarkTrial times the parts of a trial that are not measuring.
func BenchmarkTrial(b *testing.B) {
	w, err := schedules.ParseWorkload("conv2d n1 h14 w14 c96 k1x1 o576 s1x1 d1x1 p0,0,0,0 wz=1 perch=1 round=double sign=0 mult=lt1")
	if err != nil {
		b.Fatal(err)
	}
	space, err := schedules.SpaceFor(w, schedules.AVX512VNNI)
	if err != nil {
		b.Fatal(err)
	}
	k, err := Build(w, space.Start(), schedules.AVX512VNNI)
	if err != nil {
		b.Fatal(err)
	}
	l := w.Layer(1)
	b.Run("build", func(b *testing.B) {
		for b.Loop() {
			if _, err := Generate(w, space.Start(), schedules.AVX512VNNI); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("pack", func(b *testing.B) {
		for b.Loop() {
			if _, err := k.Pack(l); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("layer", func(b *testing.B) {
		for b.Loop() {
			w.Layer(1)
		}
	})
}

// BenchmarkCountInstructions is most of what a guess of the model costs.
func BenchmarkCountInstructions(b *testing.B) {
	w, err := schedules.ParseWorkload("conv2d n1 h17 w17 c192 k1x7 o192 s1x1 d1x1 p0,3,0,3 wz=1 perch=0 round=double sign=0 mult=f32")
	if err != nil {
		b.Fatal(err)
	}
	space, err := schedules.SpaceFor(w, schedules.AVX512VNNI)
	if err != nil {
		b.Fatal(err)
	}
	near := space.Neighbours(space.Start())
	for i := 0; b.Loop(); i++ {
		if _, err := CountInstructions(w, near[i%len(near)], schedules.AVX512VNNI); err != nil {
			b.Fatal(err)
		}
	}
}
