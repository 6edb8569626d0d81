package pack

import (
	"fmt"
	"math"

	"qtune/kernels/emit"
	"qtune/kernels/x86"
	"qtune/qnn"
)

// A Mean says what MEAN over Count cells of a tensor of bytes means: scales and
// zero points of operand and result.
type Mean struct {
	Scales   [2]float32
	Zeros    [2]int32
	Count    int
	Scaled   bool // TensorFlow Lite's kernel for height and width with kept dimensions
	FromInt8 bool // as in Mul
}

// Check refuses what emit.Mean does not compute.
func (m *Mean) Check() error {
	if m.Count < 1 || m.Count > MaxCells {
		return fmt.Errorf("a mean of %d cells, want 1 to %d", m.Count, MaxCells)
	}
	if _, bias := m.float(); m.Kind() == emit.MeanFloat && !(math.Abs(float64(bias)) <= math.MaxFloat32) {
		return fmt.Errorf("a mean with scales %v and %v", m.Scales[0], m.Scales[1])
	}
	return nil
}

// Kind tells how sums become means.
func (m *Mean) Kind() emit.MeanKind {
	switch {
	case m.Scaled && general(m.multiplier()):
		return emit.MeanScaledGeneral
	case m.Scaled:
		return emit.MeanScaled
	case m.Scales[0] == m.Scales[1] && m.Zeros[0] == m.Zeros[1]:
		return emit.MeanDivided
	}
	return emit.MeanFloat
}

func (m *Mean) offset() int32 { return legalised(m.FromInt8) }

func (m *Mean) multiplier() qnn.Multiplier {
	return qnn.QuantizeMultiplier(float64(float32(m.Scales[0] / float32(float32(m.Count)*m.Scales[1]))))
}

// bias is what MeanScaled adds to the product.
func (m *Mean) bias() int32 {
	return qnn.MeanBias(m.Scales[0], m.Zeros[0]-m.offset(), m.Scales[1], m.Zeros[1]-m.offset())
}

// float returns what MeanFloat multiplies by and adds.
func (m *Mean) float() (scale, bias float32) {
	scale = float32(m.Scales[0] / m.Scales[1])
	return scale, float32(float32(-(m.Zeros[0] - m.offset())) * scale) // neither is finite if scale is not
}

// Pack lays out the constants in vectors of width bytes.
func (m *Mean) Pack(width int) []byte {
	l := emit.MeanLayout(x86.Width(width), m.Kind())
	dst := Aligned(l.Bytes)
	zero := m.bias()
	if m.Kind() == emit.MeanFloat {
		zero = m.Zeros[1] - m.offset()
	}
	numbers := emit.RequantNumbersOf(m.multiplier(), qnn.Double, zero)
	scale, bias := m.float()
	reciprocal := Reciprocal32(m.Count)
	for _, f := range l.Fields {
		field := dst[f.Offset:][:f.Bytes]
		switch f.Name {
		case "less":
			fill32(field, uint32(m.offset())*uint32(m.Count))
		case "factor":
			fill32(field, uint32(reciprocal.Factor))
		case "right":
			fill64(field, uint64(reciprocal.Right))
		case "count":
			fillFloat(field, float32(m.Count))
		case "scale":
			fillFloat(field, scale)
		case "bias":
			fillFloat(field, bias)
		case "least":
			fillFloat(field, -1<<16)
		case "most":
			fillFloat(field, 1<<16)
		case "offset16":
			fill16(field, m.offset())
		case "lo8": // 0
		case "hi8":
			fill8(field, 255)
		default:
			fillNumber(field, &numbers, f.Name)
		}
	}
	return dst
}
