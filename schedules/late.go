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

// checkLate checks what st=late needs: a reduction without loops, tiles that follow
// each other, registers for two of them.
func checkLate(w Workload, isa ISA, s Schedule, mr, nv int) error {
	regs, _ := Registers(isa)
	segments, steps := w.segments(isa, s)
	switch need := lateNeed(isa, mr, nv, s); {
	case need > regs:
		return fmt.Errorf("st=late mr=%d nv=%d op=%s: needs %d vector registers, %s has %d", mr, nv, s.Str("op", ""), need, isa, regs)
	case s.Str("form", "") == "rows" && w.KH > 1 || segments*steps > maxLateSteps:
		return fmt.Errorf("st=late: the reduction of %d segments of %d steps is too long", segments, steps)
	case s.Str("order", "") == "yxc":
		return fmt.Errorf("st=late: order=yxc does not end with x")
	case s.Str("u", "") != "1":
		return fmt.Errorf("st=late: there is no loop to unroll")
	}
	return nil
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
