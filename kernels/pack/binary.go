package pack

import (
	"strings"

	"qtune/kernels/emit"
	"qtune/kernels/x86"
	"qtune/qnn"
)

// A Mul says what MUL of two quantised tensors of bytes means: scales and zero
// points of the operands and the result, and the range of the latter.
type Mul struct {
	Scales [3]float32
	Zeros  [3]int32
	Lo, Hi int32

	FromInt8 bool // legalised: 128 was added to all values and zero points
}

func (m *Mul) multiplier() qnn.Multiplier {
	return qnn.QuantizeMultiplier(float64(float32(float32(m.Scales[0]*m.Scales[1]) / m.Scales[2])))
}

// General tells that the multiplier is 1/2 or more: see emit.Mul.
func (m *Mul) General() bool { return general(m.multiplier()) }

func general(m qnn.Multiplier) bool { return m.M != 0 && m.Exp >= 0 }

// Pack lays out the constants in vectors of width bytes.
func (m *Mul) Pack(width int) []byte {
	l := emit.MulLayout(x86.Width(width), m.General())
	return pairConstants(l, m.Zeros, m.FromInt8, m.Lo, m.Hi, m.multiplier(), qnn.Multiplier{})
}

// A PRelu says what PRELU of a tensor of bytes (first) and its slopes means.
type PRelu struct {
	Scales [3]float32
	Zeros  [3]int32

	FromInt8 bool // as in Mul
}

func (p *PRelu) multipliers() (plain, steep qnn.Multiplier) {
	x, alpha, y := p.Scales[0], p.Scales[1], p.Scales[2]
	return qnn.QuantizeMultiplier(float64(float32(x / y))), qnn.QuantizeMultiplier(float64(float32(float32(x*alpha) / y)))
}

// General tells that a multiplier is 1/2 or more: see emit.PRelu.
func (p *PRelu) General() bool {
	plain, steep := p.multipliers()
	return general(plain) || general(steep)
}

// Pack lays out the constants in vectors of width bytes.
func (p *PRelu) Pack(width int) []byte {
	plain, steep := p.multipliers()
	return pairConstants(emit.PReluLayout(x86.Width(width), p.General()), p.Zeros, p.FromInt8, 0, 255, plain, steep)
}

// legalised is what legalisation has added to values and zero points. Sums of
// int32 that wrap must do so as if it had not.
func legalised(fromInt8 bool) int32 {
	if fromInt8 {
		return 128
	}
	return 0
}

// pairConstants fills a layout of emit.Mul or emit.PRelu.
func pairConstants(l *emit.Layout, zeros [3]int32, fromInt8 bool, lo, hi int32, plain, steep qnn.Multiplier) []byte {
	dst := Aligned(l.Bytes)
	offset := legalised(fromInt8)
	one, two := emit.RequantNumbersOf(plain, qnn.Double, zeros[2]-offset), emit.RequantNumbersOf(steep, qnn.Double, zeros[2]-offset)
	for _, f := range l.Fields {
		field := dst[f.Offset:][:f.Bytes]
		switch f.Name {
		case "zero a":
			fill16(field, zeros[0])
		case "zero b":
			fill16(field, zeros[1])
		case "offset16":
			fill16(field, offset)
		case "lo8":
			fill8(field, lo)
		case "hi8":
			fill8(field, hi)
		default:
			name, isSteep := strings.CutPrefix(f.Name, "steep ")
			n := &one
			if isSteep {
				n = &two
			}
			fillNumber(field, n, name)
		}
	}
	return dst
}
