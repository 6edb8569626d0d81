// Package schedules says what may be varied: a Workload is one distinct piece
// of work of a network, a Target the machine that does it, a Space the ways to
// do it, a Schedule one of them. In: a legalised graph (Extract) or a text.
// Out: values that other packages measure, store and turn into code.
//
// Workload, Schedule, Machine and Target print and parse
// (Parse(x.String()) == x); they are comparable, and the text is log key, wire
// form, test name and command-line argument. Every Schedule that a Space hands
// out passes its Validate.
//
// The knobs follow TVM's template spaces and oneDNN's blocking parameters; what
// each is worth was measured, see the files of the three families (conv2d.go,
// depthwise.go, dense.go).
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
	// General: the requantisation of some channel has no short form
	// (qnn.ShortForm), nor that of Sign: a multiplier is >= 1/2 (exponent > -1) or
	// tiny, or accumulators may be as large as int32.
	General bool
	// Float: the requantisation of every channel has a float form
	// (qnn.FloatForm), and without Sign a short form too.
	Float bool
	// Saturation: how often sums of products of bytes would leave 16 bits. Only
	// targets that add such sums tell layers apart by it.
	Saturation Saturation
}

// Holds tells whether a kernel of workload w can compute layers of workload l:
// float forms are an offer that it need not take, and how often sums saturate
// changes its speed only.
func (w Workload) Holds(l Workload) bool {
	l.Float = l.Float && w.Float
	l.Saturation = w.Saturation
	return w == l
}

// pointWindow is the window of a dense layer.
var pointWindow = qnn.Window{KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}

// OH returns the rows of the output.
func (w Workload) OH() int {
	return positions(w.H+w.PadTop+w.PadBottom, w.KH, w.StrideH, w.DilationH)
}

// OW returns the columns of the output.
func (w Workload) OW() int {
	return positions(w.W+w.PadLeft+w.PadRight, w.KW, w.StrideW, w.DilationW)
}

// positions counts the places of a window of k cells, dilated by d and moved by
// s, over in cells.
func positions(in, k, s, d int) int {
	reach := (k-1)*d + 1
	if in < reach {
		return 0
	}
	return (in-reach)/s + 1
}

// Taps returns the products that are summed into one output.
func (w Workload) Taps() int {
	if w.Op == Depthwise {
		return w.KH * w.KW
	}
	return w.KH * w.KW * w.C
}

// MACs returns the multiply-accumulate steps, padding included.
func (w Workload) MACs() int64 {
	return int64(w.OutputBytes()) * int64(w.Taps())
}

// WeightBytes returns the size of the weights, a byte each.
func (w Workload) WeightBytes() int { return w.O * w.Taps() }

// InputBytes returns the size of the input without border or gaps.
func (w Workload) InputBytes() int { return w.N * w.H * w.W * w.C }

// OutputBytes returns the size of the output without gaps.
func (w Workload) OutputBytes() int { return w.N * w.OH() * w.OW() * w.O }
