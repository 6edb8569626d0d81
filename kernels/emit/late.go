package emit

import "qtune/kernels/x86"

// Where reductions are short, much of the time goes into epilogues. They use other
// parts of the core than dot products, but these wait in queues which the next
// tile's dot products do not reach before the epilogue has left. A late epilogue
// (st=late) has registers of its own, and its instructions stand between those of
// the next tile's reduction.

// A lateTile has the registers of a tile that is reduced, and of the one before.
type lateTile struct {
	acc, pending [][]int
	tmp          []int
	free         int // first register that is left
}

// prepareLate loads constants of the layer into the registers that are left.
func (g *convGen) prepareLate() {
	p := g.plan
	probe := newConvGen(p)
	left := g.regs - probe.reduceLate(tileShape{p.Big, p.NV, p.NV * p.Lanes}).free
	var names []string
	if !p.Workload.PerChannel {
		names = p.Requant.fields(false)
	}
	names = append(names, "lo8", "hi8")
	switch p.NV {
	case 1:
		names = append(names, "perm1")
	case 2:
		names = append(names, "perm2")
	}
	g.end.held = map[string]int{}
	for _, name := range names[:min(left, len(names))] {
		g.end.held[name] = g.vec(1)[0]
		g.emit(x86.VMOVDQU, g.v(g.end.held[name]), constant(&p.Consts, name))
	}
	g.free = g.next
	g.in = x86.R15 // the epilogue uses regIn
}

// reduceLate emits the reduction of a tile.
func (g *convGen) reduceLate(t tileShape) lateTile {
	l := lateTile{acc: g.reduce(t).acc[0]}
	for range t.pixels {
		l.pending = append(l.pending, g.vec(t.nv))
	}
	l.tmp, l.free = g.vec(3), g.next
	return l
}

// lateTiles emits the innermost loop over tiles, the number of which is in the
// argument block.
func (g *convGen) lateTiles(count int, t tileShape) {
	skip, head, last := g.p.NewLabel(), g.p.NewLabel(), g.p.NewLabel()
	g.emit(x86.MOV, x86.R(regInner), arg(count))
	g.emit(x86.TEST, x86.R(regInner), x86.R(regInner))
	g.emit(x86.JE, x86.L(skip))
	l := g.reduceLate(t)
	g.advanceReduction(t, l)
	g.emit(x86.DEC, x86.R(regInner))
	g.emit(x86.JE, x86.L(last))

	g.p.Place(head)
	first := len(g.p.Insts)
	g.reduceLate(t)
	second := len(g.p.Insts)
	g.concludeLate(t, l)
	interleave(g.p.Insts[first:], second-first)
	g.advanceReduction(t, l)
	g.advanceOut(t.pixels)
	g.emit(x86.DEC, x86.R(regInner))
	g.emit(x86.JNE, x86.L(head))

	g.p.Place(last)
	g.concludeLate(t, l)
	g.advanceOut(t.pixels)
	g.p.Place(skip)
}

// advanceReduction puts a reduced tile aside, and goes to the next one. The moves
// of registers take no time: the core renames them.
func (g *convGen) advanceReduction(t tileShape, l lateTile) {
	for m, pixel := range l.acc {
		for v, a := range pixel {
			g.emit(x86.VMOVDQU, g.v(l.pending[m][v]), g.v(a))
		}
	}
	g.advanceIn(t.pixels)
}

func (g *convGen) concludeLate(t tileShape, l lateTile) {
	g.next = l.free
	g.conclude(t, l.pending, l.tmp)
}

// interleave spreads the first n instructions evenly over the others.
func interleave(all []x86.Inst, n int) {
	a, b := append([]x86.Inst{}, all[:n]...), append([]x86.Inst{}, all[n:]...)
	merged := all[:0]
	for i, in := range a {
		merged = append(merged, in)
		merged = append(merged, b[i*len(b)/n:(i+1)*len(b)/n]...)
	}
}
