// Package pack lays out a layer's weights and constants as the programs of
// package emit read them.
//
// In: a qnn.Layer over uint8 activations and a plan. Out: bytes. Weights of a
// convolution, for VPDPBUSD (one step = 4 input bytes x one vector of channels):
//
//	[block of NV vectors][row of the window][segment][step][vector][lane][4] int8
//
// and for VPMADDWD [2] int16 in place of [4] int8. A worked example, 1x1, 8
// input channels, 16 lanes, NV = 1: step 0 holds channels 0-3 of output
// channels 0..15 (64 bytes), step 1 channels 4-7.
//
// Zero points. The sum over (x-xz)*(w-wz) is split into a part for the dot
// product and constants:
//
//	int8 weights:  x*w' with w' = w-wz where that fits int8 for all weights of
//	               the layer, else w' = w-128, and accumulators start with the
//	               rest, (128-wz) * sum(x), from the table of window sums;
//	               the bias takes -xz * sum(w-wz), which holds at the border
//	               too because padding holds xz
//	int16 weights: (x-xz)*(w-wz) as it stands; padding is 0. Stacked rows hold x,
//	               and the bias takes the rest, as above
//	spilling int8 weights (spill.go): x*(w-wz), of as many steps as that takes;
//	               the bias takes -xz * sum(w-wz)
package pack

import (
	"encoding/binary"
	"slices"

	"qtune/kernels/emit"
	"qtune/qnn"
)

// Conv returns the packed weights, the constants of the channel blocks and the
// constants of the layer.
func Conv(p *emit.ConvPlan, l *qnn.Layer) (weights, blocks, consts []byte) {
	bias := convBias(p, l)
	numbers := requantNumbers(p.Requant, &l.Requant)
	blocks = Aligned((p.FullBlocks*p.NV + p.TailNV) * p.Block.Bytes)
	for b := range p.Blocks() {
		channels := blockChannels(p, b)
		for v := range len(channels) / p.Lanes {
			dst := blocks[(b*p.NV+v)*p.Block.Bytes:][:p.Block.Bytes]
			fillBlock(dst, &p.Block, channels[v*p.Lanes:][:p.Lanes], numbers, func(c int) int32 { return bias[c] })
		}
	}
	if p.Depth > 0 {
		weights = spillingWeights(p, l, blocks)
	} else {
		weights = convWeights(p, l)
	}
	return weights, blocks, layerConstants(&p.Consts, p.Lanes, numbers[0], &l.Requant, weightOffset(p, l)-l.WeightZero)
}

// blockChannels returns the channel of each lane of block b, -1 where there is
// none: [nv][lanes].
func blockChannels(p *emit.ConvPlan, b int) []int {
	nv := p.NV
	if b == p.FullBlocks {
		nv = p.TailNV
	}
	channels := make([]int, nv*p.Lanes)
	for i := range channels {
		channels[i] = b*p.NV*p.Lanes + emit.ChannelOf(p.Pack, nv, p.Lanes, i/p.Lanes, i%p.Lanes)
		if channels[i] >= p.Workload.O {
			channels[i] = -1
		}
	}
	return channels
}

// convWeights returns the packed weights of all blocks.
func convWeights(p *emit.ConvPlan, l *qnn.Layer) []byte {
	k := l.Window.KH * l.Window.KW * l.C
	rows := convRows(l, weightOffset(p, l), k, p.WeightBytes)
	if p.Stack != nil {
		rows = stackedRows(&p.Workload, rows, p.WeightBytes)
	}
	perBlock := p.BlockWeightBytes(p.NV)
	weights := Aligned(p.FullBlocks*perBlock + p.BlockWeightBytes(p.TailNV))
	for b := range p.Blocks() {
		channels := blockChannels(p, b)
		for i, oc := range channels {
			if oc >= 0 {
				packConvLane(p, weights[b*perBlock:], rows[oc*k*p.WeightBytes:], len(channels)/p.Lanes, i)
			}
		}
	}
	return weights
}

// fillBlock writes the constants of one vector of channels, of which oc lists those
// of the lanes, -1 where there is none.
func fillBlock(dst []byte, layout *emit.Layout, oc []int, numbers []emit.RequantNumbers, bias func(c int) int32) {
	of := func(c int) *emit.RequantNumbers {
		if c < 0 || len(numbers) == 1 {
			c = 0
		}
		return &numbers[c]
	}
	fillVectors(dst, layout, len(oc), func(lane int, name string) int64 {
		switch {
		case name == "spill" || name == "bias" && oc[lane] < 0:
			return 0
		case name != "bias":
			return of(oc[lane]).Get(name)
		}
		return int64(bias(oc[lane]) + of(oc[lane]).Bias())
	})
}

// requantNumbers returns the constants of each multiplier.
func requantNumbers(kind interface {
	Numbers(r *qnn.Requantise, oc int) emit.RequantNumbers
}, r *qnn.Requantise) []emit.RequantNumbers {
	list := make([]emit.RequantNumbers, len(r.Mult))
	for i := range list {
		list[i] = kind.Numbers(r, i)
	}
	return list
}

// packConvLane scatters the weights of one output channel, src [KH][KW][C] of
// the plan's window, to a lane of its block, which has nv vectors.
func packConvLane(p *emit.ConvPlan, dst, src []byte, nv, lane int) {
	w := p.Window
	step, size := nv*p.VectorWeightBytes(), p.VectorWeightBytes()/p.Lanes
	at := lane * size
	segment := p.SegmentElements * p.WeightBytes
	for ky := range w.KH {
		for kx := range p.SegmentsX {
			row := src[(ky*w.KW+kx)*p.Channels*p.WeightBytes:][:segment]
			for k := 0; k+size <= segment; k += size {
				if size == 4 { // most often: a copy by a call takes three times as long
					binary.LittleEndian.PutUint32(dst[at:], binary.LittleEndian.Uint32(row[k:]))
				} else {
					copy(dst[at:at+size], row[k:k+size])
				}
				at += step
			}
			if rest := segment % size; rest != 0 { // overlaps: only the last rest bytes are new
				if segment >= size {
					copy(dst[at+size-rest:at+size], row[segment-rest:])
				} else {
					copy(dst[at:at+size], row)
				}
				at += step
			}
		}
	}
}

// weightOffset is subtracted from each weight before it is packed.
func weightOffset(p *emit.ConvPlan, l *qnn.Layer) int32 {
	if p.Sums {
		return 128
	}
	return l.WeightZero
}

// convBias returns what accumulators start with beside the window sums.
func convBias(p *emit.ConvPlan, l *qnn.Layer) []int32 {
	bias := slices.Clone(l.Bias)
	if p.ElementBytes == 2 && p.Stack == nil {
		return bias
	}
	k := l.Window.KH * l.Window.KW * l.C
	for oc := range bias {
		sum := sumOf(l.Weights[oc*k:][:k], l.WeightSigned)
		bias[oc] -= l.InputZero * (sum - int32(k)*l.WeightZero)
	}
	return bias
}

// sumOf adds up a channel's weights.
func sumOf(row []byte, signed bool) int32 {
	flip, shift := byte(0), int32(0)
	if signed { // int8 v is the byte v+128, less 128
		flip, shift = 0x80, 128
	}
	sum := int32(0)
	for _, b := range row {
		sum += int32(b ^ flip)
	}
	return sum - shift*int32(len(row))
}

// convRows returns the weights [OC][k] less the offset, as int8 or int16.
func convRows(l *qnn.Layer, offset int32, k, elementBytes int) []byte {
	rows := make([]byte, l.OC*k*elementBytes)
	for oc := range l.OC {
		src := l.Weights[oc*k:][:k]
		if elementBytes == 1 {
			dst := rows[oc*k:][:k]
			for i, b := range src {
				dst[i] = b - byte(offset)
			}
			continue
		}
		dst := rows[oc*k*2:][:k*2]
		for i, b := range src {
			v := int16(b)
			if l.WeightSigned {
				v = int16(int8(b))
			}
			binary.LittleEndian.PutUint16(dst[2*i:], uint16(v-int16(offset)))
		}
	}
	return rows
}
