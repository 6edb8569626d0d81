package zoo

import "qtune/qnn"

// A bank is how the weights of a layer lie in memory: channels filters of taps
// weights, one filter after the other, or interleaved as depthwise layers have
// them.
type bank struct {
	channels, taps int
	interleaved    bool
}

// bankOf returns the layout of weights w of a layer operator.
func bankOf(op qnn.Op, w *qnn.Tensor) bank {
	n := w.Shape.Elems()
	if _, ok := op.(qnn.Depthwise); ok {
		c := w.Shape[3]
		return bank{c, n / c, true}
	}
	return bank{w.Shape[0], n / w.Shape[0], false}
}

// at returns the place of a weight.
func (b bank) at(channel, tap int) int {
	if b.interleaved {
		return tap*b.channels + channel
	}
	return channel*b.taps + tap
}

// filter decodes the filter of a channel, less the zero point, into out.
func (b bank) filter(data []byte, t qnn.DType, zero int32, channel int, out []int32) {
	for tap := range out {
		v := data[b.at(channel, tap)]
		if t == qnn.Int8 {
			out[tap] = int32(int8(v))
		} else {
			out[tap] = int32(v) - zero
		}
	}
}

// asymmetric draws uint8 weights as quantisation-aware training leaves them
// with one scale for all: their range is that of the extreme weights, so it is
// not symmetric, the zero point is not 128, and a few weights are further from
// it than int8 reaches. Filters differ in gain by up to 0.6 : 1.
func (b bank) asymmetric(s *stream) (data []byte, zero int32) {
	zero = 128 + int32(6+s.intn(40))
	if s.intn(2) == 0 {
		zero = 256 - zero
	}
	// In units of gauss, the nearer end of the range is 3 deviations away.
	unit := float64(min(zero, 255-zero)) / (3 * gaussSD)
	data = make([]byte, b.channels*b.taps)
	least, most := 0, 0
	for c := range b.channels {
		scale := int64(unit * s.uniform(0.6, 1) * (1 << 32))
		for tap := range b.taps {
			q := int64(zero) + (int64(s.gauss())*scale+1<<31)>>32
			i := b.at(c, tap)
			data[i] = byte(min(max(q, 0), 255))
			if data[i] < data[least] {
				least = i
			}
			if data[i] > data[most] {
				most = i
			}
		}
	}
	data[least], data[most] = 0, 255
	return data, zero
}

// symmetric draws int8 weights whose every filter has a scale of its own and
// fills [-127, 127].
func (b bank) symmetric(s *stream) []byte {
	data := make([]byte, b.channels*b.taps)
	drawn := make([]int, b.taps)
	for c := range b.channels {
		most := 1
		for tap := range drawn {
			drawn[tap] = s.gauss()
			most = max(most, drawn[tap], -drawn[tap])
		}
		scale := 127 << 32 / int64(most)
		for tap, v := range drawn {
			data[b.at(c, tap)] = byte(int8((int64(v)*scale + 1<<31) >> 32))
		}
	}
	return data
}
