package emit

import (
	"qtune/kernels/x86"
	"qtune/schedules"
)

// ShuffleBytes is the size of the vectors that Shuffle makes.
const ShuffleBytes = 16

// MaxShuffleWindows is how many windows of the input Shuffle puts together.
const MaxShuffleWindows = 8

// A ShuffleRecord of n windows says how to make a vector: n masks of 16 bytes
// (VPSHUFB's: the index of each byte in its window, or 0x80), then int32: where
// each window and, last, the vector is, from their MoveLine.
func ShuffleRecord(n int) (bytes, offsets int) { return 20*n + 4, 16 * n }

// Shuffle writes the program that makes Big vectors, by the ShuffleRecords of n
// windows at Params, for each of NRows MoveLines (at Rows).
func Shuffle(isa schedules.ISA, n int) *x86.Program {
	g := newGen("shuffle", isa, x86.W128)
	size, offsets := ShuffleRecord(n)
	const acc, t = 0, 1
	g.emit(x86.MOV, x86.R(moveLine), arg(argRows))
	g.level1(argNRows, moveLines, func() {
		g.emit(x86.MOV, x86.R(moveIn), x86.M(moveLine, 0))
		g.emit(x86.MOV, x86.R(moveOut), x86.M(moveLine, moveLineOut))
		g.emit(x86.MOV, x86.R(moveRun), arg(argParams))
		g.level1(argBig, moveRuns, func() {
			for i := range n {
				r := t
				if i == 0 {
					r = acc
				}
				g.emit(x86.MOVSXD, x86.R(moveFrom), x86.M(moveRun, offsets+4*i))
				g.emit(x86.VMOVDQU, g.v(r), x86.MX(moveIn, moveFrom, 1, 0))
				g.op3(x86.VPSHUFB, r, r, x86.M(moveRun, 16*i))
				if i > 0 {
					g.op3(x86.VPOR, acc, acc, g.v(t))
				}
			}
			g.emit(x86.MOVSXD, x86.R(moveTo), x86.M(moveRun, offsets+4*n))
			g.emit(x86.VMOVDQU, x86.MX(moveOut, moveTo, 1, 0), g.v(acc))
			g.addImm(moveRun, size)
		})
		g.addImm(moveLine, moveLineBytes)
	})
	return g.finish()
}
