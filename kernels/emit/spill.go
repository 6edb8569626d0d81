package emit

import "qtune/kernels/x86"

// VPMADDUBSW multiplies unsigned by signed bytes and adds two products in 16 bits,
// with saturation: exact as long as the positive weights of a sum are at most 128
// together, and the negative ones too, for 255*128 < 2^15. VPADDW adds the sums of
// Depth steps, with the same limit for all of their weights; VPMADDWD with ones
// widens the sum. Where the weights of such a group are more than that, pack splits
// them: a group has what it can take, and the rest is done by further steps, the
// spill, of which each block of channels has its own list:
//
//	int64  entries
//	entry  [Depth]{int64 offset in the table of rows; int64 offset in the row}
//	       [Depth][nv][lanes][4] int8
//
// aligned to SpillAlign. It lies somewhere behind the weights: the spill constant of
// a block, an int64, is the distance from the block's weights.

// SpillAlign is the alignment of a list and of what its entries consist of.
const SpillAlign = 32

// SpillOffsets is the size of the offsets of an entry.
func (p *ConvPlan) SpillOffsets() int {
	return (16*p.Depth + SpillAlign - 1) / SpillAlign * SpillAlign
}

// SpillEntry is the size of an entry for a block of nv vectors.
func (p *ConvPlan) SpillEntry(nv int) int {
	return p.SpillOffsets() + p.Depth*nv*p.Lanes*4
}

// StepOffset is where in its segment step k reads. If the segment is no multiple of
// 4 bytes, the last step overlaps the one before.
func (p *ConvPlan) StepOffset(k int) int {
	segment := p.SegmentElements * p.ElementBytes
	return min(4*k, max(segment-4, 0))
}

// slotSpill counts the entries that are left.
const slotSpill = 15

// setOnes sets register r to ones of 16 bits.
func (g *gen) setOnes(r int) {
	g.emit(x86.MOV, x86.R(x86.RAX), x86.I(0x00010001))
	g.emit(x86.VMOVD, x86.X(r), x86.R(x86.RAX))
	g.emit(x86.VPBROADCASTD, g.v(r), x86.X(r))
}

// wordSteps emits steps that are added up in 16 bits: of the inputs of the tile's
// first pixel, and weights wdisp from regW.
func (g *convGen) wordSteps(t tileShape, r convRegs, inputs []x86.Operand, wdisp int) {
	stride := g.plan.Workload.StrideW * g.plan.PixelBytes
	for i := range len(inputs) * t.nv {
		g.emit(x86.VMOVDQU, g.v(r.w[i]), x86.M(regW, wdisp+i*g.plan.VectorWeightBytes()))
	}
	for m := range t.pixels {
		for i, x := range inputs {
			x.Imm += int64(m * stride)
			g.emit(x86.VPBROADCASTD, g.v(r.b[0]), x)
			for v := range t.nv {
				if i == 0 {
					g.op3(x86.VPMADDUBSW, r.words[v], r.b[0], g.v(r.w[i*t.nv+v]))
					continue
				}
				g.op3(x86.VPMADDUBSW, r.product, r.b[0], g.v(r.w[i*t.nv+v]))
				g.op3(x86.VPADDW, r.words[v], r.words[v], g.v(r.product))
			}
		}
		for v := range t.nv {
			g.op3(x86.VPMADDWD, r.words[v], r.words[v], g.v(r.ones))
			a := r.acc[0][m][v]
			g.op3(x86.VPADDD, a, a, g.v(r.words[v]))
		}
	}
}

// spilled emits the loop over the entries of the block's spill.
func (g *convGen) spilled(t tileShape, r convRegs) {
	p := g.plan
	rows := []x86.Reg{regIn, regK, regRow, regKY}[:p.Depth]
	g.emit(x86.MOV, x86.R(regW), g.end.param(0, fieldSpill))
	g.emit(x86.ADD, x86.R(regW), x86.R(regBlock))
	g.emit(x86.MOV, x86.R(x86.RAX), x86.M(regW, 0))
	g.emit(x86.MOV, slot(slotSpill), x86.R(x86.RAX))
	head, done := g.p.NewLabel(), g.p.NewLabel()
	g.emit(x86.TEST, x86.R(x86.RAX), x86.R(x86.RAX))
	g.emit(x86.JE, x86.L(done))
	g.addImm(regW, SpillAlign)
	g.p.Place(head)
	inputs := make([]x86.Operand, p.Depth)
	for i, row := range rows {
		g.emit(x86.MOV, x86.R(row), x86.M(regW, 16*i))
		g.emit(x86.MOV, x86.R(row), x86.MX(regRows, row, 1, 0))
		g.emit(x86.ADD, x86.R(row), x86.R(regX))
		g.emit(x86.ADD, x86.R(row), x86.M(regW, 16*i+8))
		inputs[i] = x86.M(row, 0)
	}
	g.wordSteps(t, r, inputs, p.SpillOffsets())
	g.addImm(regW, p.SpillEntry(t.nv))
	g.emit(x86.DEC, slot(slotSpill))
	g.emit(x86.JNE, x86.L(head))
	g.p.Place(done)
}
