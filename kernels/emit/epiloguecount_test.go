package emit

import (
	"testing"

	"qtune/schedules"
)

// What the tiles of small layers need, counted by hand from requant.go and
// store.go. A requantisation by the short form is 6 instructions: shift, 2
// multiplications, the upper halves, addition, shift; without masks the upper
// halves take 2. By the float form it is 3, where negative
// results count 5.
func TestEpilogueInstructions(t *testing.T) {
	const shift = 6
	for _, c := range []struct {
		name, workload, schedule string
		isa                      schedules.ISA
		want                     int64
	}{
		// 6 pixels of 4 vectors of 16 channels: 4 requantisations, 3 packs, 2 clamps,
		// a store.
		{"four vectors", "conv2d n1 h2 w3 c8 k1x1 o64 s1x1 d1x1 p0,0,0,0 wz=0 perch=0 round=double sign=0 mult=lt1",
			"mr=3 nv=4", schedules.AVX512VNNI, 6 * (4*shift + 3 + 2 + 1)},
		// The same channels as 8 vectors of 8.
		{"ymm", "conv2d n1 h2 w3 c8 k1x1 o64 s1x1 d1x1 p0,0,0,0 wz=0 perch=0 round=double sign=0 mult=lt1",
			"mr=1 nv=4", schedules.AVX2, 6 * 2 * (4*(shift+1) + 3 + 2 + 1)},
		{"float form", "conv2d n1 h2 w3 c8 k1x1 o64 s1x1 d1x1 p0,0,0,0 wz=0 perch=0 round=double sign=0 mult=f32",
			"mr=3 nv=4", schedules.AVX512VNNI, 6 * (4*3 + 3 + 2 + 1)},
		{"signed float form", "conv2d n1 h2 w3 c8 k1x1 o64 s1x1 d1x1 p0,0,0,0 wz=0 perch=0 round=double sign=1 mult=f32",
			"mr=3 nv=4", schedules.AVX512VNNI, 6 * (4*5 + 3 + 2 + 1)},
		// The weights' zero point is where accumulators start.
		{"window sums", "conv2d n1 h2 w3 c8 k1x1 o64 s1x1 d1x1 p0,0,0,0 wz=1 perch=0 round=double sign=0 mult=lt1",
			"mr=3 nv=4", schedules.AVX512VNNI, 6 * (4*shift + 3 + 2 + 1)},
		// A second set of accumulators adds an addition to each vector.
		{"two sets", "conv2d n1 h2 w3 c8 k1x1 o64 s1x1 d1x1 p0,0,0,0 wz=0 perch=0 round=double sign=0 mult=lt1",
			"mr=3 nv=4 sets=2", schedules.AVX512VNNI, 6 * (4*(shift+1) + 3 + 2 + 1)},
		// Batches multiply, a tail block of 16 channels has a vector of its own:
		// single vectors take 2 of 3 packs (of 4 pixels together), a permutation and,
		// for all but the first pixel, an extraction.
		{"tail", "conv2d n2 h2 w2 c8 k1x1 o80 s1x1 d1x1 p0,0,0,0 wz=0 perch=0 round=double sign=0 mult=lt1",
			"mr=2 nv=4 form=rows", schedules.AVX512VNNI, 2 * 2 * (2*(4*shift+3+2+1) + (2*shift + 2 + 2 + 1 + 1 + 2))},
		// 4x4 pixels of 64 channels, one vector of bytes each.
		{"depthwise", "depthwise n1 h4 w4 c64 k3x3 m1 s1x1 d1x1 p1,1,1,1 wz=0 perch=0 round=double sign=0 mult=lt1",
			"vl=64 mx=2 ry=1 dot=quad", schedules.AVX512VNNI, 16 * (4*shift + 3 + 2 + 1)},
		// Three rows in steps of two: the second is computed twice.
		{"rows twice", "depthwise n1 h3 w4 c64 k3x3 m1 s1x1 d1x1 p1,1,1,1 wz=0 perch=0 round=double sign=0 mult=lt1",
			"vl=64 mx=2 ry=2 dot=quad", schedules.AVX512VNNI, 16 * (4*shift + 3 + 2 + 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, err := schedules.ParseWorkload(c.workload)
			if err != nil {
				t.Fatal(err)
			}
			s, err := schedules.ParseSchedule(c.schedule)
			if err != nil {
				t.Fatal(err)
			}
			var got int64
			if w.Op == schedules.Depthwise {
				got = PlanDepthwise(w, s, c.isa).EpilogueInstructions()
			} else {
				got = PlanConv(w, s, c.isa).EpilogueInstructions()
			}
			if got != c.want {
				t.Errorf("%d instructions, want %d", got, c.want)
			}
		})
	}
}
