package emit

import (
	"slices"

	"qtune/kernels/x86"
	"qtune/schedules"
)

// rowRegs hold the addresses of the input rows of the group at hand.
var rowRegs = [4]x86.Reg{x86.RAX, x86.RBX, x86.RCX, x86.R8}

type depthwiseGen struct {
	*gen
	plan  *DepthwisePlan
	nest  nest
	end   epilogue
	per   int   // pixels that a vector of the block at hand holds
	rest  bool  // the block at hand has residual weights
	first int   // first vector register that is not held throughout
	kept  []int // registers of the weights, where they are kept: [column][vector]
}

func newDepthwiseGen(p *DepthwisePlan) *depthwiseGen {
	return &depthwiseGen{
		gen:  newGen("depthwise", p.ISA, p.width()),
		plan: p,
		per:  1,
		nest: nest{p.Order, map[byte][]x86.Reg{
			'y': {regRows, regOut},
			'x': {regX, regOut},
			'c': {regX, regBlock, regParams, regOut},
		}},
		end: epilogue{kind: p.Requant, perChannel: p.Workload.PerChannel, pack: true, width: p.width(), block: &p.Block, consts: &p.Consts},
	}
}

// DepthwiseProgram writes the program of a plan: for the steps of rows and the
// channel blocks that the argument block names (Args.NRows counts steps), all
// pixels of a row.
func DepthwiseProgram(p *DepthwisePlan) *x86.Program {
	g := newDepthwiseGen(p)
	for _, r := range []struct {
		reg x86.Reg
		off int
	}{{regRows, argRows}, {regOut, argOut}, {regParams, argParams}, {regBlock, argWeights}, {regConsts, argConsts}} {
		g.emit(x86.MOV, x86.R(r.reg), arg(r.off))
	}
	g.emit(x86.MOV, x86.R(regX), arg(argInAt))
	g.evenMask()
	if p.MaskedLoads {
		g.setMask(maskLoad, x86.RAX, 1<<p.Channels-1)
	}
	g.holdConstants()
	g.loops(0, Section{})
	return g.finish()
}

// holdConstants hands registers to weights and constants of the layer that stay in
// them, and loads the constants: loads are what limits tiles of few columns.
func (g *depthwiseGen) holdConstants() {
	p := g.plan
	if !p.KeepWeights {
		return
	}
	g.kept = g.vec(4 * p.Workload.KW)
	g.end.held = map[string]int{}
	names := []string{"lo8", "hi8"}
	if !p.Workload.PerChannel {
		names = append(p.Requant.fields(false), names...)
	}
	for _, name := range names[:min(len(names), schedules.HeldConstants)] {
		reg := g.vec(1)[0]
		g.emit(x86.VMOVDQU, g.v(reg), constant(&p.Consts, name))
		g.end.held[name] = reg
	}
	g.first = g.next
}

// keepWeights loads the weights of a channel block, those of the first output row
// of a step.
func (g *depthwiseGen) keepWeights() {
	for i, reg := range g.kept {
		g.emit(x86.VMOVDQU, g.v(reg), x86.M(regBlock, g.plan.WeightOffset(i/4, 0, 0, i%4)))
	}
}

// loops emits the loops of the plan's order from depth on.
func (g *depthwiseGen) loops(depth int, s Section) {
	if depth == len(g.plan.Order) {
		g.tile(s)
		return
	}
	p := g.plan
	switch p.Order[depth] {
	case 'y':
		g.level(g.nest, depth, arg(argNRows), func() { g.loops(depth+1, s) }, func() {
			g.addImm(regRows, 8*p.Workload.StrideH*p.RowsPerStep)
			for range p.RowsPerStep {
				g.emit(x86.ADD, x86.R(regOut), arg(argOutRow))
			}
		})
	case 'x':
		sections := p.Sections
		if g.per > 1 {
			sections = p.TailSections
		}
		for _, section := range sections {
			g.xLevel(depth, section)
		}
	case 'c':
		if p.FullBlocks > 0 {
			g.cLevel(depth, argBlocks, s)
		}
		if p.TailChannels > 0 {
			back := p.FullBlocks*p.Vector - p.FirstChannel(p.FullBlocks)
			g.addImm(regX, -back)
			g.addImm(regOut, -back)
			g.per = p.TailPixels()
			g.cLevel(depth, argTail, s)
			g.per = 1
		}
	}
}

func (g *depthwiseGen) xLevel(depth int, s Section) {
	move := func(pixels int) {
		g.addImm(regX, pixels*g.plan.Workload.StrideW*g.plan.PixelBytes)
		g.advanceOut(pixels)
	}
	if g.plan.Flat {
		move = func(bytes int) {
			g.addImm(regX, bytes)
			g.addImm(regOut, bytes)
		}
	}
	if s.Back != 0 {
		move(-s.Back)
	}
	g.level(g.nest, depth, x86.I(s.Count), func() { g.loops(depth+1, s) }, func() {
		if g.plan.Flat {
			move(g.plan.Vector)
		} else {
			move(s.Pixels * g.per)
		}
	})
}

func (g *depthwiseGen) cLevel(depth, count int, s Section) {
	p := g.plan
	body := func() {
		g.keepWeights()
		if p.Residual {
			g.withResiduals(func() { g.loops(depth+1, s) })
		} else {
			g.loops(depth+1, s)
		}
	}
	g.level(g.nest, depth, arg(count), body, func() {
		g.addImm(regX, p.Vector)
		g.addImm(regOut, p.Vector)
		g.addImm(regBlock, p.BlockWeights)
		g.addImm(regParams, 4*p.Block.Bytes)
	})
}

// depthwiseRegs are the vector registers of a tile.
type depthwiseRegs struct {
	acc  [][][]int // [output row][pixel][vector]
	q    []int     // interleaved rows of a column
	t    []int     // temporaries
	zero int       // pair: zero
}

// tile emits one tile: accumulators from the bias, all groups of rows with all
// columns, requantisation and stores.
func (g *depthwiseGen) tile(s Section) {
	g.next = g.first
	r := g.accumulators(s)
	for group := range g.plan.Groups() {
		rows := min(g.plan.Group, len(g.plan.RowOffsets)-group*g.plan.Group)
		for i := range rows {
			off := 8 * g.plan.RowOffsets[group*g.plan.Group+i]
			g.emit(x86.MOV, x86.R(rowRegs[i]), x86.M(regRows, off))
			g.emit(x86.ADD, x86.R(rowRegs[i]), x86.R(regX))
		}
		g.columns(s, r, group, rows)
	}
	g.conclude(r)
}

// conclude emits what follows the reduction of a tile: the epilogue.
func (g *depthwiseGen) conclude(r depthwiseRegs) {
	g.next = r.q[0]
	tmp := g.vec(3)
	var all [][]int
	for _, row := range r.acc {
		all = append(all, row...)
	}
	g.requantise(&g.end, all, tmp)
	g.emit(x86.MOV, x86.R(x86.RAX), x86.R(regOut))
	for ry, row := range r.acc {
		if ry > 0 {
			g.emit(x86.MOV, x86.R(x86.RAX), x86.R(regOut))
			for range ry {
				g.emit(x86.ADD, x86.R(x86.RAX), arg(argOutRow))
			}
		}
		g.emit(x86.MOV, x86.R(x86.RCX), arg(argOutPix))
		if g.per > 1 {
			g.storePixels(&g.end, row, g.plan.TailChannels)
		} else {
			g.store(&g.end, tile{row, g.plan.Channels}, tmp)
		}
	}
}

func (g *depthwiseGen) accumulators(s Section) depthwiseRegs {
	var r depthwiseRegs
	for range g.plan.RowsPerStep {
		var row [][]int
		for range s.Pixels {
			row = append(row, g.vec(4))
		}
		r.acc = append(r.acc, row)
	}
	for ry, row := range r.acc {
		for m, pixel := range row {
			for v, a := range pixel {
				if ry+m == 0 {
					g.emit(x86.VMOVDQU, g.v(a), g.end.param(v, "bias"))
				} else {
					g.emit(x86.VMOVDQU, g.v(a), g.v(r.acc[0][0][v]))
				}
			}
		}
	}
	r.q, r.t = g.vec(4), g.vec(2)
	third := g.vec(1)[0]
	if g.plan.Quad {
		r.t = append(r.t, third)
		return r
	}
	r.zero = third
	g.emit(x86.VPXOR, g.v(r.zero), g.v(r.zero), g.v(r.zero))
	return r
}

// columns reads each input column of the tile once and adds it to all output
// pixels that see it.
func (g *depthwiseGen) columns(s Section, r depthwiseRegs, group, rows int) {
	w := g.plan.Workload
	span := (s.Pixels*g.per-1)*w.StrideW + (w.KW-1)*w.DilationW + 1
	for col := range span {
		read, outside := false, s.outside(span, col, w.StrideW, g.per)
		for m := range s.Pixels {
			kx := g.kx(col, m*g.per)
			if kx < 0 {
				continue
			}
			if !read {
				read = true
				g.column(r, outside, rows, col)
			}
			weights := func(ry, v int) x86.Operand { return x86.M(regBlock, g.plan.WeightOffset(kx, group, ry, v)) }
			if g.kept != nil {
				weights = func(_, v int) x86.Operand { return g.v(g.kept[4*kx+v]) }
			}
			constant := !slices.Contains(outside, false)
			for v := range 4 {
				g.taps(r, m, group, v, constant, weights)
			}
			if g.rest {
				g.residualTaps(r, m, kx, group, constant)
			}
		}
	}
}

// kx tells which column of the window of pixel m the tile's column col is, or
// -1.
func (g *depthwiseGen) kx(col, m int) int {
	w := g.plan.Workload
	at := col - m*w.StrideW
	if at < 0 || at%w.DilationW != 0 || at/w.DilationW >= w.KW {
		return -1
	}
	return at / w.DilationW
}

// taps adds vector v of the column in r.q to pixel m of all output rows. A column
// outside the input is the same in all channels: one vector stands for all.
func (g *depthwiseGen) taps(r depthwiseRegs, m, group, v int, outside bool, weights func(ry, v int) x86.Operand) {
	p := g.plan
	for ry := range p.RowsPerStep {
		if !p.uses(group, ry) {
			continue
		}
		q, a, w := r.q[v], r.acc[ry][m][v], weights(ry, v)
		if outside {
			q = r.q[0]
		}
		switch {
		case g.kept != nil:
			g.op3(x86.VPDPBUSD, a, g.rowOf(r, q, ry), w)
		case p.Quad:
			g.op3(x86.VPDPBUSD, a, q, w)
		case p.ISA != schedules.AVX2:
			g.op3(x86.VPDPWSSD, a, q, w)
		default:
			g.op3(x86.VPMADDWD, r.t[0], q, w)
			g.emit(x86.VPADDD, g.v(a), g.v(a), g.v(r.t[0]))
		}
	}
}

// rowOf returns a register with the rows of q as output row ry sees them, for
// weights that are kept: those of the first output row. The rows of the next ones
// move down by as many bytes as they are apart.
func (g *depthwiseGen) rowOf(r depthwiseRegs, q, ry int) int {
	if ry == 0 {
		return q
	}
	g.emit(x86.VPSRLD, g.v(r.t[0]), g.v(q), x86.I(8*ry*g.plan.Workload.StrideH))
	return r.t[0]
}
