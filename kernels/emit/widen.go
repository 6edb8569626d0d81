package emit

import (
	"qtune/kernels/x86"
	"qtune/schedules"
)

// Widen writes the program that prepares activations for VPMADDWD: it copies
// Args.NRows rows of n bytes each (from Args.In, InRow apart) to rows of n
// int16 (at Args.Out, OutRow apart) with the input's zero point subtracted, so
// that padding is zero and no zero point remains. Consts holds the zero point
// in 16 lanes of 16 bits.
func Widen(isa schedules.ISA, n int) *x86.Program {
	g := newGen("widen", isa, x86.W256)
	const (
		zero, x  = 0, 1
		src, dst = x86.RSI, x86.R9
	)
	g.emit(x86.MOV, x86.R(x86.R10), arg(argIn))
	g.emit(x86.MOV, x86.R(x86.R11), arg(argOut))
	g.emit(x86.MOV, x86.R(regConsts), arg(argConsts))
	g.emit(x86.VMOVDQU, x86.Y(zero), x86.M(regConsts, 0))
	block := func(off, reg int) {
		g.emit(x86.VPMOVZXBW, x86.Y(reg), x86.M(src, off))
		g.emit(x86.VPSUBW, x86.Y(reg), x86.Y(reg), x86.Y(zero))
		g.emit(x86.VMOVDQU, x86.M(dst, 2*off), x86.Y(reg))
	}
	g.level1(argNRows, x86.R14, func() {
		g.emit(x86.MOV, x86.R(src), x86.R(x86.R10))
		g.emit(x86.MOV, x86.R(dst), x86.R(x86.R11))
		rounds := n / 64
		if rounds > 0 {
			g.loop(regK, rounds, func() {
				for i := range 4 {
					block(16*i, x+i)
				}
				g.addImm(src, 64)
				g.addImm(dst, 128)
			})
		}
		rest := n % 64
		for off := 0; off+16 <= rest; off += 16 {
			block(off, x)
		}
		switch tail := rest % 16; {
		case tail == 0:
		case n >= 16: // overlap the block before
			block(rest-16, x)
		default:
			g.widenBytes(tail, src, dst)
		}
		g.emit(x86.ADD, x86.R(x86.R10), arg(argInRow))
		g.emit(x86.ADD, x86.R(x86.R11), arg(argOutRow))
	})
	return g.finish()
}

// widenBytes does n < 16 elements one by one.
func (g *gen) widenBytes(n int, src, dst x86.Reg) {
	g.emit(x86.MOVZXW, x86.R(x86.R15), x86.M(regConsts, 0))
	for i := range n {
		g.emit(x86.MOVZXB, x86.R(x86.RAX), x86.M(src, i))
		g.emit(x86.SUB, x86.R(x86.RAX), x86.R(x86.R15))
		g.emit(x86.MOVW, x86.M(dst, 2*i), x86.R(x86.RAX))
	}
}
