package schedules

import "qtune/qnn"

// Saturation says how often the products of bytes and weights, added up in 16 bits
// over two steps of 4 bytes for 8 channels at once, would leave them for some
// input.
type Saturation uint8

// Saturations, by the share of such groups of steps.
const (
	UsualSaturation Saturation = iota // of int8 weights with a scale a channel, nearly all
	SomeSaturation                    // less than 2/3: of weights that use the range of uint8
	RareSaturation                    // less than 1/12: of most trained with it
)

func (s *Saturation) field() field {
	return field{
		prefix: "sat=", values: []string{"usual", "some", "rare"}, optional: true,
		get: func() int { return int(*s) },
		set: func(i int) { *s = Saturation(i) },
	}
}

// spread is the standard deviation of weights of which so few sums saturate, if
// their distribution is normal.
var spread = map[Saturation]float64{SomeSaturation: 28, RareSaturation: 16}

// saturationOf looks at a thousand groups of steps of l, which is no depthwise
// layer.
func saturationOf(l *qnn.Layer) Saturation {
	const (
		looks = 1024
		lanes = 8
		taps  = 8 // of two steps
	)
	k := len(l.Weights) / l.OC
	across, along := (l.OC+lanes-1)/lanes, (k+taps-1)/taps
	n := min(looks, across*along)
	count := 0
	for i := range n {
		at := i * across * along / n
		first, oc := at%along*taps, at/along*lanes
		if saturates(l, oc, min(oc+lanes, l.OC), first, min(first+taps, k)) {
			count++
		}
	}
	switch {
	case 12*count < n:
		return RareSaturation
	case 3*count < 2*n:
		return SomeSaturation
	}
	return UsualSaturation
}

// saturates looks at weights first to before end of channels oc to before last: the
// two sums of a channel take every other pair.
func saturates(l *qnn.Layer, oc, last, first, end int) bool {
	const most = 128 // of the weights of a sum that have the same sign
	k := len(l.Weights) / l.OC
	for ; oc < last; oc++ {
		var positive, negative [2]int32
		for i := first; i < end; i++ {
			w := int32(l.Weights[oc*k+i]) - l.WeightZero
			if l.WeightSigned {
				w = int32(int8(l.Weights[oc*k+i]))
			}
			sum := (i - first) / 2 % 2
			positive[sum] += max(w, 0)
			negative[sum] -= min(w, 0)
		}
		if max(positive[0], positive[1], negative[0], negative[1]) > most {
			return true
		}
	}
	return false
}
