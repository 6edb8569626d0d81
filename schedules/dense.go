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
	f.rules = denseRules(w, isa)
	f.start = startDense(w, isa)
	return f
}

func denseRules(w Workload, isa ISA) rules {
	return slices.Concat(rules{
		{"mr nv sets op dot", func(s Schedule) error {
			return checkTile(isa, s.Int("mr", 0), s.Int("nv", 0), s.Int("sets", 0), s)
		}},
		{"mr", func(s Schedule) error { return checkBalanced(w.N, s.Int("mr", 0)) }},
	}, dotRules(w, isa), rules{
		{"nv", func(s Schedule) error { return checkVectors(w, isa, s.Int("nv", 0)) }},
		{"sets u", func(s Schedule) error {
			if u, sets := s.Int("u", 0), s.Int("sets", 0); u%sets != 0 {
				return fmt.Errorf("sets=%d: must divide u=%d", sets, u)
			}
			return nil
		}},
		{"sets dot", func(s Schedule) error {
			if sets := s.Int("sets", 0); sets > 1 && DotDepth(s) > 0 {
				return fmt.Errorf("sets=%d: dot=%s needs no second set", sets, s.Str("dot", ""))
			}
			return nil
		}},
		{"u dot", func(s Schedule) error { return checkUnroll(s.Int("u", 0), (w.C*ElementBytes(isa, s)+3)/4, s) }},
	})
}

// startDense chooses by what takes longer, the dot steps or to read the weights, which
// every tile of rows does once. Weights that two rows or fewer use are memory operands,
// where dot lets them.
func startDense(w Workload, isa ISA) Schedule {
	var best Start
	dot, op := denseDot(w, isa)
	legal := denseRules(w, isa)
	for _, nv := range []int{4, 2, 1} {
		for mr := 1; mr <= min(w.N, tileLimit(isa)); mr++ {
			operands := op
			if operands == "" && mr <= 2 {
				operands = "mem"
			} else if operands == "" {
				operands = "reg"
			}
			for _, sets := range []int{2, 1} {
				s := Schedule{fmt.Sprintf("mr=%d nv=%d sets=%d u=%d order=cyx op=%s pad=%s st=pack split=c%s",
					mr, nv, sets, sets, operands, dot.pad, dot.knob)}
				if legal.check(s) != nil {
					continue
				}
				if cost := denseCost(w, isa, s); best.Cost == 0 || cost < best.Cost {
					best = Start{s, cost}
				}
			}
		}
	}
	return best.Schedule
}

// denseDot takes the form whose weights are the fewest bytes, and the operands that
// it needs if it has no choice: 2048->1001 in 59 us with a byte each (spilling) and
// 81 us (widened), in 124 us with two on Zen 5.
func denseDot(w Workload, isa ISA) (dot dotForm, op string) {
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
	return forms[0], ""
}

// l3BytesPerDot is what the last cache yields during a dot step.
const l3BytesPerDot = 11

// denseCost estimates clocks per dot step: of a tile with its weights in the first
// cache, or of reading them.
func denseCost(w Workload, isa ISA, s Schedule) float64 {
	_, lanes := Registers(isa)
	mr, nv, sets := s.Int("mr", 1), s.Int("nv", 1), s.Int("sets", 1)
	mean := float64(w.N) / float64((w.N+mr-1)/mr)
	loads := (mean + float64(nv)) / (mean * float64(nv))
	compute := max(1, loads*1.3) + 0.15*loads
	if acc := mean * float64(nv*sets); acc < 10 && DotDepth(s) == 0 { // latency of the dot step
		compute *= 1 + 0.08*(10-acc)
	}
	weights := float64(4*lanes*WeightBytes(isa, s)) / float64(ElementBytes(isa, s))
	return max(compute, weights/mean/l3BytesPerDot) + 0.01*compute
}
