package emit

import (
	"qtune/kernels/x86"
	"qtune/schedules"
)

// PoolKind tells what a pooling program makes of the cells of a window.
type PoolKind uint8

// Pool kinds. Pool16 is the average of windows for which Reciprocal16 exists,
// Pool32 that of all others; PoolSum stores sums as int32.
const (
	PoolMax PoolKind = iota
	Pool16
	Pool32
	PoolSum
)

// A Window describes the cells of one output pixel to a pooling program: those
// inside the input, so that borders are no special case. A test holds the
// offsets.
type Window struct {
	In         uintptr // first cell, from Args.In on
	Out        uintptr // where the result goes, from Args.Out on
	Rows, Cols int64
	// The average is (sum + Half - (sum < Below ? 1 : 0)) / Rows*Cols, rounded
	// down. Pool16 multiplies that by Left and by Factor/2^16 and shifts; Pool32
	// by Factor/2^Right.
	Half, Below  uint32
	Factor, Left uint32
	Right        uint64
	_            uint64
}

// WindowBytes is the size of a Window.
const WindowBytes = 64

const (
	windowIn = 8 * iota
	windowOut
	windowRows
	windowCols
	windowHalf
	windowFactor
	windowRight
	windowBelow = windowHalf + 4
	windowLeft  = windowFactor + 4
)

// Registers of pooling programs.
const (
	poolWindow, poolPixels     = x86.RSI, x86.R14
	poolRow, poolCell, poolOut = x86.RAX, x86.RBX, x86.R9
	poolRows, poolCols         = x86.R8, x86.RCX
	poolInRow, poolInPix       = x86.R10, x86.R11
	poolInAt, poolOutAt        = x86.R15, x86.R13
	poolLines                  = x86.RDX
)

// MaxUnroll is how many pieces of channels a pooling program can do at once.
func (k PoolKind) MaxUnroll() int {
	if k == PoolMax || k == Pool16 {
		return 4
	}
	return 1
}

// Pool writes the program that computes Args.NRows windows, from the one at
// Args.Rows on, for unroll pieces of channels at Args.In and Args.Out. It does so
// for Args.Blocks lines of output pixels, In2Row apart in the input and OutRow in
// the output. Consts holds the bytes of the least and the greatest result, a
// vector each. shift is that of Reciprocal16, for Pool16.
//
// Sums of PoolSum lie in the order of SumOrder.
func Pool(kind PoolKind, isa schedules.ISA, p Piece, unroll, shift int) *x86.Program {
	g := newGen("pool", isa, p.Width())
	b := &poolGen{gen: g, kind: kind, piece: p, unroll: unroll, shift: shift}
	b.per = map[PoolKind]int{PoolMax: 1, Pool16: 2, Pool32: 4, PoolSum: 4}[kind]
	b.acc, b.t, b.zero = g.vec(unroll*b.per), g.vec(5), g.vec(1)[0]
	g.emit(x86.MOV, x86.R(regConsts), arg(argConsts))
	for _, r := range []struct {
		reg x86.Reg
		off int
	}{{poolInRow, argInRow}, {poolInPix, argInPix}, {poolInAt, argIn}, {poolOutAt, argOut}} {
		g.emit(x86.MOV, x86.R(r.reg), arg(r.off))
	}
	g.emit(x86.VPXOR, g.v(b.zero), g.v(b.zero), g.v(b.zero))
	if kind != PoolSum {
		c := g.constants(2)
		b.lo, b.hi = c[0], c[1]
	}
	g.level1(argBlocks, poolLines, func() {
		g.emit(x86.MOV, x86.R(poolWindow), arg(argRows))
		g.level1(argNRows, poolPixels, func() {
			b.window()
			b.finishWindow()
			g.addImm(poolWindow, WindowBytes)
		})
		g.emit(x86.ADD, x86.R(poolInAt), arg(argIn2Row))
		g.emit(x86.ADD, x86.R(poolOutAt), arg(argOutRow))
	})
	return g.finish()
}

type poolGen struct {
	*gen
	kind               PoolKind
	piece              Piece
	unroll, per, shift int
	acc, t             []int // per accumulators for each piece
	zero               int
	lo, hi             x86.Operand
}

// window accumulates all cells of a window.
func (g *poolGen) window() {
	for _, a := range g.acc {
		g.emit(x86.VPXOR, g.v(a), g.v(a), g.v(a))
	}
	field := func(reg x86.Reg, off int) { g.emit(x86.MOV, x86.R(reg), x86.M(poolWindow, off)) }
	field(poolRow, windowIn)
	g.emit(x86.ADD, x86.R(poolRow), x86.R(poolInAt))
	field(poolOut, windowOut)
	g.emit(x86.ADD, x86.R(poolOut), x86.R(poolOutAt))
	field(poolRows, windowRows)
	rows := g.p.NewLabel()
	g.p.Place(rows)
	g.emit(x86.MOV, x86.R(poolCell), x86.R(poolRow))
	field(poolCols, windowCols)
	cols := g.p.NewLabel()
	g.p.Place(cols)
	for u := range g.unroll {
		g.cell(g.acc[u*g.per:][:g.per], x86.M(poolCell, u*int(g.piece)))
	}
	g.emit(x86.ADD, x86.R(poolCell), x86.R(poolInPix))
	g.emit(x86.DEC, x86.R(poolCols))
	g.emit(x86.JNE, x86.L(cols))
	g.emit(x86.ADD, x86.R(poolRow), x86.R(poolInRow))
	g.emit(x86.DEC, x86.R(poolRows))
	g.emit(x86.JNE, x86.L(rows))
}

// cell adds one cell to the accumulators of a piece.
func (g *poolGen) cell(acc []int, mem x86.Operand) {
	if g.kind == PoolMax && g.piece >= 16 {
		g.op3(x86.VPMAXUB, acc[0], acc[0], mem)
		return
	}
	x, t := g.t[0], g.t[1:]
	g.loadPiece(g.piece, x, mem)
	switch g.kind {
	case PoolMax:
		g.op3(x86.VPMAXUB, acc[0], acc[0], g.v(x))
	case Pool16:
		g.op3(x86.VPUNPCKLBW, t[0], x, g.v(g.zero))
		g.op3(x86.VPUNPCKHBW, t[1], x, g.v(g.zero))
		g.op3(x86.VPADDW, acc[0], acc[0], g.v(t[0]))
		g.op3(x86.VPADDW, acc[1], acc[1], g.v(t[1]))
	default:
		g.op3(x86.VPUNPCKLBW, t[0], x, g.v(g.zero))
		g.op3(x86.VPUNPCKHBW, t[2], x, g.v(g.zero))
		for i := 0; i < 4; i += 2 {
			g.op3(x86.VPUNPCKHWD, t[i+1], t[i], g.v(g.zero))
			g.op3(x86.VPUNPCKLWD, t[i], t[i], g.v(g.zero))
		}
		for i := range 4 {
			g.op3(x86.VPADDD, acc[i], acc[i], g.v(t[i]))
		}
	}
}

// SumOrder tells where in the int32 that PoolSum stores for a piece the sum of
// byte i is.
func SumOrder(p Piece, i int) int {
	return i%16/4*int(p.Width())/4 + i/16*4 + i%4
}

// finishWindow turns the accumulators to results and stores them.
func (g *poolGen) finishWindow() {
	for u := range g.unroll {
		a := g.acc[u*g.per:][:g.per]
		switch g.kind {
		case PoolSum:
			for i, r := range a {
				g.emit(x86.VMOVDQU, x86.M(poolOut, i*int(g.width)), g.v(r))
			}
			continue
		case Pool16:
			g.average16(a)
			g.op3(x86.VPACKUSWB, a[0], a[0], g.v(a[1]))
		case Pool32:
			for _, r := range a {
				g.average32(r)
			}
			g.op3(x86.VPACKSSDW, a[0], a[0], g.v(a[1]))
			g.op3(x86.VPACKSSDW, a[2], a[2], g.v(a[3]))
			g.op3(x86.VPACKUSWB, a[0], a[0], g.v(a[2]))
		}
		g.op3(x86.VPMAXUB, a[0], a[0], g.lo)
		g.op3(x86.VPMINUB, a[0], a[0], g.hi)
		g.storePiece(g.piece, x86.M(poolOut, u*int(g.piece)), a[0])
	}
}

// average16 divides words: see Reciprocal16.
func (g *poolGen) average16(a []int) {
	t := g.t
	broadcast := func(r, off int) { g.emit(x86.VPBROADCASTW, g.v(r), x86.M(poolWindow, off)) }
	broadcast(t[0], windowHalf)
	broadcast(t[1], windowBelow)
	broadcast(t[2], windowLeft)
	broadcast(t[3], windowFactor)
	for _, r := range a {
		g.op3(x86.VPSUBW, t[4], r, g.v(t[1]))
		g.emit(x86.VPSRAW, g.v(t[4]), g.v(t[4]), x86.I(15))
		g.op3(x86.VPADDW, r, r, g.v(t[0]))
		g.op3(x86.VPADDW, r, r, g.v(t[4]))
		g.op3(x86.VPMULLW, r, r, g.v(t[2]))
		g.op3(x86.VPMULHW, r, r, g.v(t[3]))
		if g.shift > 0 {
			g.emit(x86.VPSRLW, g.v(r), g.v(r), x86.I(g.shift))
		}
	}
}

// average32 divides dwords: see Reciprocal32.
func (g *poolGen) average32(r int) {
	t := g.t
	g.emit(x86.VPBROADCASTD, g.v(t[0]), x86.M(poolWindow, windowBelow))
	g.op3(x86.VPSUBD, t[0], r, g.v(t[0]))
	g.emit(x86.VPSRAD, g.v(t[0]), g.v(t[0]), x86.I(31))
	g.op3(x86.VPADDD, r, r, g.v(t[0]))
	g.emit(x86.VPBROADCASTD, g.v(t[0]), x86.M(poolWindow, windowHalf))
	g.op3(x86.VPADDD, r, r, g.v(t[0]))
	g.emit(x86.VPBROADCASTD, g.v(t[0]), x86.M(poolWindow, windowFactor))
	g.emit(x86.VPBROADCASTQ, g.v(t[1]), x86.M(poolWindow, windowRight))
	g.emit(x86.VPSRLQ, g.v(t[2]), g.v(r), x86.I(32))
	g.op3(x86.VPMULUDQ, r, r, g.v(t[0]))
	g.op3(x86.VPMULUDQ, t[2], t[2], g.v(t[0]))
	g.op3(x86.VPSRLVQ, r, r, g.v(t[1]))
	g.op3(x86.VPSRLVQ, t[2], t[2], g.v(t[1]))
	g.emit(x86.VPSLLQ, g.v(t[2]), g.v(t[2]), x86.I(32))
	g.op3(x86.VPOR, r, r, g.v(t[2]))
}
