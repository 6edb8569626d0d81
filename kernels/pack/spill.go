package pack

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"qtune/kernels/emit"
	"qtune/qnn"
)

// Limits of the weights that are multiplied by bytes and added in 16 bits; see
// package emit.
const (
	mostTogether = 128 // positive weights of a sum, and the negative ones
	mostWeight   = 127 // positive weight; the most negative is -mostTogether
)

// spillingWeights returns the weights of all blocks and behind them the spill of
// each, whose place it writes to the block's constants.
func spillingWeights(p *emit.ConvPlan, l *qnn.Layer, blocks []byte) []byte {
	k := l.Window.KH * l.Window.KW * l.C
	rows := convRows(l, l.WeightZero, k, 2)
	perBlock := p.BlockWeightBytes(p.NV)
	weights := Aligned(p.FullBlocks*perBlock + p.BlockWeightBytes(p.TailNV))
	field, _ := p.Block.Find("spill")
	var spills []byte
	for b := range p.Blocks() {
		s := &spiller{plan: p, channels: blockChannels(p, b), rows: rows, rowBytes: 2 * k}
		left := s.block(weights[b*perBlock:])
		at := len(weights) + len(spills) - b*perBlock
		binary.LittleEndian.PutUint64(blocks[b*p.NV*p.Block.Bytes+field:], uint64(at))
		spills = append(spills, s.list(left)...)
	}
	all := Aligned(len(weights) + len(spills))
	copy(all[copy(all, weights):], spills)
	return all
}

// A spiller packs a block of channels.
type spiller struct {
	plan     *emit.ConvPlan
	channels []int  // of each lane; -1: none
	rows     []byte // [OC][KH][KW][C] int16
	rowBytes int
}

// A column is what a step multiplies by 4 bytes of input.
type column struct {
	row, offset int     // of the input: in the table of rows, in the row
	weights     []int16 // [lane][4]
}

// block packs all groups of steps, and returns the columns whose weights are not
// yet zero.
func (s *spiller) block(dst []byte) []column {
	p := s.plan
	var left []column
	for ky := range p.Workload.KH {
		for kx := range p.SegmentsX {
			for first := 0; first < p.Steps; first += p.Depth {
				group := make([]column, min(p.Depth, p.Steps-first))
				for i := range group {
					group[i] = s.column(ky, kx, first+i)
				}
				dst = dst[s.take(group, dst):]
				left = appendLeft(left, group)
			}
		}
	}
	return left
}

// column reads the weights of step k of a segment.
func (s *spiller) column(ky, kx, k int) column {
	p, w := s.plan, s.plan.Workload
	at := p.StepOffset(k)
	c := column{8 * ky * w.DilationH, kx*w.DilationW*p.PixelBytes + at, make([]int16, 4*len(s.channels))}
	first := (ky*w.KW+kx)*w.C + at // of the channel's weights
	for lane, oc := range s.channels {
		if oc < 0 {
			continue
		}
		row := s.rows[oc*s.rowBytes:]
		for j := 4*k - at; j < 4 && at+j < p.SegmentElements; j++ { // those before belong to the last step
			c.weights[4*lane+j] = int16(binary.LittleEndian.Uint16(row[2*(first+j):]))
		}
	}
	return c
}

func appendLeft(left, group []column) []column {
	for _, c := range group {
		if slices.ContainsFunc(c.weights, func(w int16) bool { return w != 0 }) {
			left = append(left, c)
		}
	}
	return left
}

// list packs columns as the entries of a spill. What an entry cannot take goes to
// those behind.
func (s *spiller) list(left []column) []byte {
	p := s.plan
	nv := len(s.channels) / p.Lanes
	data, n := make([]byte, emit.SpillAlign), 0
	for len(left) > 0 {
		var next []column
		for group := range slices.Chunk(left, p.Depth) {
			entry := make([]byte, p.SpillEntry(nv))
			for i := range p.Depth {
				c := group[min(i, len(group)-1)] // without weights any input does
				binary.LittleEndian.PutUint64(entry[16*i:], uint64(c.row))
				binary.LittleEndian.PutUint64(entry[16*i+8:], uint64(c.offset))
			}
			s.take(group, entry[p.SpillOffsets():])
			next = appendLeft(next, group)
			data = append(data, entry...)
			n++
		}
		left = next
	}
	binary.LittleEndian.PutUint64(data, uint64(n))
	return data
}

// take stores as much of the weights of a group of steps as their sum allows,
// subtracts it from them, and returns the size of what it stored. It takes from as
// few columns as possible less than all.
func (s *spiller) take(group []column, dst []byte) int {
	cut := s.cut(group)
	step := 4 * len(s.channels)
	for lane := range s.channels {
		for half := 0; half < 4; half += 2 {
			at := 4*lane + half
			room := [2]int16{mostTogether, mostTogether} // for positive and for negative weights
			for _, spills := range []bool{false, true} {
				for i, c := range group {
					if cut>>i&1 == 1 != spills {
						continue
					}
					for j := at; j < at+2; j++ {
						dst[i*step+j] = byte(takeOne(&c.weights[j], &room))
					}
				}
			}
		}
	}
	return len(group) * step
}

// takeOne takes from w what there is room for, and returns it.
func takeOne(w *int16, room *[2]int16) int16 {
	part := min(max(*w, -room[1]), room[0], mostWeight)
	if part > 0 {
		room[0] -= part
	} else {
		room[1] += part
	}
	*w -= part
	return part
}

// cut returns the smallest set of columns, a bit each, without whose weights the
// others' can all be taken.
func (s *spiller) cut(group []column) uint {
	best := uint(1)<<len(group) - 1
	for set := range best {
		if bits.OnesCount(set) < bits.OnesCount(best) && s.fits(group, set) {
			if best = set; set == 0 {
				break
			}
		}
	}
	return best
}

// fits tells whether the columns beyond the set can be taken whole.
func (s *spiller) fits(group []column, without uint) bool {
	for at := 0; at < 4*len(s.channels); at += 2 {
		positive, negative := int16(0), int16(0)
		for i, c := range group {
			if without>>i&1 == 1 {
				continue
			}
			for _, w := range c.weights[at : at+2] {
				switch {
				case w > mostWeight:
					return false
				case w > 0:
					positive += w
				default:
					negative -= w
				}
			}
		}
		if positive > mostTogether || negative > mostTogether {
			return false
		}
	}
	return true
}
