package emit

import "qtune/kernels/x86"

// Registers of Stack.
const (
	stackTable  = x86.RSI // table entry of the window's first row
	stackAt     = x86.RDX // byte offset of the group in input rows
	stackIn     = x86.RAX
	stackOut    = x86.RBX // of the group; then the first pixel to sum
	stackRow    = x86.R9  // start of the stacked row
	stackRounds = x86.RCX
	stackRows   = x86.R14
	stackSums   = x86.R13 // window sums of the row
	stackSum    = x86.R8  // of the first pixel to sum
)

type stackGen struct {
	*gen
	plan *ConvPlan
	vecs []int                                 // registers of a group, and then of sums
	c    func(field string, i int) x86.Operand // vector i of a field of constants
}

// Stack writes the program that makes Args.NRows stacked rows (at Out, OutRow
// apart) of the input rows in the table at Rows, and what the windows of all their
// pixels add to accumulators (at Sums).
func Stack(p *ConvPlan) *x86.Program {
	s := p.Stack
	g := &stackGen{gen: newGen("stack", p.ISA, p.width()), plan: p}
	g.vecs = g.vec(max(s.Vectors+2, 7))
	g.emit(x86.MOV, x86.R(regConsts), arg(argConsts))
	all := g.constants(s.Consts.Bytes / s.Width)
	g.c = func(field string, i int) x86.Operand { return all[s.Consts.offset(field)/s.Width+i] }
	g.emit(x86.MOV, x86.R(stackTable), arg(argRows))
	g.emit(x86.MOV, x86.R(stackRow), arg(argOut))
	g.emit(x86.MOV, x86.R(stackSums), arg(argSums))
	g.level1(argNRows, stackRows, func() {
		g.stackRow()
		if s.SumPixels > 0 {
			g.sumRow()
		}
		g.addImm(stackTable, 8*p.Workload.StrideH)
		g.emit(x86.ADD, x86.R(stackRow), arg(argOutRow))
		g.addImm(stackSums, 4*p.Row)
	})
	return g.finish()
}

// stackRow makes a row.
func (g *stackGen) stackRow() {
	s, c := g.plan.Stack, g.plan.Workload.C
	g.emit(x86.XOR, x86.R(stackAt), x86.R(stackAt))
	g.emit(x86.MOV, x86.R(stackOut), x86.R(stackRow))
	g.loop(stackRounds, s.Groups, func() {
		g.group(FieldShuffles)
		g.addImm(stackAt, s.Group*c)
		g.addImm(stackOut, s.groupBytes)
	})
	if s.rest() {
		first := s.Columns - s.Group
		g.emit(x86.MOV, x86.R(stackAt), x86.I(first*c-s.shift()))
		g.emit(x86.LEA, x86.R(stackOut), x86.M(stackRow, first*g.plan.PixelBytes))
		g.group(FieldLastShuffles)
	}
}

// group makes the columns at stackAt.
func (g *stackGen) group(shuffles string) {
	s, w := g.plan.Stack, g.plan.Workload
	acc, x, t := g.vecs[:s.Vectors], g.vecs[s.Vectors], g.vecs[s.Vectors+1]
	load := x86.VBROADCASTI128
	if g.width == x86.W512 {
		load = x86.VBROADCASTI32X4
	}
	for ky := range w.KH {
		g.emit(x86.MOV, x86.R(stackIn), x86.M(stackTable, 8*w.DilationH*ky))
		g.emit(load, g.v(x), x86.MX(stackIn, stackAt, 1, 0))
		for v, a := range acc {
			shuffle := g.c(shuffles, v*w.KH+ky)
			if ky == 0 {
				g.op3(x86.VPSHUFB, a, x, shuffle)
				continue
			}
			g.op3(x86.VPSHUFB, t, x, shuffle)
			g.op3(x86.VPOR, a, a, g.v(t))
		}
	}
	for v, a := range acc {
		g.emit(x86.VMOVDQU, x86.M(stackOut, v*s.Width), g.v(a))
	}
}

// sumRow sums the windows of all pixels of the row.
func (g *stackGen) sumRow() {
	s := g.plan.Stack
	g.emit(x86.MOV, x86.R(stackOut), x86.R(stackRow))
	g.emit(x86.MOV, x86.R(stackSum), x86.R(stackSums))
	g.loop(stackRounds, s.sumRounds(), func() {
		acc, x, tmp := g.vecs[:4], g.vecs[4], g.vecs[5:7]
		for i, a := range acc {
			g.sumWindow(i, a, x)
		}
		width := x86.Width(s.SumWidth * s.SumPixels / 4)
		g.joinQuad(width, acc, tmp)
		if s.SumPixels == 8 { // pixels 0 to 3 in the lower half, 4 to 7 in the upper one
			g.emit(x86.VSHUFI32X4, g.v(tmp[0]), g.v(acc[0]), g.v(acc[0]), x86.I(0xb1))
			g.op3(x86.VPADDD, acc[0], acc[0], g.v(tmp[0]))
			g.emit(x86.VSHUFI32X4, g.v(acc[0]), g.v(acc[0]), g.v(acc[0]), x86.I(0x08))
		} else {
			g.foldLanes(width, acc[0], tmp[0])
		}
		sums := x86.V(x86.Width(4*s.SumPixels), acc[0])
		g.emit(x86.VPMULLD, sums, sums, resized(g.c(fieldWindow, 0), sums.Width))
		g.emit(x86.VMOVDQU, x86.M(stackSum, 0), sums)
		g.addImm(stackOut, s.SumPixels*g.plan.Window.StrideW*g.plan.PixelBytes)
		g.addImm(stackSum, 4*s.SumPixels)
	})
}

// sumWindow adds up the bytes of the window of pixel i in the lanes of acc, and
// those of pixel i+4 in its upper half, if there are 8.
func (g *stackGen) sumWindow(i, acc, x int) {
	p, s := g.plan, g.plan.Stack
	width := x86.Width(s.SumWidth * s.SumPixels / 4)
	step := p.Window.StrideW * p.PixelBytes
	g.emit(x86.VPXOR, x86.X(acc), x86.X(acc), x86.X(acc))
	for kx := range p.SegmentsX {
		for at := 0; at < p.SegmentElements; at += s.SumWidth {
			disp := i*step + kx*p.Window.DilationW*p.PixelBytes + at
			g.emit(x86.VMOVDQU, x86.V(x86.Width(s.SumWidth), x), x86.M(stackOut, disp))
			if s.SumPixels == 8 {
				g.emit(x86.VINSERTI64X4, x86.Z(x), x86.Z(x), x86.M(stackOut, disp+4*step), x86.I(1))
			}
			ones := g.c(FieldOnes, 0)
			if at+s.SumWidth >= p.SegmentElements {
				ones = g.c(FieldTailOnes, 0)
			}
			g.emit(x86.VPDPBUSD, x86.V(width, acc), x86.V(width, x), resized(ones, width))
		}
	}
}

// resized is a vector operand of another width.
func resized(x x86.Operand, width x86.Width) x86.Operand {
	if x.Kind == x86.KindVec {
		x.Width = width
	}
	return x
}
