package emit

import "qtune/kernels/x86"

// A nest is an order of loops over c (channel blocks), y (rows) and x (tiles),
// and the registers that each of them advances.
type nest struct {
	order string
	moved map[byte][]x86.Reg
}

// level emits the loop at depth: count rounds, perhaps none. Registers that
// inner loops move are put back before advance. RAX is free outside of body.
func (g *gen) level(n nest, depth int, count x86.Operand, body, advance func()) {
	counter := slot(10 + depth)
	if depth == len(n.order)-1 {
		counter = x86.R(regInner)
	}
	skip, head := g.p.NewLabel(), g.p.NewLabel()
	g.emit(x86.MOV, x86.R(x86.RAX), count)
	if count.Kind != x86.KindImm {
		g.emit(x86.TEST, x86.R(x86.RAX), x86.R(x86.RAX))
		g.emit(x86.JE, x86.L(skip))
	}
	g.emit(x86.MOV, counter, x86.R(x86.RAX))
	g.p.Place(head)
	saved := n.saved(depth)
	for i, r := range saved {
		g.emit(x86.MOV, slot(5*depth+i), x86.R(r))
	}
	body()
	for i, r := range saved {
		g.emit(x86.MOV, x86.R(r), slot(5*depth+i))
	}
	advance()
	g.emit(x86.DEC, counter)
	g.emit(x86.JNE, x86.L(head))
	g.p.Place(skip)
}

// saved lists the registers that the loops inside depth move.
func (n nest) saved(depth int) []x86.Reg {
	var regs []x86.Reg
	seen := map[x86.Reg]bool{}
	for _, dim := range []byte(n.order[depth+1:]) {
		for _, r := range n.moved[dim] {
			if !seen[r] {
				seen[r] = true
				regs = append(regs, r)
			}
		}
	}
	return regs
}

// advanceOut moves the output by n pixels.
func (g *gen) advanceOut(pixels int) {
	g.emit(x86.MOV, x86.R(x86.RAX), arg(argOutPix))
	g.emit(x86.IMUL, x86.R(x86.RAX), x86.R(x86.RAX), x86.I(pixels))
	g.emit(x86.ADD, x86.R(regOut), x86.R(x86.RAX))
}
