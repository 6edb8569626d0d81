package emit

import (
	"qtune/kernels/x86"
	"qtune/schedules"
)

// Programs of operators without weights work in steps of a Piece: a vector of
// 64, 32 or 16 bytes, or 8, 4, 2 or 1 bytes of one. A row that is no whole
// number of steps ends with a step that overlaps the one before, so the largest
// piece that fits a row serves the whole row and nothing is read or written
// outside of it.
type Piece int

// Width is the width of the vectors in which the piece is computed.
func (p Piece) Width() x86.Width { return x86.Width(max(p, 16)) }

// PieceFor returns the largest piece of isa that fits n >= 1 bytes.
func PieceFor(isa schedules.ISA, n int) Piece {
	_, lanes := schedules.Registers(isa)
	p := 4 * lanes
	for p > n {
		p /= 2
	}
	return Piece(p)
}

// Repeat tells of which operands of an elementwise program a row is one byte,
// which serves the whole row of the result: broadcasting of the last dimension.
type Repeat [2]bool

// loadOperand reads a piece of the first (0) or second (1) operand.
func (g *gen) loadOperand(p Piece, r, operand int) {
	mem := x86.M([]x86.Reg{elemA, elemB}[operand], 0)
	if g.repeat[operand] {
		g.emit(x86.VPBROADCASTB, g.v(r), mem)
		return
	}
	g.loadPiece(p, r, mem)
}

// loadPiece reads a piece into vector r; bytes beyond it are arbitrary.
func (g *gen) loadPiece(p Piece, r int, mem x86.Operand) {
	switch p {
	case 16: // also of wider programs
		g.emit(x86.VMOVDQU, x86.X(r), mem)
	case 8:
		g.emit(x86.VMOVQ, x86.X(r), mem)
	case 4:
		g.emit(x86.VMOVD, x86.X(r), mem)
	case 2:
		g.emit(x86.VPINSRW, x86.X(r), x86.X(r), mem, x86.I(0))
	case 1:
		g.emit(x86.VPINSRB, x86.X(r), x86.X(r), mem, x86.I(0))
	default:
		g.emit(x86.VMOVDQU, g.v(r), mem)
	}
}

// storePiece writes a piece from vector r.
func (g *gen) storePiece(p Piece, mem x86.Operand, r int) {
	switch p {
	case 16:
		g.emit(x86.VMOVDQU, mem, x86.X(r))
	case 8:
		g.emit(x86.VMOVQ, mem, x86.X(r))
	case 4:
		g.emit(x86.VMOVD, mem, x86.X(r))
	case 2:
		g.emit(x86.VPEXTRW, mem, x86.X(r), x86.I(0))
	case 1:
		g.emit(x86.VPEXTRB, mem, x86.X(r), x86.I(0))
	default:
		g.emit(x86.VMOVDQU, mem, g.v(r))
	}
}

// Registers of elementwise programs.
const (
	elemA, elemB, elemY          = x86.RSI, x86.RBX, x86.RAX // the step's operands and result
	elemRowA, elemRowB, elemRowY = x86.R8, x86.R10, x86.R11  // the row's
	elemRows, elemSteps          = x86.R14, x86.RCX
)

// elementwise emits the loops of a program that computes Args.NRows rows of
// Args.Blocks >= 1 steps, and one more that ends Args.Tail bytes after them
// where Tail is not 0 (it starts before them: |Tail| < p). Operands start at In
// and In2, InRow and In2Row apart, results at Out, OutRow apart.
func (g *gen) elementwise(p Piece, body func()) *x86.Program {
	sizes := [3]int{1, 1, 1}
	for i, repeated := range g.repeat {
		if repeated {
			sizes[i] = 0
		}
	}
	return g.elements(p, sizes, body)
}

// elements is elementwise for operands and results whose elements have sizes
// bytes, of which a step takes p; 0 for an operand that stays where it is.
func (g *gen) elements(p Piece, sizes [3]int, body func()) *x86.Program {
	g.emit(x86.MOV, x86.R(elemRowA), arg(argIn))
	g.emit(x86.MOV, x86.R(elemRowB), arg(argIn2))
	g.emit(x86.MOV, x86.R(elemRowY), arg(argOut))
	move := []x86.Reg{elemA, elemB, elemY}
	g.level1(argNRows, elemRows, func() {
		for i, row := range []x86.Reg{elemRowA, elemRowB, elemRowY} {
			g.emit(x86.MOV, x86.R(move[i]), x86.R(row))
		}
		g.level1(argBlocks, elemSteps, func() {
			body()
			for i, r := range move {
				g.addImm(r, int(p)*sizes[i])
			}
		})
		done := g.p.NewLabel()
		g.emit(x86.MOV, x86.R(elemSteps), arg(argTail))
		g.emit(x86.TEST, x86.R(elemSteps), x86.R(elemSteps))
		g.emit(x86.JE, x86.L(done))
		for i, r := range move {
			if sizes[i] > 0 {
				g.emit(x86.LEA, x86.R(r), x86.MX(r, elemSteps, sizes[i], -int(p)*sizes[i]))
			}
		}
		body()
		g.p.Place(done)
		g.emit(x86.ADD, x86.R(elemRowA), arg(argInRow))
		g.emit(x86.ADD, x86.R(elemRowB), arg(argIn2Row))
		g.emit(x86.ADD, x86.R(elemRowY), arg(argOutRow))
	})
	return g.finish()
}

// constants loads n vectors of constants into registers, as many as there are,
// and returns how to reach each.
func (g *gen) constants(n int) []x86.Operand {
	all := make([]x86.Operand, n)
	for i := range all {
		all[i] = x86.M(regConsts, i*int(g.width))
		if g.next < g.regs {
			r := g.vec(1)[0]
			g.emit(x86.VMOVDQU, g.v(r), all[i])
			all[i] = g.v(r)
		}
	}
	return all
}

// Constants of Sum: vectors of the program's width.
const (
	SumFine   = iota // pairs of int16: fine parts of the factors of both operands
	SumCoarse        // pairs of int16: coarse parts, 2^16 times as much
	SumFineC         // int32: fine part of the constant
	SumCoarseC
	SumShift
	SumLo // bytes
	SumHi
	SumConstants
)

// Sum writes the program of a weighted sum of two bytes, such as ADD:
//
//	t = (coarse.a * x + coarse.b * y) * 2^16 + fine.a * x + fine.b * y + constant
//	y = clamp(t >> (16 + shift))
//
// The two parts never meet in one int32: a floor of a floor is one floor, so
// the fine part is shifted first.
func Sum(isa schedules.ISA, p Piece, repeat Repeat) *x86.Program {
	g := newGen("sum", isa, p.Width())
	g.repeat = repeat
	g.emit(x86.MOV, x86.R(regConsts), arg(argConsts))
	a, t, zero := g.vec(4), g.vec(2), g.vec(1)[0]
	g.emit(x86.VPXOR, g.v(zero), g.v(zero), g.v(zero))
	c := g.constants(SumConstants)
	return g.elementwise(p, func() {
		g.loadOperand(p, t[0], 0)
		g.loadOperand(p, t[1], 1)
		g.op3(x86.VPUNPCKLBW, a[0], t[0], g.v(t[1]))
		g.op3(x86.VPUNPCKHBW, a[2], t[0], g.v(t[1]))
		g.widenPairs(a, zero)
		for i, r := range a {
			f := t[i%2]
			g.op3(x86.VPMADDWD, f, r, c[SumFine])
			g.op3(x86.VPMADDWD, r, r, c[SumCoarse])
			g.op3(x86.VPADDD, f, f, c[SumFineC])
			g.op3(x86.VPADDD, r, r, c[SumCoarseC])
			g.emit(x86.VPSRAD, g.v(f), g.v(f), x86.I(16))
			g.op3(x86.VPADDD, r, r, g.v(f))
			g.op3(x86.VPSRAVD, r, r, c[SumShift])
		}
		g.op3(x86.VPACKSSDW, a[0], a[0], g.v(a[1]))
		g.op3(x86.VPACKSSDW, a[2], a[2], g.v(a[3]))
		g.op3(x86.VPACKUSWB, a[0], a[0], g.v(a[2]))
		g.op3(x86.VPMAXUB, a[0], a[0], c[SumLo])
		g.op3(x86.VPMINUB, a[0], a[0], c[SumHi])
		g.storePiece(p, x86.M(elemY, 0), a[0])
	})
}

// widenPairs widens the bytes of a[0] and a[2] to words in a[0] to a[3].
func (g *gen) widenPairs(a []int, zero int) {
	for i := 0; i < 4; i += 2 {
		g.op3(x86.VPUNPCKHBW, a[i+1], a[i], g.v(zero))
		g.op3(x86.VPUNPCKLBW, a[i], a[i], g.v(zero))
	}
}

// Constants of Lookup: vectors of the program's width.
const (
	Lookup70 = iota // bytes 0x70
	Lookup80
	Lookup16
	LookupRows      // 16 rows of the table in each 128 bits, all but 0 and 8 XORed with the row before
	LookupConstants = LookupRows + 16
)

// Lookup writes the program that replaces each byte by its entry in a table of
// 256. VPSHUFB looks up 16 entries by the low half of an index, and gives 0
// where bit 7 of it is set. With x < 128, x - 16k is negative for all rows k
// beyond x's own, so the XOR of all rows up to it remains: the row itself, as
// each is stored as its difference to the row before. The upper half of the
// table goes likewise by x - 128. Bytes of the other half are raised to 0xf0
// and more, which stays negative.
func Lookup(isa schedules.ISA, p Piece) *x86.Program {
	g := newGen("lookup", isa, p.Width())
	g.emit(x86.MOV, x86.R(regConsts), arg(argConsts))
	x, m, row, t := g.vec(1)[0], g.vec(1)[0], g.vec(1)[0], g.vec(2)
	low, acc := g.vec(2), g.vec(2)
	c := g.constants(LookupConstants)
	return g.elementwise(p, func() {
		g.loadPiece(p, x, x86.M(elemA, 0))
		g.op3(x86.VPSHUFB, m, int(c[Lookup70].N), g.v(x)) // 0x70 in the lower half
		g.op3(x86.VPXOR, low[0], m, c[Lookup70])
		g.op3(x86.VPOR, low[0], low[0], g.v(x))
		g.op3(x86.VPXOR, low[1], x, c[Lookup80])
		g.op3(x86.VPOR, low[1], low[1], g.v(m))
		for k := range 8 {
			for half := range 2 {
				r := c[LookupRows+8*half+k]
				if r.Kind == x86.KindMem {
					g.emit(x86.VMOVDQU, g.v(row), r)
					r = g.v(row)
				}
				if k == 0 {
					g.op3(x86.VPSHUFB, acc[half], int(r.N), g.v(low[half]))
					continue
				}
				g.op3(x86.VPSUBB, low[half], low[half], c[Lookup16])
				g.op3(x86.VPSHUFB, t[half], int(r.N), g.v(low[half]))
				g.op3(x86.VPXOR, acc[half], acc[half], g.v(t[half]))
			}
		}
		g.op3(x86.VPXOR, acc[0], acc[0], g.v(acc[1]))
		g.storePiece(p, x86.M(elemY, 0), acc[0])
	})
}
