package emit

import (
	"qtune/kernels/x86"
	"qtune/schedules"
)

// A MoveLine is where the runs of a call of Move start from: addresses.
type MoveLine struct{ In, Out uintptr }

// A MoveRun is where a run of a line is: bytes from its MoveLine. A test holds
// the offsets.
type MoveRun struct{ In, Out int32 }

// MaxShortRun is the length of the longest run that Move copies without a loop.
const MaxShortRun = 64

const (
	moveLineBytes, moveLineOut = 16, 8
	moveRunBytes, moveRunOut   = 8, 4
)

// Registers of Move.
const (
	moveLine, moveLines = x86.R8, x86.R14
	moveRun, moveRuns   = x86.RSI, x86.R13
	moveIn, moveOut     = x86.R9, x86.R10
	moveFrom, moveTo    = x86.RAX, x86.RDX
	moveLow, moveHigh   = x86.RBX, x86.R11
	moveSteps           = x86.RCX
)

// Move writes the program that copies runs of n bytes, at most MaxShortRun, or,
// if n is 0, of Blocks steps of p and one that ends Tail bytes after them: for
// each of NRows MoveLines (at Rows) Big MoveRuns (at Params).
func Move(isa schedules.ISA, p Piece, n int) *x86.Program {
	g := newGen("move", isa, p.Width())
	g.emit(x86.MOV, x86.R(moveLine), arg(argRows))
	g.level1(argNRows, moveLines, func() {
		g.emit(x86.MOV, x86.R(moveIn), x86.M(moveLine, 0))
		g.emit(x86.MOV, x86.R(moveOut), x86.M(moveLine, moveLineOut))
		g.emit(x86.MOV, x86.R(moveRun), arg(argParams))
		g.level1(argBig, moveRuns, func() {
			g.emit(x86.MOVSXD, x86.R(moveFrom), x86.M(moveRun, 0))
			g.emit(x86.MOVSXD, x86.R(moveTo), x86.M(moveRun, moveRunOut))
			g.emit(x86.ADD, x86.R(moveFrom), x86.R(moveIn))
			g.emit(x86.ADD, x86.R(moveTo), x86.R(moveOut))
			if n > 0 {
				g.copyShort(n)
			} else {
				g.copyLong(p)
			}
			g.addImm(moveRun, moveRunBytes)
		})
		g.addImm(moveLine, moveLineBytes)
	})
	return g.finish()
}

// copyShort copies n bytes in two pieces, which may overlap, or one.
func (g *gen) copyShort(n int) {
	size := 1
	for 2*size <= n && size < 32 {
		size *= 2
	}
	g.fetch(size, 0, 0)
	if n > size {
		g.fetch(size, 1, n-size)
		g.save(size, 1, n-size)
	}
	g.save(size, 0, 0)
}

// fetch reads size bytes at off of the run into temporary i, save writes them.
func (g *gen) fetch(size, i, off int) {
	r, mem := x86.R([]x86.Reg{moveLow, moveHigh}[i]), x86.M(moveFrom, off)
	switch size {
	case 1:
		g.emit(x86.MOVZXB, r, mem)
	case 2:
		g.emit(x86.MOVZXW, r, mem)
	case 4:
		g.emit(x86.MOVL, r, mem)
	case 8:
		g.emit(x86.MOV, r, mem)
	default:
		g.emit(x86.VMOVDQU, x86.V(x86.Width(size), i), mem)
	}
}

func (g *gen) save(size, i, off int) {
	r, mem := x86.R([]x86.Reg{moveLow, moveHigh}[i]), x86.M(moveTo, off)
	switch size {
	case 1:
		g.emit(x86.MOVB, mem, r)
	case 2:
		g.emit(x86.MOVW, mem, r)
	case 4:
		g.emit(x86.MOVL, mem, r)
	case 8:
		g.emit(x86.MOV, mem, r)
	default:
		g.emit(x86.VMOVDQU, mem, x86.V(x86.Width(size), i))
	}
}

// copyLong copies Blocks pieces and the last, which may overlap.
func (g *gen) copyLong(p Piece) {
	move := func() {
		g.emit(x86.VMOVDQU, g.v(0), x86.M(moveFrom, 0))
		g.emit(x86.VMOVDQU, x86.M(moveTo, 0), g.v(0))
	}
	g.level1(argBlocks, moveSteps, func() {
		move()
		g.addImm(moveFrom, int(p))
		g.addImm(moveTo, int(p))
	})
	for _, r := range []x86.Reg{moveFrom, moveTo} {
		g.emit(x86.ADD, x86.R(r), arg(argTail))
		g.addImm(r, -int(p))
	}
	move()
}
