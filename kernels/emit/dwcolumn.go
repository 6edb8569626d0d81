package emit

import (
	"slices"

	"qtune/kernels/x86"
)

// column loads rows of the column col, or of as many columns as a vector holds, and
// interleaves them into r.q.
func (g *depthwiseGen) column(r depthwiseRegs, outside []bool, rows, col int) {
	if !slices.Contains(outside, false) {
		g.emit(x86.VMOVDQU, g.v(r.q[0]), constant(&g.plan.Consts, "pad"))
		return
	}
	q, t := r.q, r.t
	load := func(reg, i int) int {
		if i >= rows { // weights of rows that do not exist are zero
			return t[0]
		}
		g.loadColumns(reg, rowRegs[i], col, outside)
		return reg
	}
	a, b := load(t[0], 0), load(t[1], 1)
	g.op3(x86.VPUNPCKLBW, q[0], a, g.v(b))
	g.op3(x86.VPUNPCKHBW, q[2], a, g.v(b))
	if !g.plan.Quad {
		g.op3(x86.VPUNPCKHBW, q[1], q[0], g.v(r.zero))
		g.op3(x86.VPUNPCKLBW, q[0], q[0], g.v(r.zero))
		g.op3(x86.VPUNPCKHBW, q[3], q[2], g.v(r.zero))
		g.op3(x86.VPUNPCKLBW, q[2], q[2], g.v(r.zero))
		return
	}
	if rows > 2 {
		a, b = load(t[0], 2), load(t[1], 3)
		g.op3(x86.VPUNPCKLBW, t[2], a, g.v(b))
		g.op3(x86.VPUNPCKHBW, t[0], a, g.v(b))
	} else { // any bytes do
		g.emit(x86.VMOVDQU, g.v(t[2]), g.v(q[0]))
		g.emit(x86.VMOVDQU, g.v(t[0]), g.v(q[2]))
	}
	g.op3(x86.VPUNPCKHWD, q[1], q[0], g.v(t[2]))
	g.op3(x86.VPUNPCKLWD, q[0], q[0], g.v(t[2]))
	g.op3(x86.VPUNPCKHWD, q[3], q[2], g.v(t[0]))
	g.op3(x86.VPUNPCKLWD, q[2], q[2], g.v(t[0]))
}

// loadColumns loads the channels of column col of the row at base, or of as many
// columns, a stride apart, as a vector holds. Those outside the input are constant.
func (g *depthwiseGen) loadColumns(reg int, base x86.Reg, col int, outside []bool) {
	p := g.plan
	pixel := p.PixelBytes
	if p.Flat { // a column is as far from the next as a pixel's channels
		pixel = p.Workload.C
	}
	for i := range outside {
		mem := x86.M(base, (col+i*p.Workload.StrideW)*pixel)
		if outside[i] {
			mem = constant(&p.Consts, "pad")
		}
		switch {
		case len(outside) > 1:
			g.insertPart(reg, i, p.TailChannels, mem)
		case p.MaskedLoads:
			g.p.EmitMasked(x86.VMOVDQU8, maskLoad, true, g.v(reg), mem)
		default:
			g.emit(x86.VMOVDQU, g.v(reg), mem)
		}
	}
}

// insertPart loads part i of a vector, of 16 or 32 bytes; the first clears the rest.
func (g *gen) insertPart(reg, i, bytes int, mem x86.Operand) {
	switch {
	case i == 0:
		g.emit(x86.VMOVDQU, x86.V(x86.Width(bytes), reg), mem)
	case bytes == 32:
		g.emit(x86.VINSERTI64X4, g.v(reg), g.v(reg), mem, x86.I(i))
	case g.masks():
		g.emit(x86.VINSERTI32X4, g.v(reg), g.v(reg), mem, x86.I(i))
	default:
		g.emit(x86.VINSERTI128, g.v(reg), g.v(reg), mem, x86.I(i))
	}
}

// outside tells which of the per columns from col on, stride apart, lie outside the
// input. The tile reads span columns.
func (s Section) outside(span, col, stride, per int) []bool {
	list := make([]bool, per)
	for i := range list {
		list[i] = col < s.Left || col >= span-s.Right
		col += stride
	}
	return list
}
