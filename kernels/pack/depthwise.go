package pack

import (
	"encoding/binary"

	"qtune/kernels/emit"
	"qtune/qnn"
)

// Depthwise returns the packed weights, the constants of the channel blocks and
// the constants of the layer. Weights, for VPDPBUSD (VPMADDWD: [2] int16):
//
//	[block][column of the window][group of rows][output row of a step][vector][lane][4] int8
//
// Weights are packed less their zero point. As int16 that always fits; as int8 what
// is left of weights beyond follows in sets of their own, see emit.DepthwisePlan.
func Depthwise(p *emit.DepthwisePlan, l *qnn.Layer) (weights, blocks, consts []byte) {
	weights = Aligned(p.Blocks() * p.BlockWeights)
	blocks = Aligned(p.Blocks() * 4 * p.Block.Bytes)
	numbers, bias := requantNumbers(p.Requant, &l.Requant), depthwiseBias(l)
	for b := range p.Blocks() {
		for v := range 4 {
			channels := make([]int, p.Lanes) // of each lane, -1 where there is none
			for lane := range channels {
				c := emit.ChannelOf(true, 4, p.Lanes, v, lane)
				if channels[lane] = -1; c >= p.Channels {
					continue
				}
				if b == p.FullBlocks { // in each pixel of the vector
					c %= p.TailChannels
				}
				c += p.FirstChannel(b)
				if p.Flat {
					c %= l.OC
				}
				channels[lane] = c
				packDepthwiseLane(p, weights[b*p.BlockWeights:][:p.BlockWeights], l, c, v, lane)
			}
			dst := blocks[(b*4+v)*p.Block.Bytes:][:p.Block.Bytes]
			fillBlock(dst, &p.Block, channels, numbers, func(c int) int32 { return bias[c] })
		}
	}
	consts = layerConstants(&p.Consts, p.Lanes, numbers[0], &l.Requant, 0)
	fillPadding(consts, p, l.InputZero)
	return weights, blocks, consts
}

// depthwiseBias folds the input's zero point into the bias of each channel.
func depthwiseBias(l *qnn.Layer) []int32 {
	bias := make([]int32, l.OC)
	copy(bias, l.Bias)
	for k := range l.Window.KH * l.Window.KW {
		for c := range bias {
			bias[c] -= l.InputZero * depthwiseWeight(l, k, c)
		}
	}
	return bias
}

// depthwiseWeight is weight k of channel c less its zero point.
func depthwiseWeight(l *qnn.Layer, k, c int) int32 {
	b := l.Weights[k*l.OC+c]
	if l.WeightSigned {
		return int32(int8(b)) - l.WeightZero
	}
	return int32(b) - l.WeightZero
}

// packDepthwiseLane places the weights of channel c in lane of vector v.
func packDepthwiseLane(p *emit.DepthwisePlan, dst []byte, l *qnn.Layer, c, v, lane int) {
	for kx := range l.Window.KW {
		for group := range p.Groups() {
			for ry := range p.RowsPerStep {
				for i := range p.Group {
					ky := p.Tap(group*p.Group+i, ry)
					if ky < 0 {
						continue
					}
					w := depthwiseWeight(l, ky*l.Window.KW+kx, c)
					at := p.WeightOffset(kx, group, ry, v) + 4*lane
					if p.Group == 2 {
						binary.LittleEndian.PutUint16(dst[at+2*i:], uint16(w))
						continue
					}
					first := min(max(w, -128), 127)
					dst[at+i] = byte(first)
					if rest := w - first; rest != 0 {
						packResidual(p, dst, rest, kx, group, v, p.ResidualOffset(0, kx, group, ry, v)+4*lane+i)
					}
				}
			}
		}
	}
}

// packResidual stores what is left of a weight in vector v, for the first set at byte
// at of the block, and counts the sets that the vector, the column and the block need.
func packResidual(p *emit.DepthwisePlan, dst []byte, rest int32, kx, group, v, at int) {
	sets := uint64(0)
	for ; rest != 0; sets++ {
		part := min(max(rest, -128), 127)
		dst[at] = byte(part)
		rest -= part
		at += p.ResidualOffset(1, 0, 0, 0, 0) - p.ResidualOffset(0, 0, 0, 0, 0)
	}
	column := p.ColumnResiduals(kx, group)
	for _, count := range [][]byte{dst[p.BlockResiduals():], dst[column:], dst[column+8*(1+v):]} {
		binary.LittleEndian.PutUint64(count, max(sets, binary.LittleEndian.Uint64(count)))
	}
}

// fillPadding writes the vector that stands for columns outside the input.
func fillPadding(consts []byte, p *emit.DepthwisePlan, zero int32) {
	off, _ := p.Consts.Find("pad")
	for i := range p.Vector {
		if p.Group == 4 || i%2 == 0 {
			consts[off+i] = byte(zero)
		}
	}
}
