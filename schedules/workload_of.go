package schedules

import (
	"fmt"
	"math"

	"qtune/qnn"
)

var opOfKind = map[qnn.LayerKind]Op{
	qnn.ConvLayer:      Conv2D,
	qnn.DepthwiseLayer: Depthwise,
	qnn.DenseLayer:     Dense,
}

// WorkloadOf returns the work that l is for isa. Activations must be uint8: int8 layers
// come legalised.
func WorkloadOf(l *qnn.Layer, isa ISA) (Workload, error) {
	if l.Signed {
		return Workload{}, fmt.Errorf("int8 activations: the layer is not legalised")
	}
	w := Workload{
		Op: opOfKind[l.Kind],
		N:  l.N, H: l.H, W: l.W, C: l.C, O: l.OC,
		Multiplier: l.Multiplier,
		Window:     l.Window,
		Class:      classOf(l),
	}
	if isa == AVX2 && w.Op != Depthwise {
		w.Saturation = saturationOf(l)
	}
	if err := w.Validate(); err != nil {
		return Workload{}, fmt.Errorf("%s: %w", w, err)
	}
	switch {
	case w.OH() != l.OH || w.OW() != l.OW:
		return Workload{}, fmt.Errorf("%s: output of %dx%d, want %dx%d", w, l.OH, l.OW, w.OH(), w.OW())
	case len(l.Weights) != w.WeightBytes():
		return Workload{}, fmt.Errorf("%s: %d bytes of weights, want %d", w, len(l.Weights), w.WeightBytes())
	case len(l.Requant.Mult) != 1 && len(l.Requant.Mult) != l.OC:
		return Workload{}, fmt.Errorf("%s: %d multipliers", w, len(l.Requant.Mult))
	}
	return w, nil
}

func classOf(l *qnn.Layer) Class {
	r := &l.Requant
	c := Class{
		WeightZero: !l.WeightSigned && !fitInt8(l.Weights, l.WeightZero),
		PerChannel: len(r.Mult) > 1,
		Round:      r.Round,
		Sign:       r.Signed(),
	}
	c.General = !accumulatorsSpare(l)
	for i, m := range r.Mult {
		if c.General {
			break
		}
		if c.Sign {
			c.General = m.M != 0 && m.Exp > -1
			continue
		}
		_, short := r.ShortForm(i)
		c.General = !short
	}
	c.Float = !c.General && hasFloatForms(r)
	return c
}

func hasFloatForms(r *qnn.Requantise) bool {
	for i := range r.Mult {
		if _, ok := r.FloatForm(i); !ok {
			return false
		}
	}
	return true
}

// accumulatorsSpare tells whether the bias of a short form can be added to any
// accumulator.
func accumulatorsSpare(l *qnn.Layer) bool {
	taps := int64(l.Window.KH * l.Window.KW)
	if l.Kind != qnn.DepthwiseLayer {
		taps *= int64(l.C)
	}
	most := taps*255*255 + qnn.MaxShortBias
	for _, b := range l.Bias {
		if most+int64(max(b, -b)) > math.MaxInt32 || b == math.MinInt32 {
			return false
		}
	}
	return true
}

// fitInt8 tells whether w - zero fits int8 for all weights.
func fitInt8(weights []byte, zero int32) bool {
	for _, w := range weights {
		if d := int32(w) - zero; d < -128 || d > 127 {
			return false
		}
	}
	return true
}
