package emit

import (
	"slices"

	"qtune/kernels/x86"
	"qtune/schedules"
)

// MeanKind tells how sums become means.
type MeanKind uint8

// Kinds of mean. MeanScaled multiplies by a multiplier of less than 1/2 and adds
// the zero point, MeanScaledGeneral by any; MeanDivided divides as C does;
// MeanFloat scales in float32.
const (
	MeanScaled MeanKind = iota
	MeanScaledGeneral
	MeanDivided
	MeanFloat
)

func (k MeanKind) requant() requantKind { return elementwiseKind(k == MeanScaledGeneral) }

// meanFields are the constants of each kind, beside those of all.
var meanFields = map[MeanKind][]string{
	MeanScaled:        requantFields[requantSign],
	MeanScaledGeneral: requantFields[requantDoubleGeneral],
	MeanDivided:       {"factor", "right"},
	MeanFloat:         {"count", "scale", "bias", "least", "most", "one", "zero"},
}

// MeanLayout is the layout of Mean's constants.
func MeanLayout(width x86.Width, k MeanKind) *Layout {
	return vectorLayout(width, append(slices.Clone(meanFields[k]), "less", fieldOffset, fieldLo, fieldHi)...)
}

// Mean writes the program that finishes Args.NRows pieces of means: each Window
// (at Args.Rows) has the partial sums that PoolSum stored, Rows of them, InRow
// apart, and the place of the result.
func Mean(isa schedules.ISA, p Piece, kind MeanKind) *x86.Program {
	g := newGen("mean", isa, p.Width())
	a, t := g.vec(4), g.vec(3)
	g.evenMask()
	c := g.fields(MeanLayout(g.width, kind))
	g.emit(x86.MOV, x86.R(poolWindow), arg(argRows))
	g.emit(x86.MOV, x86.R(poolInRow), arg(argInRow))
	g.level1(argNRows, poolPixels, func() {
		g.addPartialSums(a)
		for _, r := range a {
			g.op3(x86.VPSUBD, r, r, c("less"))
			switch kind {
			case MeanDivided:
				g.divideSum(r, t, c)
			case MeanFloat:
				g.scaleSum(r, t[0], c)
			default:
				g.requant(kind.requant(), r, t[0], t[1], c)
			}
		}
		g.narrowBytes(a, c)
		g.emit(x86.MOV, x86.R(poolOut), x86.M(poolWindow, windowOut))
		g.storePiece(p, x86.M(poolOut, 0), a[0])
		g.addImm(poolWindow, WindowBytes)
	})
	return g.finish()
}

// addPartialSums adds up the sums of the window.
func (g *gen) addPartialSums(a []int) {
	g.emit(x86.MOV, x86.R(poolRow), x86.M(poolWindow, windowIn))
	g.emit(x86.MOV, x86.R(poolRows), x86.M(poolWindow, windowRows))
	for _, r := range a {
		g.op3(x86.VPXOR, r, r, g.v(r))
	}
	head := g.p.NewLabel()
	g.p.Place(head)
	for i, r := range a {
		g.op3(x86.VPADDD, r, r, x86.M(poolRow, i*int(g.width)))
	}
	g.emit(x86.ADD, x86.R(poolRow), x86.R(poolInRow))
	g.emit(x86.DEC, x86.R(poolRows))
	g.emit(x86.JNE, x86.L(head))
}

// divideSum divides by a reciprocal, toward zero; see pack.Reciprocal32.
func (g *gen) divideSum(r int, t []int, c func(string) x86.Operand) {
	sign, even := t[0], t[1]
	g.emit(x86.VPSRAD, g.v(sign), g.v(r), x86.I(31))
	negate := func() {
		g.op3(x86.VPXOR, r, r, g.v(sign))
		g.op3(x86.VPSUBD, r, r, g.v(sign))
	}
	negate()
	g.op3(x86.VPMULUDQ, even, r, c("factor"))
	g.emit(x86.VPSRLQ, g.v(r), g.v(r), x86.I(32))
	g.op3(x86.VPMULUDQ, r, r, c("factor"))
	g.op3(x86.VPSRLVQ, even, even, c("right"))
	g.op3(x86.VPSRLVQ, r, r, c("right"))
	g.emit(x86.VPSLLQ, g.v(r), g.v(r), x86.I(32))
	g.op3(x86.VPOR, r, r, g.v(even))
	negate()
}

// scaleSum divides by the count, scales and rounds in float32.
func (g *gen) scaleSum(r, t int, c func(string) x86.Operand) {
	g.emit(x86.VCVTDQ2PS, g.v(r), g.v(r))
	g.op3(x86.VDIVPS, r, r, c("count"))
	g.op3(x86.VMULPS, r, r, c("scale"))
	g.op3(x86.VADDPS, r, r, c("bias"))
	g.op3(x86.VMINPS, r, r, c("most"))
	g.op3(x86.VMAXPS, r, r, c("least"))
	g.emit(x86.VADDPS, g.v(r), g.v(r), g.v(r))
	g.emit(x86.VCVTTPS2DQ, g.v(r), g.v(r))
	g.halve(r, t, c)
	g.op3(x86.VPADDD, r, r, c("zero"))
}

// halve rounds half of r, half away from zero. With twice a number as r, cut off
// toward zero, that rounds the number.
func (g *gen) halve(r, t int, c func(string) x86.Operand) {
	g.emit(x86.VPSRAD, g.v(t), g.v(r), x86.I(31))
	g.op3(x86.VPADDD, r, r, c("one"))
	g.op3(x86.VPADDD, r, r, g.v(t))
	g.emit(x86.VPSRAD, g.v(r), g.v(r), x86.I(1))
}
