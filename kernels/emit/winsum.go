package emit

import "qtune/kernels/x86"

// WindowSums writes the program that fills the table of window sums
// [row][pixel] int32 for the rows and pixels (Args.Big) of a call: the sum of
// all input bytes under each output pixel's window, times a constant of the
// layer. It is the dot product with ones, 1/OC of the work of the convolution.
// Only targets with VPDPBUSD need it; see ConvPlan.Sums.
func WindowSums(p *ConvPlan) *x86.Program {
	g := &convGen{gen: newGen("window sums", p.ISA, p.width()), plan: p}
	g.emit(x86.MOV, x86.R(regRows), arg(argRows))
	g.emit(x86.MOV, x86.R(regSums), arg(argSums))
	g.emit(x86.MOV, x86.R(regConsts), arg(argConsts))
	r := sumRegs{ones: g.vec(1)[0], tail: g.vec(1)[0], acc: g.vec(4), x: g.vec(1)[0], tmp: g.vec(2),
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
		g.emit(x86.MOV, x86.R(x86.R11), arg(argBig))
		g.emit(x86.SHR, x86.R(x86.R11), x86.I(2))
		g.roundsOrNone(x86.R11, func() { g.quadSum(r) })
		g.emit(x86.MOV, x86.R(x86.R11), arg(argBig))
		g.emit(x86.AND, x86.R(x86.R11), x86.I(3))
		g.roundsOrNone(x86.R11, func() { g.pixelSum(r) })
		g.addImm(regRows, 8*p.Window.StrideH)
	})
	return g.finish()
}

type sumRegs struct {
	ones, tail, x int
	acc           []int // of 4 pixels
	tmp           []int
	width         x86.Width // of the accumulators: no wider than segments need
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
	g.emit(x86.MOV, x86.R(reg), arg(count))
	g.rounds(reg, body)
}

// rounds emits a loop of as many rounds, at least 1, as reg says.
func (g *gen) rounds(reg x86.Reg, body func()) {
	head := g.p.NewLabel()
	g.p.Place(head)
	body()
	g.emit(x86.DEC, x86.R(reg))
	g.emit(x86.JNE, x86.L(head))
}

// roundsOrNone is rounds for any number.
func (g *gen) roundsOrNone(reg x86.Reg, body func()) {
	skip := g.p.NewLabel()
	g.emit(x86.TEST, x86.R(reg), x86.R(reg))
	g.emit(x86.JE, x86.L(skip))
	g.rounds(reg, body)
	g.p.Place(skip)
}

// windowsSum adds the bytes under the windows of as many pixels as there are
// accumulators to each, and moves to the next pixels.
func (g *convGen) windowsSum(r sumRegs, acc []int) {
	p := g.plan
	step := p.Window.StrideW * p.PixelBytes
	for _, a := range acc {
		g.emit(x86.VPXOR, x86.X(a), x86.X(a), x86.X(a))
	}
	row := func(table x86.Reg) {
		g.emit(x86.MOV, x86.R(regIn), x86.M(table, 0))
		g.emit(x86.ADD, x86.R(regIn), x86.R(regX))
		for m, a := range acc {
			for kx := range p.SegmentsX {
				g.segmentSum(r, a, m*step+kx*p.Window.DilationW*p.PixelBytes)
			}
		}
	}
	if p.Window.KH == 1 {
		row(regRows)
	} else {
		g.emit(x86.MOV, x86.R(regRow), x86.R(regRows))
		g.loop(regKY, p.Window.KH, func() {
			row(regRow)
			g.addImm(regRow, 8*p.Window.DilationH)
		})
	}
	g.addImm(regX, len(acc)*step)
}

// pixelSum stores what the window of one pixel makes.
func (g *convGen) pixelSum(r sumRegs) {
	a := r.acc[0]
	g.windowsSum(r, r.acc[:1])
	g.sumLanes(r.width, a, r.tmp[0])
	g.emit(x86.VMOVD, x86.R(x86.RAX), x86.X(a))
	g.emit(x86.MOVSXD, x86.R(x86.RCX), constant(&g.plan.Consts, fieldWindow))
	g.emit(x86.IMUL, x86.R(x86.RAX), x86.R(x86.RCX))
	g.emit(x86.MOVL, x86.M(regSums, 0), x86.R(x86.RAX))
	g.addImm(regSums, 4)
}

// quadSum is pixelSum for four pixels: transposing additions leave the sums of
// each part of 128 bits in one, in the order of the pixels.
func (g *convGen) quadSum(r sumRegs) {
	g.windowsSum(r, r.acc)
	a := r.acc
	g.joinQuad(r.width, a, r.tmp)
	g.foldLanes(r.width, a[0], r.tmp[0])
	g.emit(x86.VPMULLD, x86.X(a[0]), x86.X(a[0]), constant(&g.plan.Consts, fieldWindow))
	g.emit(x86.VMOVDQU, x86.M(regSums, 0), x86.X(a[0]))
	g.addImm(regSums, 16)
}

// joinQuad leaves in a[0] the sums of the lanes of four vectors in each part of
// 128 bits, in the order of the vectors.
func (g *gen) joinQuad(width x86.Width, a, tmp []int) {
	v := func(n int) x86.Operand { return x86.V(width, n) }
	join := func(a, b int, lower, upper x86.Op) {
		g.emit(lower, v(tmp[0]), v(a), v(b))
		g.emit(upper, v(tmp[1]), v(a), v(b))
		g.emit(x86.VPADDD, v(a), v(tmp[0]), v(tmp[1]))
	}
	join(a[0], a[1], x86.VPUNPCKLDQ, x86.VPUNPCKHDQ)
	join(a[2], a[3], x86.VPUNPCKLDQ, x86.VPUNPCKHDQ)
	join(a[0], a[2], x86.VPUNPCKLQDQ, x86.VPUNPCKHQDQ)
}

// segmentSum adds the bytes of a segment that starts base from regIn to acc.
func (g *convGen) segmentSum(r sumRegs, acc, base int) {
	n, width := g.plan.SegmentElements, int(r.width)
	rounds := n / width
	at := rounds * width
	add := func(load x86.Op, w x86.Width, disp int, ones int) {
		g.emit(load, x86.V(w, r.x), x86.M(regIn, base+disp))
		g.emit(x86.VPDPBUSD, x86.V(r.width, acc), x86.V(r.width, r.x), x86.V(r.width, ones))
	}
	if rounds > 4 {
		g.emit(x86.LEA, x86.R(regW), x86.M(regIn, base))
		g.loop(regK, rounds, func() {
			g.emit(x86.VMOVDQU, x86.V(r.width, r.x), x86.M(regW, 0))
			g.emit(x86.VPDPBUSD, x86.V(r.width, acc), x86.V(r.width, r.x), x86.V(r.width, r.ones))
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

// foldLanes adds the parts of 128 bits of acc, in the lowest.
func (g *gen) foldLanes(width x86.Width, acc, tmp int) {
	if width == x86.W512 {
		g.emit(x86.VEXTRACTI64X4, x86.Y(tmp), x86.Z(acc), x86.I(1))
		g.emit(x86.VPADDD, x86.Y(acc), x86.Y(acc), x86.Y(tmp))
	}
	if width >= x86.W256 {
		g.emit(x86.VEXTRACTI128, x86.X(tmp), x86.Y(acc), x86.I(1))
		g.emit(x86.VPADDD, x86.X(acc), x86.X(acc), x86.X(tmp))
	}
}

// sumLanes leaves the sum of the int32 lanes of acc in its lowest.
func (g *gen) sumLanes(width x86.Width, acc, tmp int) {
	g.foldLanes(width, acc, tmp)
	for _, shuffle := range []int{0x4e, 0xb1} {
		g.emit(x86.VPSHUFD, x86.X(tmp), x86.X(acc), x86.I(shuffle))
		g.emit(x86.VPADDD, x86.X(acc), x86.X(acc), x86.X(tmp))
	}
}
