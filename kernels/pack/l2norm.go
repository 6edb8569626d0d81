package pack

import (
	"qtune/kernels/emit"
	"qtune/kernels/x86"
	"qtune/qnn"
)

// An L2Norm says what L2_NORMALIZATION of rows of bytes means: the zero point of
// the operand; the result is in 1/128 around 128.
type L2Norm struct {
	Zero     int32
	FromInt8 bool // as in Mul
}

// Factor is what the differences from the zero point are multiplied by before
// they are scaled: the second operand of emit.Mul, whose zero point is 0.
func (l *L2Norm) Factor() byte {
	if l.FromInt8 {
		return 1
	}
	return 128
}

// Squares lays out the constants of emit.Squares.
func (l *L2Norm) Squares() []byte {
	dst := Aligned(emit.SquaresLayout().Bytes)
	fill16(dst, l.Zero)
	return dst
}

// A Scaling holds the constants of a general emit.Mul, of which a row sets the
// multiplier.
type Scaling struct {
	Consts []byte
	layout *emit.Layout
	l2norm L2Norm
}

// Scaling lays out the constants in vectors of width.
func (l *L2Norm) Scaling(width x86.Width) *Scaling {
	s := &Scaling{layout: emit.MulLayout(width, true), l2norm: *l}
	s.Consts = pairConstants(s.layout, [3]int32{l.Zero, 0, 128}, l.FromInt8, 0, 255, qnn.Multiplier{}, qnn.Multiplier{})
	return s
}

// Set sets the multiplier of a row whose squares add up to sum.
func (s *Scaling) Set(sum int32) {
	m, zero := qnn.InverseSqrt(sum), int32(128)
	if s.l2norm.FromInt8 { // the factor 128 is part of the multiplier
		m.Exp += 7
		zero = 0
	}
	n := emit.RequantNumbersOf(m, qnn.Double, zero)
	for _, f := range s.layout.Fields {
		switch f.Name {
		case "zero a", "zero b", "offset16", "lo8", "hi8":
		default:
			fillNumber(s.Consts[f.Offset:][:f.Bytes], &n, f.Name)
		}
	}
}
