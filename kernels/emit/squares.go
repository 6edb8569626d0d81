package emit

import (
	"qtune/kernels/x86"
	"qtune/schedules"
)

// SquaresStep is how many bytes Squares adds at once.
const SquaresStep = 16

// SquaresLayout is the layout of Squares' constants.
func SquaresLayout() *Layout { return vectorLayout(x86.W256, fieldZeroA) }

// Squares writes the program that stores in Sums the int32 sum of (x - zero a)^2
// of the bytes x of a row, at In: Blocks steps of SquaresStep, perhaps none, and
// Tail bytes more.
func Squares(isa schedules.ISA) *x86.Program {
	g := newGen("squares", isa, x86.W256)
	const (
		from, steps, square, sum = x86.RSI, x86.RCX, x86.RAX, x86.RDX
		acc, x, tmp              = 0, 1, 2
	)
	g.next = 3
	c := g.fields(SquaresLayout())
	zero := c(fieldZeroA)
	g.emit(x86.MOV, x86.R(from), arg(argIn))
	g.op3(x86.VPXOR, acc, acc, g.v(acc))
	g.counted(argBlocks, steps, func() {
		g.emit(x86.VPMOVZXBW, g.v(x), x86.M(from, 0))
		g.op3(x86.VPSUBW, x, x, zero)
		g.op3(x86.VPMADDWD, x, x, g.v(x))
		g.op3(x86.VPADDD, acc, acc, g.v(x))
		g.addImm(from, SquaresStep)
	})
	g.sumLanes(g.width, acc, tmp)
	g.emit(x86.VMOVD, x86.R(sum), x86.X(acc))
	g.emit(x86.MOVZXW, x86.R(x86.RBX), x86.M(regConsts, 0))
	g.counted(argTail, steps, func() {
		g.emit(x86.MOVZXB, x86.R(square), x86.M(from, 0))
		g.emit(x86.SUB, x86.R(square), x86.R(x86.RBX))
		g.emit(x86.IMUL, x86.R(square), x86.R(square))
		g.emit(x86.ADD, x86.R(sum), x86.R(square))
		g.addImm(from, 1)
	})
	g.emit(x86.MOV, x86.R(from), arg(argSums))
	g.emit(x86.MOVL, x86.M(from, 0), x86.R(sum))
	return g.finish()
}

// counted is level1 for a count that may be 0.
func (g *gen) counted(count int, reg x86.Reg, body func()) {
	g.emit(x86.MOV, x86.R(reg), arg(count))
	g.roundsOrNone(reg, body)
}
