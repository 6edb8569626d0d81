package schedules

import "fmt"

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
	f.check = func(s Schedule) error { return checkDense(w, isa, s) }
	f.start = startDense(w, isa, f)
	return f
}

func checkDense(w Workload, isa ISA, s Schedule) error {
	mr, nv, sets := s.Int("mr", 0), s.Int("nv", 0), s.Int("sets", 0)
	if err := checkTile(isa, mr, nv, sets, s.Str("op", "")); err != nil {
		return err
	}
	if err := checkBalanced(w.N, mr); err != nil {
		return err
	}
	_, lanes := Registers(isa)
	if nv > 1 && (nv/2)*lanes >= w.O {
		return fmt.Errorf("nv=%d: %d output channels fill only %d vectors", nv, w.O, (w.O+lanes-1)/lanes)
	}
	steps := (w.C*ElementBytes(isa) + 3) / 4
	u := s.Int("u", 0)
	if max(u, sets) > 1 && max(u, sets) > steps {
		return fmt.Errorf("u=%d sets=%d: the reduction has only %d steps", u, sets, steps)
	}
	if u%sets != 0 {
		return fmt.Errorf("sets=%d: must divide u=%d", sets, u)
	}
	return nil
}

// startDense chooses by what takes longer, the dot steps or to read the weights, which
// every tile of rows does once. Weights that two rows or fewer use are memory operands.
func startDense(w Workload, isa ISA, f family) Schedule {
	best, least := "", 0.0
	for _, nv := range []int{4, 2, 1} {
		for mr := 1; mr <= len(f.knobs[0].Values); mr++ {
			op := "reg"
			if mr <= 2 {
				op = "mem"
			}
			for _, sets := range []int{2, 1} {
				text := fmt.Sprintf("mr=%d nv=%d sets=%d u=%d order=cyx op=%s pad=%s st=pack split=c",
					mr, nv, sets, sets, op, f.knobs[6].Values[0])
				if checkDense(w, isa, Schedule{text}) != nil {
					continue
				}
				if cost := denseCost(w, isa, mr, nv, sets); best == "" || cost < least {
					best, least = text, cost
				}
			}
		}
	}
	return Schedule{best}
}

// l3BytesPerDot is what the last cache yields during a dot step.
const l3BytesPerDot = 11

// denseCost estimates clocks per dot step: of a tile with its weights in the first
// cache, or of reading them.
func denseCost(w Workload, isa ISA, mr, nv, sets int) float64 {
	_, lanes := Registers(isa)
	mean := float64(w.N) / float64((w.N+mr-1)/mr)
	loads := (mean + float64(nv)) / (mean * float64(nv))
	compute := max(1, loads*1.3) + 0.15*loads
	if acc := mean * float64(nv*sets); acc < 10 { // latency of the dot step
		compute *= 1 + 0.08*(10-acc)
	}
	return max(compute, float64(4*lanes)/mean/l3BytesPerDot) + 0.01*compute
}
