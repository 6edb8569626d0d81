package kernels

import (
	"math/rand/v2"
	"testing"

	"qtune/schedules"
)

// TestDepthwiseTails compares last blocks of several pixels in a vector with the
// reference, for every width of a row that cuts it differently.
func TestDepthwiseTails(t *testing.T) {
	for _, isa := range []schedules.ISA{schedules.AVX512VNNI, schedules.AVXVNNI} {
		t.Run(string(isa), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(9, uint64(len(isa))))
			found := map[int]int{} // schedules by their last block
			for _, o := range []int{16, 20, 32, 72, 80, 91, 96, 144} {
				for ow := 2; ow <= 13; ow++ {
					w := tailWorkload(r, o, ow)
					space, err := schedules.SpaceFor(w, isa)
					if err != nil {
						t.Fatalf("%s: %v", w, err)
					}
					for range 8 {
						s, _ := space.Sample(r)
						if s.Str("tail", "") != "pixels" {
							continue
						}
						found[w.TailChannels(s.Int("vl", 0))]++
						check(t, w, s, isa, uint64(o*ow))
					}
				}
			}
			if found[16] < 50 || isa == schedules.AVX512VNNI && found[32] < 30 {
				t.Errorf("too few last blocks: %v", found)
			}
		})
	}
}

func tailWorkload(r *rand.Rand, o, ow int) schedules.Workload {
	w := schedules.Workload{Op: schedules.Depthwise, N: 1, C: o, O: o, Multiplier: 1}
	w.KH, w.KW = pick(r, 1, 3, 5), pick(r, 1, 3, 5)
	w.StrideH, w.StrideW = pick(r, 1, 2), pick(r, 1, 2, 3)
	w.DilationH, w.DilationW = 1, pick(r, 1, 1, 2)
	w.H = (1+r.IntN(3))*w.StrideH + w.KH
	w.W = (ow-1)*w.StrideW + (w.KW-1)*w.DilationW + 1
	w.PadLeft = r.IntN((w.KW + 1) / 2)
	w.PadRight = r.IntN((w.KW + 1) / 2)
	if pad := w.PadLeft + w.PadRight; pad < w.W {
		w.W -= pad
	} else {
		w.PadLeft, w.PadRight = 0, 0
	}
	drawClass(r, &w)
	w.Round = 0
	return w
}

// TestDepthwiseResiduals places one weight that exceeds int8, by one set of residuals
// or two, at every tap and in every vector of a block.
func TestDepthwiseResiduals(t *testing.T) {
	w, err := schedules.ParseWorkload("depthwise n1 h5 w6 c80 k3x3 m1 s1x1 d1x1 p1,1,1,1 wz=1 perch=0 round=double sign=0 mult=lt1")
	if err != nil {
		t.Fatal(err)
	}
	in := schedules.RandomInput(w.N*w.H*w.W*w.C, 3)
	for _, isa := range []schedules.ISA{schedules.AVX512VNNI, schedules.AVXVNNI} {
		t.Run(string(isa), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(4, uint64(len(isa))))
			for tap := range w.Taps() {
				for c := r.IntN(4); c < w.O; c += 4 {
					l := w.Layer(7)
					zero, far := byte(0), byte(pick(r, 255, 140))
					if r.IntN(2) == 0 {
						zero, far = ^zero, ^far
					}
					l.WeightZero, l.WeightSigned = int32(zero), false
					for i := range l.Weights {
						l.Weights[i] = zero ^ byte(r.IntN(101))
					}
					l.Weights[tap*w.O+c] = far
					of, err := schedules.WorkloadOf(l, isa)
					if err != nil || !of.WeightZero {
						t.Fatalf("%s, %v", of, err)
					}
					space, err := schedules.SpaceFor(of, isa)
					if err != nil {
						t.Fatal(err)
					}
					s := space.Start()
					if c%8 < 4 {
						s, _ = space.Sample(r)
					}
					compareSchedule(t, l, of, s, isa, in)
				}
			}
		})
	}
}
