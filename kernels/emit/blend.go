package emit

import (
	"qtune/kernels/x86"
	"qtune/schedules"
)

// A BlendLine is a line of output pixels between two rows of the input, and
// their weights, to the program of Blend: float32 or integers. A test holds the
// offsets.
type BlendLine struct {
	Top, Bottom  uintptr // rows of the input, channel 0
	Out          uintptr
	TopWeight    uint32
	BottomWeight uint32
}

// A BlendColumn is a column of output pixels between two columns of the input.
type BlendColumn struct {
	Left, Right uintptr // bytes from a row's start
	LeftWeight  uint32
	RightWeight uint32
}

// Sizes of a BlendLine and a BlendColumn.
const (
	BlendLineBytes   = 32
	BlendColumnBytes = 24
)

const (
	lineTop = 8 * iota
	lineBottom
	lineOut
	lineTopWeight
	lineBottomWeight = lineTopWeight + 4
)

const (
	columnLeft = 8 * iota
	columnRight
	columnLeftWeight
	columnRightWeight = columnLeftWeight + 4
)

// BlendPiece returns how many channels Blend does at once: a byte for each lane
// of int32.
func BlendPiece(isa schedules.ISA, channels int) Piece {
	_, lanes := schedules.Registers(isa)
	return min(PieceFor(isa, channels), Piece(lanes))
}

// BlendWidth is the width of the vectors in which Blend computes p channels.
func BlendWidth(p Piece) x86.Width { return x86.Width(max(4*p, 16)) }

// BlendLayout is the layout of Blend's constants.
func BlendLayout(width x86.Width, fixed bool) *Layout {
	if fixed {
		return vectorLayout(width, "unsign", "half", "zero")
	}
	return vectorLayout(width, "half")
}

// Registers of Blend.
const (
	blendLine, blendLines     = x86.R8, x86.R14
	blendColumn, blendColumns = x86.RSI, x86.R13
	blendTop, blendBottom     = x86.R9, x86.R10
	blendLeft, blendRight     = x86.R11, x86.R15
	blendPixel, blendOut      = x86.RDX, x86.RAX
	blendSteps                = x86.RCX
)

type blendGen struct {
	*gen
	piece   Piece
	fixed   bool
	rows    []int // weights of top and bottom
	weights []int // of the four corners, in the order of TensorFlow Lite's sum
	acc, t  int
	zero    int // 0
	c       func(string) x86.Operand
}

// Blend writes the program of RESIZE_BILINEAR for Args.NRows lines (BlendLines
// at Rows) of Big pixels (BlendColumns at Params), OutPix apart, of channels in
// Blocks steps of p and one that ends Tail bytes after them, if Tail is not 0.
// In float32:
//
//	y = int(v00*w00 + v01*w01 + v10*w10 + v11*w11 + 0.5)
//
// and in fixed point of 10 bits, of bytes that are int8 + 128, rounded half away
// from zero.
func Blend(isa schedules.ISA, p Piece, fixed bool) *x86.Program {
	g := &blendGen{gen: newGen("resize", isa, BlendWidth(p)), piece: p, fixed: fixed}
	g.rows, g.weights, g.acc, g.t, g.zero = g.vec(2), g.vec(4), g.vec(1)[0], g.vec(1)[0], g.vec(1)[0]
	g.emit(x86.VPXOR, g.v(g.zero), g.v(g.zero), g.v(g.zero))
	g.c = g.fields(BlendLayout(g.width, fixed))
	g.emit(x86.MOV, x86.R(blendLine), arg(argRows))
	g.level1(argNRows, blendLines, func() {
		g.emit(x86.MOV, x86.R(blendTop), x86.M(blendLine, lineTop))
		g.emit(x86.MOV, x86.R(blendBottom), x86.M(blendLine, lineBottom))
		g.emit(x86.MOV, x86.R(blendPixel), x86.M(blendLine, lineOut))
		g.emit(x86.VPBROADCASTD, g.v(g.rows[0]), x86.M(blendLine, lineTopWeight))
		g.emit(x86.VPBROADCASTD, g.v(g.rows[1]), x86.M(blendLine, lineBottomWeight))
		g.emit(x86.MOV, x86.R(blendColumn), arg(argParams))
		g.level1(argBig, blendColumns, func() {
			g.pixel()
			g.emit(x86.ADD, x86.R(blendPixel), arg(argOutPix))
			g.addImm(blendColumn, BlendColumnBytes)
		})
		g.addImm(blendLine, BlendLineBytes)
	})
	return g.finish()
}

// pixel blends all channels of a pixel.
func (g *blendGen) pixel() {
	g.emit(x86.MOV, x86.R(blendLeft), x86.M(blendColumn, columnLeft))
	g.emit(x86.MOV, x86.R(blendRight), x86.M(blendColumn, columnRight))
	g.emit(x86.MOV, x86.R(blendOut), x86.R(blendPixel))
	multiply := x86.VMULPS
	if g.fixed {
		multiply = x86.VPMULLD
	}
	for i, off := range []int{columnLeftWeight, columnRightWeight} {
		g.emit(x86.VPBROADCASTD, g.v(g.t), x86.M(blendColumn, off))
		g.op3(multiply, g.weights[i], g.rows[0], g.v(g.t))
		g.op3(multiply, g.weights[2+i], g.rows[1], g.v(g.t))
	}
	move := []x86.Reg{blendLeft, blendRight, blendOut}
	g.level1(argBlocks, blendSteps, func() {
		g.step(multiply)
		for _, r := range move {
			g.addImm(r, int(g.piece))
		}
	})
	done := g.p.NewLabel()
	g.emit(x86.MOV, x86.R(blendSteps), arg(argTail))
	g.emit(x86.TEST, x86.R(blendSteps), x86.R(blendSteps))
	g.emit(x86.JE, x86.L(done))
	for _, r := range move {
		g.emit(x86.ADD, x86.R(r), x86.R(blendSteps))
		g.addImm(r, -int(g.piece))
	}
	g.step(multiply)
	g.p.Place(done)
}

// step blends a piece of channels.
func (g *blendGen) step(multiply x86.Op) {
	add := x86.VADDPS
	if g.fixed {
		add = x86.VPADDD
	}
	corners := [][2]x86.Reg{{blendTop, blendLeft}, {blendTop, blendRight}, {blendBottom, blendLeft}, {blendBottom, blendRight}}
	for i, at := range corners {
		r := g.t
		if i == 0 {
			r = g.acc
		}
		g.loadDwords(g.piece, r, x86.MX(at[0], at[1], 1, 0))
		if !g.fixed {
			g.emit(x86.VCVTDQ2PS, g.v(r), g.v(r))
		}
		g.op3(multiply, r, r, g.v(g.weights[i]))
		if i > 0 {
			g.op3(add, g.acc, g.acc, g.v(r))
		}
	}
	if g.fixed {
		g.op3(x86.VPSUBD, g.acc, g.acc, g.c("unsign"))
		g.emit(x86.VPSRAD, g.v(g.t), g.v(g.acc), x86.I(31))
		g.op3(x86.VPADDD, g.acc, g.acc, g.c("half"))
		g.op3(x86.VPADDD, g.acc, g.acc, g.v(g.t))
		g.emit(x86.VPSRAD, g.v(g.acc), g.v(g.acc), x86.I(20))
		g.op3(x86.VPADDD, g.acc, g.acc, g.c("zero"))
	} else {
		g.op3(x86.VADDPS, g.acc, g.acc, g.c("half"))
		g.emit(x86.VCVTTPS2DQ, g.v(g.acc), g.v(g.acc))
	}
	g.storeDwords(g.piece, x86.M(blendOut, 0), g.acc, g.t, g.zero)
}
