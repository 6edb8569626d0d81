package emit

import (
	"slices"

	"qtune/kernels/x86"
	"qtune/schedules"
)

// MulLayout is the layout of Mul's constants.
func MulLayout(width x86.Width, general bool) *Layout {
	names := slices.Clone(requantFields[elementwiseKind(general)])
	return vectorLayout(width, append(names, fieldZeroA, fieldZeroB, fieldOffset, fieldLo, fieldHi)...)
}

// Mul writes the program of MUL:
//
//	y = clamp(scale((a - zero a) * (b - zero b)) + zero)
//
// general is for multipliers of 1/2 and more.
func Mul(isa schedules.ISA, p Piece, general bool, repeat Repeat) *x86.Program {
	g := newGen("mul", isa, p.Width())
	g.repeat = repeat
	d, w, zero := g.vec(4), g.vec(4), g.vec(1)[0]
	g.emit(x86.VPXOR, g.v(zero), g.v(zero), g.v(zero))
	g.evenMask()
	c := g.fields(MulLayout(g.width, general))
	return g.elementwise(p, func() {
		g.differences(p, w, zero, c)
		g.products(d, w)
		for _, r := range d {
			g.requant(elementwiseKind(general), r, w[0], w[1], c)
		}
		g.narrowBytes(d, c)
		g.storePiece(p, x86.M(elemY, 0), d[0])
	})
}

// differences loads a piece of both operands: a - zero a in words to w[0] and
// w[1] (lower and upper halves of 128-bit lanes), b - zero b to w[2] and w[3].
func (g *gen) differences(p Piece, w []int, zero int, c func(string) x86.Operand) {
	for i := range 2 {
		lo, hi := w[2*i], w[2*i+1]
		g.loadOperand(p, lo, i)
		g.op3(x86.VPUNPCKHBW, hi, lo, g.v(zero))
		g.op3(x86.VPUNPCKLBW, lo, lo, g.v(zero))
		z := c([]string{fieldZeroA, fieldZeroB}[i])
		g.op3(x86.VPSUBW, lo, lo, z)
		g.op3(x86.VPSUBW, hi, hi, z)
	}
}

// products multiplies w[0] by w[2] and w[1] by w[3] to int32, in the order that
// packs undo. It keeps w[0] and w[1].
func (g *gen) products(d, w []int) {
	for h := range 2 {
		lo, hi := d[2*h], d[2*h+1]
		g.op3(x86.VPMULLW, lo, w[h], g.v(w[2+h]))
		g.op3(x86.VPMULHW, w[2+h], w[h], g.v(w[2+h]))
		g.op3(x86.VPUNPCKHWD, hi, lo, g.v(w[2+h]))
		g.op3(x86.VPUNPCKLWD, lo, lo, g.v(w[2+h]))
	}
}

// PReluLayout is the layout of PRelu's constants.
func PReluLayout(width x86.Width, general bool) *Layout {
	names := slices.Clone(requantFields[elementwiseKind(general)])
	for _, n := range requantFields[elementwiseKind(general)] {
		names = append(names, steepPrefix+n)
	}
	return vectorLayout(width, append(names, fieldZeroA, fieldZeroB, fieldOffset, fieldLo, fieldHi)...)
}

// PRelu writes the program of PRELU, with slopes b:
//
//	y = clamp(scale(a - zero a) + zero)                    where a >= zero a
//	y = clamp(steep((a - zero a) * (b - zero b)) + zero)   elsewhere
func PRelu(isa schedules.ISA, p Piece, general bool, repeat Repeat) *x86.Program {
	g := newGen("prelu", isa, p.Width())
	g.repeat = repeat
	d, w, zero, x, t := g.vec(4), g.vec(4), g.vec(1)[0], g.vec(1)[0], g.vec(2)
	g.emit(x86.VPXOR, g.v(zero), g.v(zero), g.v(zero))
	g.evenMask()
	c := g.fields(PReluLayout(g.width, general))
	steep := func(name string) x86.Operand { return c(steepPrefix + name) }
	kind := elementwiseKind(general)
	return g.elementwise(p, func() {
		g.differences(p, w, zero, c)
		g.products(d, w)
		for i, r := range d {
			g.requant(kind, r, t[0], t[1], steep)
			g.signedHalf(x, w[i/2], i%2, t[0])
			sign := w[2] // products are done with it
			g.emit(x86.VPSRAD, g.v(sign), g.v(x), x86.I(31))
			g.requant(kind, x, t[0], t[1], c)
			g.op3(x86.VPAND, r, r, g.v(sign))
			g.op3(x86.VPANDN, x, sign, g.v(x))
			g.op3(x86.VPOR, r, r, g.v(x))
		}
		g.narrowBytes(d, c)
		g.storePiece(p, x86.M(elemY, 0), d[0])
	})
}

// signedHalf widens the lower or upper words of each 128-bit lane of src to
// int32 in dst.
func (g *gen) signedHalf(dst, src, half, tmp int) {
	g.emit(x86.VPSRAW, g.v(tmp), g.v(src), x86.I(15))
	op := x86.VPUNPCKLWD
	if half == 1 {
		op = x86.VPUNPCKHWD
	}
	g.op3(op, dst, src, g.v(tmp))
}

// Extreme writes the program of MAXIMUM or MINIMUM of bytes.
func Extreme(isa schedules.ISA, p Piece, maximum bool, repeat Repeat) *x86.Program {
	g := newGen("extreme", isa, p.Width())
	g.repeat = repeat
	a, b := g.vec(1)[0], g.vec(1)[0]
	op := x86.VPMINUB
	if maximum {
		op = x86.VPMAXUB
	}
	return g.elementwise(p, func() {
		g.loadOperand(p, a, 0)
		g.loadOperand(p, b, 1)
		g.op3(op, a, a, g.v(b))
		g.storePiece(p, x86.M(elemY, 0), a)
	})
}

// MaxPairsPiece is the largest piece of Pairs.
const MaxPairsPiece Piece = 8

// Pairs writes the program that looks up the result for each pair of bytes in a
// table of 64 KB at Consts: that of a and b is at a<<8 | b.
func Pairs(isa schedules.ISA, p Piece, repeat Repeat) *x86.Program {
	g := newGen("pairs", isa, x86.W128)
	g.repeat = repeat
	g.emit(x86.MOV, x86.R(regConsts), arg(argConsts))
	index := []x86.Reg{x86.R9, x86.R13}
	operand := func(n, i int) x86.Operand {
		if repeat[n] {
			i = 0
		}
		return x86.M([]x86.Reg{elemA, elemB}[n], i)
	}
	return g.elementwise(p, func() {
		for i := range int(p) {
			at, b := index[i%2], x86.R15
			g.emit(x86.MOVZXB, x86.R(at), operand(0, i))
			g.emit(x86.SHL, x86.R(at), x86.I(8))
			g.emit(x86.MOVZXB, x86.R(b), operand(1, i))
			g.emit(x86.ADD, x86.R(at), x86.R(b))
			g.emit(x86.MOVZXB, x86.R(at), x86.MX(regConsts, at, 1, 0))
			g.emit(x86.MOVB, x86.M(elemY, i), x86.R(at))
		}
	})
}
