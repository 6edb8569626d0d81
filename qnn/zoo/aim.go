package zoo

import (
	"math"

	"qtune/qnn"
)

// An aim is what the outputs of a layer are to be, in steps of their
// quantisation.
type aim struct {
	quant         qnn.Quant
	spread        float64 // standard deviation before the activation
	mean, wobbles float64 // of a channel: mean of the means, and their deviation
}

// aim says what a layer is to deliver. The range of 255 steps covers, before
// the activation cuts off what is negative, about as many deviations as a
// normal distribution has in a large map.
func (f *filler) aim(act qnn.Activation, name string, random *stream) aim {
	switch {
	case act == qnn.Relu6: // the scale is given
		return aim{f.quantOf(6.0/255, 0), 64, 16, 20}
	case act == qnn.Relu:
		return aim{f.quantOf(random.uniform(0.8, 1.25)/64, 0), 64, 16, 20}
	case name == "logits": // for softmax the high values matter
		return aim{f.quantOf(0.13, 96), 32, 0, 16}
	}
	zero := 118 + int32(random.intn(21))
	return aim{f.quantOf(random.uniform(0.8, 1.25)/36, zero), 36, 0, 8}
}

// solve returns the multiplier, one or one for each channel, and the biases by
// which accumulators become what the aim says.
func (a aim) solve(acc [][]int32, perChannel bool, random *stream) (multipliers []float64, bias []int32) {
	channels := make([]sample, len(acc))
	means, within := make([]int32, len(acc)), 0.0
	for c, row := range acc {
		channels[c] = sampleOf(row)
		means[c] = channels[c].mean
		within += channels[c].variance / float64(len(acc))
	}
	// Real maps vary more than the tile: they have edges, where padding takes away
	// a part of each channel's mean, and are not of one image. The difference
	// between the means says how much that can be. 1 keeps a constant sample from
	// being a division by zero.
	unseen := float64(sampleOf(means).variance/4) + 1
	if !perChannel {
		multipliers = []float64{a.spread / math.Sqrt(within+unseen)}
	}
	bias = make([]int32, len(acc))
	for c := range acc {
		if perChannel {
			// Half way between the channel and the layer: channels keep some
			// difference, and one that the sample shows as constant is no trouble.
			multipliers = append(multipliers, a.spread/math.Sqrt((channels[c].variance+within)/2+unseen))
		}
		target := a.mean + float64(a.wobbles*random.normal())
		bias[c] = int32(math.Round(target/multipliers[len(multipliers)-1])) - means[c]
	}
	return multipliers, bias
}

// A sample is the mean, rounded, and the variance of some values.
type sample struct {
	mean     int32
	variance float64
}

func sampleOf(values []int32) sample {
	sum := int64(0)
	for _, v := range values {
		sum += int64(v)
	}
	n := int64(len(values))
	s := sample{mean: int32(sum / n)}
	for _, v := range values {
		d := int64(v) - sum/n
		s.variance += float64(d * d)
	}
	s.variance /= float64(n)
	return s
}
