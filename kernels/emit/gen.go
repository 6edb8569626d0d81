// Package emit writes the programs of the kernels: a plan first (pure data:
// tile sizes, layouts, strides), then instructions from the plan. One file an
// operator family, requantisation and stores shared.
//
// In: a schedules.Workload and a Schedule that its Space accepts, and an
// instruction set. Out: x86.Programs, and the layouts in which they expect
// weights and constants (filled by package pack). The programs read and write
// only what the plan says: the input rows, the output pixels' channels, their
// constants, and the argument block.
package emit

import (
	"fmt"

	"qtune/kernels/x86"
	"qtune/schedules"
)

// Opmask registers with fixed roles.
const (
	maskEven x86.Mask = x86.K1 // even lanes of 32 bits
	maskTail x86.Mask = x86.K2 // bytes of a partial store
	maskLoad x86.Mask = x86.K3 // bytes of a partial load
)

// gen is a program being written, for one vector width.
type gen struct {
	p     *x86.Program
	isa   schedules.ISA
	width x86.Width
	regs  int
	next  int // first vector register not handed out

	repeat Repeat // elementwise programs
}

func newGen(name string, isa schedules.ISA, width x86.Width) *gen {
	regs, _ := schedules.Registers(isa)
	return &gen{p: x86.NewProgram(name, InstructionSet(isa)), isa: isa, width: width, regs: regs}
}

// masks tells whether the program may use opmasks, and with them the EVEX
// forms that reach all registers.
func (g *gen) masks() bool { return g.isa == schedules.AVX512VNNI }

// InstructionSet is the encoder's name of isa.
func InstructionSet(isa schedules.ISA) x86.ISA {
	switch isa {
	case schedules.AVX512VNNI:
		return x86.AVX512VNNI
	case schedules.AVXVNNI:
		return x86.AVXVNNI
	}
	return x86.AVX2
}

func (g *gen) emit(op x86.Op, args ...x86.Operand) { g.p.Emit(op, args...) }

// op3 emits dst = op(src, last).
func (g *gen) op3(op x86.Op, dst, src int, last x86.Operand) {
	g.p.Emit(op, g.v(dst), g.v(src), last)
}

// v is vector register n at the program's width.
func (g *gen) v(n int) x86.Operand { return x86.V(g.width, n) }

// vec hands out n vector registers. Schedules that need more than there are
// never get here; see schedules.checkTile.
func (g *gen) vec(n int) []int {
	if g.next+n > g.regs {
		panic(fmt.Sprintf("BUG: %s needs more than %d vector registers", g.p.Name, g.regs))
	}
	r := make([]int, n)
	for i := range r {
		r[i] = g.next + i
	}
	g.next += n
	return r
}

// loop emits body count times, counting reg down; body must keep reg.
func (g *gen) loop(reg x86.Reg, count int, body func()) {
	g.emit(x86.MOV, x86.R(reg), x86.I(count))
	head := g.p.NewLabel()
	g.p.Place(head)
	body()
	g.emit(x86.DEC, x86.R(reg))
	g.emit(x86.JNE, x86.L(head))
}

func (g *gen) addImm(r x86.Reg, n int) {
	if n != 0 {
		g.emit(x86.ADD, x86.R(r), x86.I(n))
	}
}

// evenMask sets the mask of even lanes.
func (g *gen) evenMask() {
	if g.masks() {
		g.setMask(maskEven, x86.RAX, 0x5555)
	}
}

func (g *gen) setMask(k x86.Mask, tmp x86.Reg, bits uint64) {
	g.emit(x86.MOV, x86.R(tmp), x86.I(int(bits)))
	g.emit(x86.KMOVQ, x86.K(k), x86.R(tmp))
}

func (g *gen) finish() *x86.Program {
	g.emit(x86.VZEROUPPER)
	g.emit(x86.RET)
	return g.p
}

// arg is the argument block's word at offset off.
func arg(off int) x86.Operand { return x86.M(x86.RDI, off) }

// slot is word i of the argument block's scratch space.
func slot(i int) x86.Operand { return arg(argSlots + 8*i) }
