package emit

import (
	"qtune/kernels/x86"
	"qtune/schedules"
)

// Registers of ArgMax.
const (
	argmaxLine, argmaxLines   = x86.R8, x86.R14
	argmaxPixel, argmaxPixels = x86.RSI, x86.R13
	argmaxAt, argmaxSteps     = x86.RDX, x86.RCX
	argmaxOut, argmaxIndex    = x86.R9, x86.RAX
)

// MaxShortArgMax is the number of channels below which ArgMax has no inner
// loops.
const MaxShortArgMax = 64

// ArgMaxPiece is the piece in which ArgMax compares channels: at most 32 bytes,
// since AVX2 makes bit masks of as many.
func ArgMaxPiece(isa schedules.ISA, channels int) Piece { return min(PieceFor(isa, channels), 32) }

// ArgMax writes the program that stores the index of the first maximum of the
// channels of each pixel, size 4 or 8 bytes each without gaps, at Args.Out:
// NRows lines, InRow apart, of Big pixels, InPix apart, from Args.In on. A pixel
// has channels bytes, fewer than MaxShortArgMax; or 0, and they are Blocks steps
// of p and one that ends Tail bytes after them, if Tail is not 0.
func ArgMax(isa schedules.ISA, p Piece, channels, size int) *x86.Program {
	g := &argmaxGen{newGen("argmax", isa, p.Width()), p, channels}
	g.emit(x86.MOV, x86.R(argmaxLine), arg(argIn))
	g.emit(x86.MOV, x86.R(argmaxOut), arg(argOut))
	g.level1(argNRows, argmaxLines, func() {
		g.emit(x86.MOV, x86.R(argmaxPixel), x86.R(argmaxLine))
		g.level1(argBig, argmaxPixels, func() {
			if channels > 0 {
				g.short()
			} else {
				g.long()
			}
			if size == 4 {
				g.emit(x86.MOVL, x86.M(argmaxOut, 0), x86.R(argmaxIndex))
			} else {
				g.emit(x86.MOV, x86.M(argmaxOut, 0), x86.R(argmaxIndex))
			}
			g.addImm(argmaxOut, size)
			g.emit(x86.ADD, x86.R(argmaxPixel), arg(argInPix))
		})
		g.emit(x86.ADD, x86.R(argmaxLine), arg(argInRow))
	})
	return g.finish()
}

type argmaxGen struct {
	*gen
	piece    Piece
	channels int
}

// loadZeroed reads a piece; bytes beyond it become 0, which changes no maximum,
// nor which byte is first to equal it.
func (g *argmaxGen) loadZeroed(r int, mem x86.Operand) {
	if g.piece < 4 {
		g.emit(x86.VPXOR, x86.X(r), x86.X(r), x86.X(r))
	}
	g.loadPiece(g.piece, r, mem)
}

// spread reduces x to the maximum of its bytes, and repeats that everywhere.
func (g *argmaxGen) spread(x, t int) {
	if g.piece == 32 {
		g.extractLane(t, x, 1)
		g.emit(x86.VPMAXUB, x86.X(x), x86.X(x), x86.X(t))
	}
	for n := min(int(g.piece), 16) / 2; n > 0; n /= 2 {
		g.emit(x86.VPSRLDQ, x86.X(t), x86.X(x), x86.I(n))
		g.emit(x86.VPMAXUB, x86.X(x), x86.X(x), x86.X(t))
	}
	g.emit(x86.VPBROADCASTB, g.v(x), x86.X(x))
}

// short finds the maximum of few channels: one or two pieces.
func (g *argmaxGen) short() {
	const a, b, top, t = 0, 1, 2, 3
	rest := g.channels - int(g.piece)
	g.loadZeroed(a, x86.M(argmaxPixel, 0))
	if rest == 0 {
		g.emit(x86.VMOVDQU, g.v(top), g.v(a))
	} else {
		g.loadZeroed(b, x86.M(argmaxPixel, rest))
		g.op3(x86.VPMAXUB, top, a, g.v(b))
	}
	g.spread(top, t)
	g.op3(x86.VPCMPEQB, a, a, g.v(top))
	g.emit(x86.VPMOVMSKB, x86.R(argmaxIndex), g.v(a))
	if rest > 0 {
		g.op3(x86.VPCMPEQB, b, b, g.v(top))
		g.emit(x86.VPMOVMSKB, x86.R(argmaxSteps), g.v(b))
		g.emit(x86.SHL, x86.R(argmaxSteps), x86.I(rest))
		g.emit(x86.OR, x86.R(argmaxIndex), x86.R(argmaxSteps))
	}
	g.emit(x86.BSF, x86.R(argmaxIndex), x86.R(argmaxIndex))
}

// long makes two passes over the channels.
func (g *argmaxGen) long() {
	const x, top, t = 0, 2, 3
	g.op3(x86.VPXOR, top, top, g.v(top))
	g.emit(x86.MOV, x86.R(argmaxAt), x86.R(argmaxPixel))
	more := func() { g.op3(x86.VPMAXUB, top, top, x86.M(argmaxAt, 0)) }
	g.level1(argBlocks, argmaxSteps, func() {
		more()
		g.addImm(argmaxAt, int(g.piece))
	})
	g.tail()
	more()
	g.spread(top, t)
	found := g.p.NewLabel()
	find := func() {
		g.op3(x86.VPCMPEQB, x, top, x86.M(argmaxAt, 0))
		g.emit(x86.VPMOVMSKB, x86.R(argmaxIndex), g.v(x))
	}
	g.emit(x86.MOV, x86.R(argmaxAt), x86.R(argmaxPixel))
	g.level1(argBlocks, argmaxSteps, func() {
		find()
		g.emit(x86.TEST, x86.R(argmaxIndex), x86.R(argmaxIndex))
		g.emit(x86.JNE, x86.L(found))
		g.addImm(argmaxAt, int(g.piece))
	})
	g.tail()
	find()
	g.p.Place(found)
	g.emit(x86.BSF, x86.R(argmaxIndex), x86.R(argmaxIndex))
	g.emit(x86.ADD, x86.R(argmaxIndex), x86.R(argmaxAt))
	g.emit(x86.SUB, x86.R(argmaxIndex), x86.R(argmaxPixel))
}

// tail moves to the piece that ends with the last channel: the last one again
// where Tail is 0.
func (g *argmaxGen) tail() {
	g.emit(x86.ADD, x86.R(argmaxAt), arg(argTail))
	g.addImm(argmaxAt, -int(g.piece))
}
