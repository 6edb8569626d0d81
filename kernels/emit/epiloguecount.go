package emit

import "qtune/kernels/x86"

// EpilogueInstructions counts the vector instructions that follow the reductions
// of all tiles of a layer: adding up the sets of accumulators, requantisation,
// narrowing, stores. They are those of the generated tiles, so what a tile does
// for channels or rows that do not exist, or twice, is in the count.
func (p *ConvPlan) EpilogueInstructions() int64 {
	row := int64(0) // of tiles, all channels
	for _, x := range []struct{ count, pixels int }{{p.BigN, p.Big}, {p.SmallN, p.Big - 1}} {
		if x.count == 0 {
			continue
		}
		if p.FullBlocks > 0 {
			row += int64(x.count*p.FullBlocks) * p.tileEpilogue(tileShape{x.pixels, p.NV, p.NV * p.Lanes})
		}
		if p.TailNV > 0 {
			row += int64(x.count) * p.tileEpilogue(tileShape{x.pixels, p.TailNV, p.TailChannels})
		}
	}
	return int64(p.Images*p.Rows) * row
}

// tileEpilogue counts those of one tile.
func (p *ConvPlan) tileEpilogue(t tileShape) int64 {
	g := newConvGen(p)
	defer g.p.Release()
	r := g.accumulators(t)
	g.next = r.operands
	return g.count(func() { g.conclude(t, g.sumSets(r), g.vec(3)) })
}

// EpilogueInstructions counts the vector instructions that follow the reductions
// of all tiles of a layer; see ConvPlan.
func (p *DepthwisePlan) EpilogueInstructions() int64 {
	row := int64(p.FullBlocks) * p.rowEpilogue(p.Sections, 1)
	if p.TailChannels > 0 {
		row += p.rowEpilogue(p.TailSections, p.TailPixels())
	}
	steps := (p.Workload.OH() + p.RowsPerStep - 1) / p.RowsPerStep
	return int64(p.Workload.N*steps) * row
}

// rowEpilogue counts those of the tiles of a row of a block, whose vectors hold per
// pixels.
func (p *DepthwisePlan) rowEpilogue(sections []Section, per int) int64 {
	n := int64(0)
	for _, s := range sections {
		g := newDepthwiseGen(p)
		g.per = per
		r := g.accumulators(s)
		n += int64(s.Count) * g.count(func() { g.conclude(r) })
		g.p.Release()
	}
	return n
}

// count returns how many of the instructions that write emits compute with
// vectors, or store them.
func (g *gen) count(write func()) int64 {
	first := len(g.p.Insts)
	write()
	n := int64(0)
	for i := range g.p.Insts[first:] {
		if computes(&g.p.Insts[first+i]) {
			n++
		}
	}
	return n
}

// computes tells whether in has a vector operand and is more than a load or a
// copy of a register: those keep no vector unit busy.
func computes(in *x86.Inst) bool {
	vector := false
	for _, a := range in.Args[:in.N] {
		vector = vector || a.Kind == x86.KindVec
	}
	if !vector {
		return false
	}
	loads := in.Args[0].Kind == x86.KindVec && in.Args[1].Kind == x86.KindMem
	switch in.Op {
	case x86.VMOVDQU:
		copies := in.Args[0].Kind == x86.KindVec && in.Args[1].Kind == x86.KindVec
		return !loads && !copies
	case x86.VPBROADCASTD:
		return !loads
	}
	return true
}
