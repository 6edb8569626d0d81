package kernels

import (
	"math/rand/v2"
	"testing"

	"qtune/schedules"
)

// sampleWhere draws a schedule whose knob has a value; not ok if 200 have not.
func sampleWhere(r *rand.Rand, space *schedules.Space, knob, value string) (s schedules.Schedule, ok bool) {
	for range 200 {
		if s, ok = space.Sample(r); ok && s.Str(knob, "") == value {
			return s, true
		}
	}
	return s, false
}

// TestStack stacks the rows of windows of all numbers of channels that have
// form=stack, the shortest rows that it takes among them: where the last columns
// are a group of their own, or the only one.
func TestStack(t *testing.T) {
	for _, isa := range schedules.ISAs() {
		t.Run(string(isa), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(2, 2))
			seed := uint64(0)
			for c := 1; c < schedules.StackLoad; c++ {
				for more := range 4 {
					w := stackWorkload(r, c, more)
					space, err := schedules.SpaceFor(w, isa)
					if err != nil {
						t.Fatal(err)
					}
					s, ok := sampleWhere(r, space, "form", "stack")
					if !ok {
						t.Fatalf("%s has no form=stack", w)
					}
					check(t, w, s, isa, seed)
					seed++
				}
			}
		})
	}
}

// stackWorkload draws a convolution whose windows reach so many columns more than
// StackLoad bytes hold.
func stackWorkload(r *rand.Rand, c, more int) schedules.Workload {
	w := schedules.Workload{Op: schedules.Conv2D, N: 1 + r.IntN(2), C: c, O: pick(r, 1, 8, 17, 32, 40)}
	w.KH, w.KW = pick(r, 2, 3, 5, 7, 11), pick(r, 1, 2, 3, 5)
	w.StrideH, w.StrideW = 1+r.IntN(3), 1+r.IntN(3)
	w.DilationH, w.DilationW = pick(r, 1, 1, 2), pick(r, 1, 1, 2)
	columns := (schedules.StackLoad+c-1)/c + more
	reach := (w.KW-1)*w.DilationW + 1
	ow := max(columns-reach+w.StrideW-1, 0)/w.StrideW + 1
	w.W = (ow-1)*w.StrideW + reach
	w.H = (1+r.IntN(3))*w.StrideH + (w.KH-1)*w.DilationH + 1 - w.StrideH
	w.PadTop, w.PadLeft = r.IntN(min(w.KH, w.H)), r.IntN(min(reach, w.W))
	w.H -= w.PadTop
	w.W -= w.PadLeft
	drawClass(r, &w)
	return w
}

// TestStackedRowsOfSeveralCalls has more rows than a call stacks.
func TestStackedRowsOfSeveralCalls(t *testing.T) {
	w, err := schedules.ParseWorkload("conv2d n2 h59 w301 c3 k3x3 o20 s2x2 d1x1 p1,1,1,0 wz=1 perch=1 round=double sign=0 mult=f32")
	if err != nil {
		t.Fatal(err)
	}
	for _, isa := range schedules.ISAs() {
		space, err := schedules.SpaceFor(w, isa)
		if err != nil {
			t.Fatal(err)
		}
		s := space.Start()
		if s.Str("form", "") != "stack" {
			t.Fatalf("%s starts with %s", isa, s)
		}
		k, err := Build(w, s, isa)
		if err != nil {
			t.Fatal(err)
		}
		if rows := k.plan.(*convKernel).Stack.Rows; rows >= w.OH()/2 {
			t.Fatalf("%s: %d rows a call of %d", isa, rows, w.OH())
		}
		check(t, w, s, isa, 2) // three threads
	}
}
