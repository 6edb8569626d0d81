package pack

import (
	"encoding/binary"
	"fmt"
	"math"

	"qtune/kernels/emit"
	"qtune/kernels/x86"
	"qtune/qnn/ref"
)

// A Softmax says what SOFTMAX of a tensor of bytes means: the scales of operand
// and result, the zero point of the result, and beta.
type Softmax struct {
	Scale, Beta float32
	OutScale    float32
	OutZero     int32 // what is added: see qnn.SoftmaxZero
}

func (s *Softmax) step() float32 { return float32(-s.Scale * s.Beta) }

// Check refuses what emit.Softmax does not compute: exponentials that grow with
// the distance from the maximum, quotients that are not finite.
func (s *Softmax) Check() error {
	if !(s.step() <= 0) || math.IsInf(float64(s.step()), 0) || math.IsInf(float64(float32(1/s.OutScale)), 0) || !(s.OutScale > 0) {
		return fmt.Errorf("a softmax with scale %v, beta %v, output scale %v", s.Scale, s.Beta, s.OutScale)
	}
	return nil
}

// Pack lays out the constants in vectors of width, and the exponentials.
func (s *Softmax) Pack(width x86.Width) []byte {
	l := emit.SoftmaxLayout(width)
	dst := Aligned(l.Bytes + 4*256)
	for _, f := range l.Fields {
		field := dst[f.Offset:][:f.Bytes]
		switch f.Name {
		case "scale":
			fillFloat(field, s.OutScale)
		case "unit":
			fillFloat(field, 1)
		case "half":
			fillFloat(field, 0.5)
		case "most":
			fillFloat(field, 1<<16)
		case "zero":
			fill32(field, uint32(s.OutZero))
		}
	}
	for i := range 256 {
		exp := ref.Exp(float32(s.step() * float32(i)))
		binary.LittleEndian.PutUint32(dst[l.Bytes+4*(255-i):], math.Float32bits(exp))
	}
	return dst
}
