package schedules

import (
	"fmt"
	"slices"
)

// The knobs of dense: as conv2d's with the rows of the batch as pixels, and
//
//	sets   sets of accumulators, each for every sets-th step of the reduction,
//	       so that a small tile still hides the latency of the dot step
func denseFamily(w Workload, isa ISA) family {
	f := family{knobs: []Knob{
		{"mr", numbers(1, min(w.N, tileLimit(isa)))},
		{"nv", []string{"1", "2", "4", "8"}},
		{"sets", []string{"1", "2", "4"}},
		{"u", []string{"1", "2", "4", "8"}},
		{"order", []string{"cyx", "yxc"}},
		{"op", []string{"reg", "stream", "mem"}},
		{"pad", convPads(w, isa)},
		{"st", []string{"pack", "cvt"}},
		{"split", []string{"c"}},
	}}
	if isa == AVX2 {
		f.knobs = append(f.knobs, dotKnob)
	}
	f.check = func(s Schedule) error { return checkDense(w, isa, s) }
	f.start = startDense(w, isa)
	return f
}

func checkDense(w Workload, isa ISA, s Schedule) error {
	mr, nv, sets := s.Int("mr", 0), s.Int("nv", 0), s.Int("sets", 0)
	if err := checkTile(isa, mr, nv, sets, s); err != nil {
		return err
	}
	if err := checkBalanced(w.N, mr); err != nil {
		return err
	}
	if err := checkDot(w, isa, s); err != nil {
		return err
	}
	_, lanes := Registers(isa)
	if nv > 1 && (nv/2)*lanes >= w.O {
		return fmt.Errorf("nv=%d: %d output channels fill only %d vectors", nv, w.O, (w.O+lanes-1)/lanes)
	}
	u := s.Int("u", 0)
	switch {
	case u%sets != 0:
		return fmt.Errorf("sets=%d: must divide u=%d", sets, u)
	case sets > 1 && DotDepth(s) > 0:
		return fmt.Errorf("sets=%d: dot=%s needs no second set", sets, s.Str("dot", ""))
	}
	return checkUnroll(u, w.C, isa, s)
}

// startDense takes the tile with the most accumulators up to 8: enough for the
// latency, and the rest is bandwidth.
func startDense(w Workload, isa ISA) Schedule {
	var best Schedule
	bestAcc := 0
	dot, op := denseDot(w, isa)
	for _, nv := range []int{4, 2, 1} {
		for mr := 1; mr <= min(w.N, tileLimit(isa)); mr++ {
			for _, sets := range []int{1, 2} {
				s := Schedule{fmt.Sprintf("mr=%d nv=%d sets=%d u=%d order=cyx op=%s pad=%s st=pack split=c%s",
					mr, nv, sets, sets, op, dot.pad, dot.knob)}
				if checkDense(w, isa, s) != nil {
					continue
				}
				if acc := mr * nv * sets; bestAcc == 0 || acc > bestAcc && acc <= 12 {
					best, bestAcc = s, acc
				}
			}
		}
	}
	return best
}

// denseDot takes the form whose weights are the fewest bytes, with a byte each if
// that can be: 2048->1001 in 59 us (spilling) and 81 us (widened), with two 124 us
// on Zen 5.
func denseDot(w Workload, isa ISA) (dotForm, string) {
	forms := dotForms(w, isa)
	knob := ""
	switch {
	case isa != AVX2:
	case w.Saturation != UsualSaturation:
		knob = " dot=u8x1"
	case !w.WeightZero:
		knob = " dot=s16w8"
	}
	if i := slices.IndexFunc(forms, func(f dotForm) bool { return f.knob == knob }); knob != "" && i >= 0 {
		return forms[i], "reg"
	}
	return forms[0], "mem"
}
