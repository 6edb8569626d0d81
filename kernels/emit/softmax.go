package emit

import (
	"qtune/kernels/x86"
	"qtune/schedules"
)

// SoftmaxLayout is the layout of Softmax's constants. The table of exponentials
// follows it: 256 float32, that of minus the distance d from the maximum at
// 255-d.
func SoftmaxLayout(width x86.Width) *Layout {
	return vectorLayout(width, "scale", "unit", "half", "most", "zero")
}

// Registers of Softmax.
const (
	softmaxIn, softmaxOut       = x86.R8, x86.R9
	softmaxAt, softmaxTo        = x86.RSI, x86.RDX
	softmaxTable, softmaxExp    = x86.R10, x86.R11
	softmaxScratch, softmaxRows = x86.R15, x86.R14
	softmaxSteps, softmaxByte   = x86.RCX, x86.RAX
	softmaxTop                  = x86.R13
)

type softmaxGen struct {
	*gen
	piece                Piece
	top, sum, x, t, zero int
	c                    func(string) x86.Operand
}

// Softmax writes the program that computes SOFTMAX of Args.NRows rows, from In,
// InRow apart, to Out, OutRow apart: Big bytes each, which are Blocks steps of p
// (BlendPiece) and one that ends Tail bytes after them, if Tail is not 0. Sums is
// a scratch of Big float32, at least 16 bytes. The sum runs in the order of the
// elements.
func Softmax(isa schedules.ISA, p Piece) *x86.Program {
	g := &softmaxGen{gen: newGen("softmax", isa, BlendWidth(p)), piece: p}
	g.top, g.sum, g.x, g.t, g.zero = g.vec(1)[0], g.vec(1)[0], g.vec(1)[0], g.vec(1)[0], g.vec(1)[0]
	l := SoftmaxLayout(g.width)
	g.c = g.fields(l)
	g.emit(x86.VPXOR, g.v(g.zero), g.v(g.zero), g.v(g.zero))
	g.emit(x86.LEA, x86.R(softmaxTable), x86.M(regConsts, l.Bytes))
	g.emit(x86.MOV, x86.R(softmaxIn), arg(argIn))
	g.emit(x86.MOV, x86.R(softmaxOut), arg(argOut))
	g.emit(x86.MOV, x86.R(softmaxScratch), arg(argSums))
	g.level1(argNRows, softmaxRows, func() {
		g.maximum()
		g.exponentials()
		g.quotients()
		g.emit(x86.ADD, x86.R(softmaxIn), arg(argInRow))
		g.emit(x86.ADD, x86.R(softmaxOut), arg(argOutRow))
	})
	return g.finish()
}

// pieces emits the loop over the pieces of a row: step, which advance follows,
// and then the last one, to which tail moves.
func (g *softmaxGen) pieces(step, advance, tail func()) {
	g.level1(argBlocks, softmaxSteps, func() {
		step()
		advance()
	})
	done := g.p.NewLabel()
	g.emit(x86.MOV, x86.R(softmaxSteps), arg(argTail))
	g.emit(x86.TEST, x86.R(softmaxSteps), x86.R(softmaxSteps))
	g.emit(x86.JE, x86.L(done))
	tail()
	step()
	g.p.Place(done)
}

// maximum points softmaxExp into the table such that the exponential of value v
// is at v.
func (g *softmaxGen) maximum() {
	p := int(g.piece)
	g.emit(x86.VPXOR, x86.X(g.top), x86.X(g.top), x86.X(g.top))
	g.emit(x86.VPXOR, x86.X(g.x), x86.X(g.x), x86.X(g.x))
	g.emit(x86.MOV, x86.R(softmaxAt), x86.R(softmaxIn))
	g.pieces(func() {
		g.loadPiece(g.piece, g.x, x86.M(softmaxAt, 0)) // at most an xmm
		g.emit(x86.VPMAXUB, x86.X(g.top), x86.X(g.top), x86.X(g.x))
	}, func() { g.addImm(softmaxAt, p) }, func() {
		g.emit(x86.ADD, x86.R(softmaxAt), x86.R(softmaxSteps))
		g.addImm(softmaxAt, -p)
	})
	for n := p / 2; n > 0; n /= 2 {
		g.emit(x86.VPSRLDQ, x86.X(g.t), x86.X(g.top), x86.I(n))
		g.emit(x86.VPMAXUB, x86.X(g.top), x86.X(g.top), x86.X(g.t))
	}
	g.emit(x86.VPEXTRB, x86.R(softmaxTop), x86.X(g.top), x86.I(0))
	g.emit(x86.SHL, x86.R(softmaxTop), x86.I(2))
	g.emit(x86.LEA, x86.R(softmaxExp), x86.M(softmaxTable, 4*255))
	g.emit(x86.SUB, x86.R(softmaxExp), x86.R(softmaxTop))
}

// exponentials stores the exponential of each element and leaves their inverse
// sum, scaled, in sum.
func (g *softmaxGen) exponentials() {
	g.emit(x86.VPXOR, x86.X(g.sum), x86.X(g.sum), x86.X(g.sum))
	g.emit(x86.MOV, x86.R(softmaxAt), x86.R(softmaxIn))
	g.emit(x86.MOV, x86.R(softmaxTo), x86.R(softmaxScratch))
	g.level1(argBig, softmaxSteps, func() {
		g.emit(x86.MOVZXB, x86.R(softmaxByte), x86.M(softmaxAt, 0))
		g.emit(x86.VMOVD, x86.X(g.x), x86.MX(softmaxExp, softmaxByte, 4, 0))
		g.emit(x86.VADDPS, x86.X(g.sum), x86.X(g.sum), x86.X(g.x))
		g.emit(x86.VMOVD, x86.M(softmaxTo, 0), x86.X(g.x))
		g.addImm(softmaxAt, 1)
		g.addImm(softmaxTo, 4)
	})
	g.emit(x86.VPBROADCASTD, g.v(g.sum), x86.X(g.sum))
	g.op3(x86.VMULPS, g.sum, g.sum, g.c("scale"))
	g.op3(x86.VDIVPS, g.sum, int(g.c("unit").N), g.v(g.sum))
}

// quotients multiplies by the inverse sum, rounds half up and stores bytes.
func (g *softmaxGen) quotients() {
	p := int(g.piece)
	g.emit(x86.MOV, x86.R(softmaxAt), x86.R(softmaxScratch))
	g.emit(x86.MOV, x86.R(softmaxTo), x86.R(softmaxOut))
	g.pieces(func() {
		g.op3(x86.VMULPS, g.x, g.sum, x86.M(softmaxAt, 0))
		g.op3(x86.VADDPS, g.x, g.x, g.c("half"))
		g.op3(x86.VMINPS, g.x, g.x, g.c("most"))
		g.emit(x86.VCVTTPS2DQ, g.v(g.x), g.v(g.x))
		g.op3(x86.VPADDD, g.x, g.x, g.c("zero"))
		g.storeDwords(g.piece, x86.M(softmaxTo, 0), g.x, g.t, g.zero)
	}, func() {
		g.addImm(softmaxAt, 4*p)
		g.addImm(softmaxTo, p)
	}, func() {
		g.emit(x86.LEA, x86.R(softmaxAt), x86.MX(softmaxAt, softmaxSteps, 4, -4*p))
		g.emit(x86.LEA, x86.R(softmaxTo), x86.MX(softmaxTo, softmaxSteps, 1, -p))
	})
}
