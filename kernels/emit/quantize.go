package emit

import (
	"qtune/kernels/x86"
	"qtune/schedules"
)

// QuantizePiece returns how many numbers Quantize does at once: 8, 4 or 1.
func QuantizePiece(n int) Piece {
	switch {
	case n >= 8:
		return 8
	case n >= 4:
		return 4
	}
	return 1
}

// QuantizeWidth is the width of Quantize's vectors on every target.
const QuantizeWidth = x86.W256

// QuantizeLayout is the layout of Quantize's constants: of double precision,
// then of int32.
func QuantizeLayout() *Layout {
	return vectorLayout(QuantizeWidth, "divisor", "least", "most", "one", "zero")
}

// Quantize writes the program that makes bytes of float32, element by element:
// QUANTIZE, y = clamp(round(x / scale) + zero). The quotient of double precision
// is as good as the exact one, for no two float32 have one that is so close to a
// tie. Rounding is half away from zero; what is not a number counts as 0.
func Quantize(isa schedules.ISA, p Piece) *x86.Program {
	g := newGen("quantize", isa, QuantizeWidth)
	x, q, t := g.vec(2), g.vec(2), g.vec(1)[0]
	c := g.fields(QuantizeLayout())
	return g.elements(p, [3]int{4, 1, 1}, func() {
		for i := range max(int(p)/4, 1) {
			g.loadDoubles(p, x[i], 16*i)
			g.twice(x[i], q, c)
			g.emit(x86.VCVTTPD2DQ, x86.X(x[i]), x86.Y(x[i]))
		}
		r := x[0]
		if p == 8 {
			g.emit(x86.VINSERTI128, x86.Y(r), x86.Y(r), x86.X(x[1]), x86.I(1))
		}
		g.halve(r, t, c)
		g.op3(x86.VPADDD, r, r, c("zero"))
		g.storeDwords(p, x86.M(elemY, 0), r, t, t)
	})
}

// loadDoubles reads up to four float32.
func (g *gen) loadDoubles(p Piece, r, off int) {
	if p >= 4 {
		g.emit(x86.VCVTPS2PD, x86.Y(r), x86.M(elemA, off))
		return
	}
	g.emit(x86.VMOVD, x86.X(r), x86.M(elemA, off))
	g.emit(x86.VCVTPS2PD, x86.Y(r), x86.X(r))
}

// twice divides r and doubles the quotient, limited: the sum of two ways to limit
// it that differ only where it is not a number, which gives 0.
func (g *gen) twice(r int, q []int, c func(string) x86.Operand) {
	g.op3(x86.VDIVPD, r, r, c("divisor"))
	g.op3(x86.VMINPD, q[0], r, c("most"))
	g.op3(x86.VMAXPD, q[0], q[0], c("least"))
	g.op3(x86.VMAXPD, q[1], r, c("least"))
	g.op3(x86.VMINPD, q[1], q[1], c("most"))
	g.op3(x86.VADDPD, r, q[0], g.v(q[1]))
}

// DequantizeLayout is the layout of Dequantize's constants.
func DequantizeLayout(width x86.Width) *Layout { return vectorLayout(width, "zero", "scale") }

// Dequantize writes the program that makes float32 of bytes, p (a BlendPiece) at
// once: DEQUANTIZE, y = scale * (x - zero).
func Dequantize(isa schedules.ISA, p Piece) *x86.Program {
	g := newGen("dequantize", isa, BlendWidth(p))
	x := g.vec(1)[0]
	c := g.fields(DequantizeLayout(g.width))
	return g.elements(p, [3]int{1, 1, 4}, func() {
		g.loadDwords(p, x, x86.M(elemA, 0))
		g.op3(x86.VPSUBD, x, x, c("zero"))
		g.emit(x86.VCVTDQ2PS, g.v(x), g.v(x))
		g.op3(x86.VMULPS, x, x, c("scale"))
		g.storePiece(4*p, x86.M(elemY, 0), x)
	})
}
