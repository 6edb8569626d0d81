package emit

import "qtune/kernels/x86"

// Fields of elementwise layouts beside those of requantisation.
const (
	fieldZeroA  = "zero a" // words: zero points of the operands
	fieldZeroB  = "zero b"
	fieldOffset = "offset16" // words: added to results before they are clamped
	fieldLo     = "lo8"      // bytes: clamp of the result
	fieldHi     = "hi8"
	steepPrefix = "steep " // constants of PRelu's second requantisation
)

// elementwiseKind is the requantisation of a multiplier with the given exponent:
// of less than 1/2, or any.
func elementwiseKind(general bool) requantKind {
	if general {
		return requantDoubleGeneral
	}
	return requantSign
}

// vectorLayout is one whole vector for each name.
func vectorLayout(width x86.Width, names ...string) *Layout {
	l := &Layout{}
	for _, n := range names {
		l.add(n, int(width))
	}
	return l
}

// fields loads the constants of l into registers, the first ones as far as there
// are registers, and returns how to reach each.
func (g *gen) fields(l *Layout) func(name string) x86.Operand {
	g.emit(x86.MOV, x86.R(regConsts), arg(argConsts))
	all := map[string]x86.Operand{}
	for i, c := range g.constants(len(l.Fields)) {
		all[l.Fields[i].Name] = c
	}
	return func(name string) x86.Operand {
		c, ok := all[name]
		if !ok {
			panic("BUG: no constant " + name)
		}
		return c
	}
}

// narrowBytes packs four vectors of int32 into the bytes from which widening
// made them, in a[0]. What legalisation added to values is added here, so that
// sums of int32 wrap as if it had not been.
func (g *gen) narrowBytes(a []int, c func(string) x86.Operand) {
	for i := 0; i < 4; i += 2 {
		g.op3(x86.VPACKSSDW, a[i], a[i], g.v(a[i+1]))
		g.op3(x86.VPADDSW, a[i], a[i], c(fieldOffset))
	}
	g.op3(x86.VPACKUSWB, a[0], a[0], g.v(a[2]))
	g.op3(x86.VPMAXUB, a[0], a[0], c(fieldLo))
	g.op3(x86.VPMINUB, a[0], a[0], c(fieldHi))
}

// storeDwords narrows the int32 in r to a piece of bytes, saturating, and stores
// it. t is free, zero is 0.
func (g *gen) storeDwords(p Piece, mem x86.Operand, r, t, zero int) {
	if g.width == x86.W512 {
		g.op3(x86.VPMAXSD, r, r, g.v(zero))
		g.emit(x86.VPMOVUSDB, mem, g.v(r))
		return
	}
	g.op3(x86.VPACKSSDW, r, r, g.v(r))
	g.op3(x86.VPACKUSWB, r, r, g.v(r))
	if g.width == x86.W256 { // both lanes have 4 bytes
		g.extractLane(t, r, 1)
		g.emit(x86.VPUNPCKLDQ, x86.X(r), x86.X(r), x86.X(t))
	}
	g.storePiece(p, mem, r)
}

// loadDwords widens a piece of bytes to int32.
func (g *gen) loadDwords(p Piece, r int, mem x86.Operand) {
	if p >= 4 {
		g.emit(x86.VPMOVZXBD, g.v(r), mem)
		return
	}
	g.loadPiece(p, r, mem)
	g.emit(x86.VPMOVZXBD, g.v(r), g.v(r))
}
