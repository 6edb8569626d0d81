// Package schedules says what may be varied: a Workload is one distinct piece
// of work of a network, a Target the machine that does it, a Space the ways to
// do it, a Schedule one of them. All four print and parse
// (Parse(x.String()) == x); the text is log key, wire form, test name and
// command-line argument.
package schedules

import "qtune/qnn"

// Op is the operator of a Workload.
type Op string

// Operators with generated kernels.
const (
	Conv2D    Op = "conv2d"
	Depthwise Op = "depthwise"
	Dense     Op = "dense"
)

// A Workload is an operator with its shape and quantisation class: layers with
// equal text are equal work, and run the same code on other numbers. Example:
//
//	conv2d n1 h17 w17 c128 k1x7 o128 s1x1 d1x1 p0,3,0,3 wz=1 perch=0 round=double sign=0 mult=lt1
//
// (p top,left,bottom,right; depthwise has m1, the channel multiplier, in place
// of o; dense is "dense n1 c1024 o1001 wz=...".)
type Workload struct {
	Op         Op
	N, H, W, C int // input
	O          int // output channels
	Multiplier int // depthwise: O = C*Multiplier; else 0
	qnn.Window     // dense: 1x1, stride 1, dilation 1, no padding

	Class
}

// Class is the part of a layer's numbers that changes the code.
type Class struct {
	// WeightZero: w - zero point does not fit int8 for some output channel, so
	// that targets with int8 weights need a window-sum or residual term.
	WeightZero bool
	// PerChannel: one multiplier an output channel.
	PerChannel bool
	Round      qnn.Rounding
	// Sign: double rounding must treat negative values right; false where they
	// are clamped away (output zero point <= Lo), and for single rounding.
	Sign bool
	// General: some multiplier is >= 1/2 (exponent > -1), so that the
	// requantisation needs a left shift or no right shift.
	General bool
}
