package emit

import "qtune/kernels/x86"

// WindowSums writes the program that fills the table of window sums
// [row][pixel] int32 for the rows and pixels (Args.Big) of a call: the sum of
// all input bytes under each output pixel's window, times a constant of the
// layer. It is the dot product with ones, 1/OC of the work of the convolution. Only targets with VPDPBUSD need
// it; see ConvPlan.Sums.
func WindowSums(p *ConvPlan) *x86.Program {
	g := &convGen{gen: newGen("window sums", p.ISA, p.width()), plan: p}
	g.emit(x86.MOV, x86.R(regRows), arg(argRows))
	g.emit(x86.MOV, x86.R(regSums), arg(argSums))
	g.emit(x86.MOV, x86.R(regConsts), arg(argConsts))
	r := sumRegs{ones: g.vec(1)[0], tail: g.vec(1)[0], acc: g.vec(1)[0], x: g.vec(1)[0], tmp: g.vec(1)[0],
		width: sumWidth(p.SegmentElements, p.width())}
	g.emit(x86.MOV, x86.R(x86.RAX), x86.I(0x01010101))
	g.emit(x86.VMOVD, x86.X(r.ones), x86.R(x86.RAX))
	g.emit(x86.VPBROADCASTD, g.v(r.ones), x86.X(r.ones))
	if rest := p.SegmentElements % 4; rest != 0 {
		// the last, overlapping dword: count its last rest bytes only
		g.emit(x86.MOV, x86.R(x86.RAX), x86.I(tailOnes(p.SegmentElements)))
		g.emit(x86.VMOVD, x86.X(r.tail), x86.R(x86.RAX))
	}
	g.level1(argNRows, x86.R14, func() {
		g.emit(x86.XOR, x86.R(regX), x86.R(regX))
		g.level1(argBig, x86.R11, func() { g.pixelSum(r) })
		g.addImm(regRows, 8*p.Workload.StrideH)
	})
	return g.finish()
}

type sumRegs struct {
	ones, tail, acc, x, tmp int
	width                   x86.Width // of the accumulator: no wider than segments need
}

// sumWidth returns the widest vector that a segment of n bytes fills, at least
// 16 bytes.
func sumWidth(n int, width x86.Width) x86.Width {
	for width > x86.W128 && n < int(width) {
		width /= 2
	}
	return width
}

// tailOnes has a one for each byte of the last 4 of a segment that no earlier
// dword held.
func tailOnes(segment int) int {
	if segment < 4 {
		return 0x01010101 & (1<<(8*segment) - 1)
	}
	return 0x01010101 &^ (1<<(8*(4-segment%4)) - 1)
}

// level1 emits a loop whose count, at least 1, is in the argument block.
func (g *gen) level1(count int, reg x86.Reg, body func()) {
	head := g.p.NewLabel()
	g.emit(x86.MOV, x86.R(reg), arg(count))
	g.p.Place(head)
	body()
	g.emit(x86.DEC, x86.R(reg))
	g.emit(x86.JNE, x86.L(head))
}

// pixelSum stores the sum of one window and moves to the next pixel.
func (g *convGen) pixelSum(r sumRegs) {
	p := g.plan
	g.emit(x86.VPXOR, x86.X(r.acc), x86.X(r.acc), x86.X(r.acc))
	row := func(table x86.Reg) {
		g.emit(x86.MOV, x86.R(regIn), x86.M(table, 0))
		g.emit(x86.ADD, x86.R(regIn), x86.R(regX))
		for kx := range p.SegmentsX {
			g.segmentSum(r, kx*p.Workload.DilationW*p.PixelBytes)
		}
	}
	if p.Workload.KH == 1 {
		row(regRows)
	} else {
		g.emit(x86.MOV, x86.R(regRow), x86.R(regRows))
		g.loop(regKY, p.Workload.KH, func() {
			row(regRow)
			g.addImm(regRow, 8*p.Workload.DilationH)
		})
	}
	g.sumLanes(r.width, r.acc, r.tmp)
	g.emit(x86.VMOVD, x86.R(x86.RAX), x86.X(r.acc))
	g.emit(x86.MOVSXD, x86.R(x86.RCX), constant(&p.Consts, fieldWindow))
	g.emit(x86.IMUL, x86.R(x86.RAX), x86.R(x86.RCX))
	g.emit(x86.MOVL, x86.M(regSums, 0), x86.R(x86.RAX))
	g.addImm(regSums, 4)
	g.addImm(regX, p.Workload.StrideW*p.PixelBytes)
}

// segmentSum adds the bytes of a segment that starts base from regIn.
func (g *convGen) segmentSum(r sumRegs, base int) {
	n, width := g.plan.SegmentElements, int(r.width)
	rounds := n / width
	at := rounds * width
	add := func(load x86.Op, w x86.Width, disp int, ones int) {
		g.emit(load, x86.V(w, r.x), x86.M(regIn, base+disp))
		g.emit(x86.VPDPBUSD, x86.V(r.width, r.acc), x86.V(r.width, r.x), x86.V(r.width, ones))
	}
	if rounds > 4 {
		g.emit(x86.LEA, x86.R(regW), x86.M(regIn, base))
		g.loop(regK, rounds, func() {
			g.emit(x86.VMOVDQU, x86.V(r.width, r.x), x86.M(regW, 0))
			g.emit(x86.VPDPBUSD, x86.V(r.width, r.acc), x86.V(r.width, r.x), x86.V(r.width, r.ones))
			g.addImm(regW, width)
		})
	} else {
		for i := range rounds {
			add(x86.VMOVDQU, r.width, i*width, r.ones)
		}
	}
	for _, piece := range []struct {
		load  x86.Op
		width x86.Width
		bytes int
	}{{x86.VMOVDQU, x86.W256, 32}, {x86.VMOVDQU, x86.W128, 16}, {x86.VMOVQ, x86.W128, 8}, {x86.VMOVD, x86.W128, 4}} {
		if piece.bytes < width && n-at >= piece.bytes {
			add(piece.load, piece.width, at, r.ones)
			at += piece.bytes
		}
	}
	if at < n {
		add(x86.VMOVD, x86.W128, max(n-4, 0), r.tail)
	}
}

// sumLanes leaves the sum of the int32 lanes of acc in its lowest.
func (g *gen) sumLanes(width x86.Width, acc, tmp int) {
	if width == x86.W512 {
		g.emit(x86.VEXTRACTI64X4, x86.Y(tmp), x86.Z(acc), x86.I(1))
		g.emit(x86.VPADDD, x86.Y(acc), x86.Y(acc), x86.Y(tmp))
	}
	if width >= x86.W256 {
		g.emit(x86.VEXTRACTI128, x86.X(tmp), x86.Y(acc), x86.I(1))
		g.emit(x86.VPADDD, x86.X(acc), x86.X(acc), x86.X(tmp))
	}
	for _, shuffle := range []int{0x4e, 0xb1} {
		g.emit(x86.VPSHUFD, x86.X(tmp), x86.X(acc), x86.I(shuffle))
		g.emit(x86.VPADDD, x86.X(acc), x86.X(acc), x86.X(tmp))
	}
}
