package schedules

import "fmt"

// maxLateSteps is the length of the longest reduction with late epilogues, which
// has no loop: those of 32 steps gain 2 to 4 %, those of 64 lose.
const maxLateSteps = 36

// lateRegisters is how many vector registers late epilogues want: with fewer, tiles
// are too small.
const lateRegisters = 32

// convStores lists the values of st.
func convStores(isa ISA) []string {
	if regs, _ := Registers(isa); regs < lateRegisters {
		return []string{"pack", "cvt"}
	}
	return []string{"pack", "cvt", "late"}
}

// lateRules: st=late needs registers for two tiles, a reduction without loops, and
// tiles that follow each other.
func lateRules(w Workload, isa ISA) rules {
	regs, _ := Registers(isa)
	list := rules{
		{"mr nv op dot", func(s Schedule) error {
			if need := lateNeed(isa, s.Int("mr", 0), s.Int("nv", 0), s); need > regs {
				return fmt.Errorf("st=late mr=%d nv=%d op=%s: needs %d vector registers, %s has %d",
					s.Int("mr", 0), s.Int("nv", 0), s.Str("op", ""), need, isa, regs)
			}
			return nil
		}},
		{"form dot", func(s Schedule) error {
			segments, steps := w.segments(isa, s)
			if s.Str("form", "") == "rows" && w.KH > 1 || segments*steps > maxLateSteps {
				return fmt.Errorf("st=late: the reduction of %d segments of %d steps is too long", segments, steps)
			}
			return nil
		}},
		{"order", func(s Schedule) error {
			if s.Str("order", "") == "yxc" {
				return fmt.Errorf("st=late: order=yxc does not end with x")
			}
			return nil
		}},
		{"u", func(s Schedule) error {
			if s.Str("u", "") != "1" {
				return fmt.Errorf("st=late: there is no loop to unroll")
			}
			return nil
		}},
	}
	return list.where("st", "late")
}

// lateNeed is how many vector registers two tiles take: one that is reduced, and the
// one before with three temporaries.
func lateNeed(isa ISA, mr, nv int, s Schedule) int {
	return 2*mr*nv + operands(isa, mr, nv, s) + 3
}

// What an accumulator's epilogue takes, in dot steps; what of it is left where it is
// late; and what is to be added for a constant without a register, of which there
// are two at least.
const (
	epilogueDots = 3
	lateDots     = 1.4
	constantDots = 0.4
)

// epilogueCost estimates what an epilogue adds to tileCost. Of a row's tiles, the
// last one of each size is not concluded late.
func epilogueCost(w Workload, isa ISA, s Schedule, row, mr, nv int) float64 {
	segments, steps := w.segments(isa, s)
	dots := float64(epilogueDots)
	if s.Str("st", "") == "late" {
		tiles, sizes := (row+mr-1)/mr, 1
		if row%mr != 0 {
			sizes = 2
		}
		dots -= (epilogueDots - lateDots) * (1 - float64(sizes)/float64(tiles))
		regs, _ := Registers(isa)
		dots += constantDots * float64(max(0, 2-(regs-lateNeed(isa, mr, nv, s))))
	}
	return dots / float64(segments*steps)
}
