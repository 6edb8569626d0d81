package emit

import (
	"fmt"
	"strings"

	"qtune/kernels/x86"
	"qtune/schedules"
)

// A DepthwisePlan is everything that a depthwise kernel decides before its
// first instruction.
//
// A block is Vector bytes of channels (flat: of a row). Of each input column
// the rows in RowOffsets are interleaved, Group at a time, to four vectors with
// the rows of one channel next to each other in a lane of 32 bits:
//
//	quad  r0[c] r1[c] r2[c] r3[c]         bytes, for VPDPBUSD
//	pair  r0[c] r1[c]                     words, for VPDPWSSD or VPMADDWD
//	lane l of vector v: channel 16*(l/4) + 4*v + l%4, as package store packs
//
// Each output pixel adds the dot products of the columns of its window with
// weights that are zero for rows outside of it.
type DepthwisePlan struct {
	Workload schedules.Workload
	ISA      schedules.ISA

	Flat          bool
	Vector, Lanes int // bytes of a vector, lanes of 32 bits
	Quad          bool
	Group         int // rows in a lane: 4 or 2
	RowsPerStep   int
	RowOffsets    []int // input rows of a step, relative to its first
	Sections      []Section
	Order         string
	Peel, Copy    bool
	HaloInput     bool
	SplitChannels bool
	KeepWeights   bool // all weights of a block are kept in registers
	// Residual: weights may exceed int8. The packed ones are clamped, and what is
	// left of them, in Residuals more sets, is added where a column has any.
	Residual bool

	PixelBytes   int // of an input pixel, in the input or its copy
	Channels     int // stored in a block
	FullBlocks   int
	TailOverlap  bool // a last block of full width that ends with the channels
	MaskedLoads  bool // the one block is narrower than Vector, loads are masked
	BlockWeights int  // bytes of packed weights of a block

	Requant requantKind
	Block   Layout // constants of one vector of channels
	Consts  Layout // constants of the layer
}

// A Section is a run of equal tiles of a row: Count tiles of Pixels outputs
// whose first Left and last Right input columns lie outside the input. Back is
// how many bytes the section starts before the end of the one before (flat: the
// last block overlaps).
type Section struct{ Count, Pixels, Left, Right, Back int }

// PlanDepthwise plans a depthwise kernel for a schedule that the space of w
// accepts.
func PlanDepthwise(w schedules.Workload, s schedules.Schedule, isa schedules.ISA) *DepthwisePlan {
	pad := s.Str("pad", "")
	p := &DepthwisePlan{
		Workload: w, ISA: isa,
		Flat: s.Str("form", "") == "flat", Vector: s.Int("vl", 16),
		Quad: s.Str("dot", "") == "quad", RowsPerStep: s.Int("ry", 1),
		Order: s.Str("order", "ycx"),
		Peel:  pad == "peel", Copy: pad == "copy", HaloInput: pad == "halo",
		SplitChannels: s.Str("split", "y") == "c",
		KeepWeights:   s.Str("wt", "mem") == "reg",
		Requant:       requantKindOf(w.Class),
	}
	p.Lanes, p.Group = p.Vector/4, 2
	if p.Quad {
		p.Group = 4
	}
	p.Residual = p.Quad && w.WeightZero
	p.planRows()
	p.planChannels()
	p.planSections(s.Int("mx", 1))
	p.planConstants()
	return p
}

// planRows lists the input rows that the output rows of a step read.
func (p *DepthwisePlan) planRows() {
	w := p.Workload
	read := map[int]bool{}
	last := 0
	for ry := range p.RowsPerStep {
		for ky := range w.KH {
			row := ry*w.StrideH + ky*w.DilationH
			read[row] = true
			last = max(last, row)
		}
	}
	for row := 0; row <= last; row++ {
		if read[row] {
			p.RowOffsets = append(p.RowOffsets, row)
		}
	}
}

func (p *DepthwisePlan) planChannels() {
	w := p.Workload
	p.PixelBytes = w.O
	switch {
	case p.Flat:
		p.Channels, p.FullBlocks = p.Vector, 1
	case w.O >= p.Vector:
		p.Channels, p.FullBlocks = p.Vector, w.O/p.Vector
		p.TailOverlap = w.O%p.Vector != 0
	default:
		p.Channels, p.FullBlocks = w.O, 1
		if p.ISA == schedules.AVX512VNNI {
			p.MaskedLoads = true
		} else { // the copy pads pixels to whole vectors
			p.PixelBytes = p.Vector
		}
	}
	p.BlockWeights = p.set()
	if p.Residual {
		p.BlockWeights = p.ResidualCount(w.KW, 0)
		p.BlockWeights += -p.BlockWeights & 63
	}
}

// Residuals is how many sets of int8 may be needed beside the first: weights less
// their zero point are -255..255.
const Residuals = 2

// set is the size of a set of weights of a block.
func (p *DepthwisePlan) set() int { return p.Workload.KW * p.Groups() * p.RowsPerStep * 4 * p.Vector }

// ResidualOffset returns where a vector of residual weights lies in a block's.
func (p *DepthwisePlan) ResidualOffset(set, kx, group, ry, v int) int {
	return (1+set)*p.set() + p.WeightOffset(kx, group, ry, v)
}

// ResidualCount returns where the number of sets that a column of the window has
// residuals in lies in a block's weights, an int64.
func (p *DepthwisePlan) ResidualCount(kx, group int) int {
	return (1+Residuals)*p.set() + 8*(kx*p.Groups()+group)
}

// Groups returns the number of groups of rows in a step.
func (p *DepthwisePlan) Groups() int { return (len(p.RowOffsets) + p.Group - 1) / p.Group }

// Tap returns which row of the window input row index i of the step is for
// output row ry, or -1.
func (p *DepthwisePlan) Tap(i, ry int) int {
	if i >= len(p.RowOffsets) {
		return -1
	}
	w := p.Workload
	at := p.RowOffsets[i] - ry*w.StrideH
	if at < 0 || at%w.DilationH != 0 || at/w.DilationH >= w.KH {
		return -1
	}
	return at / w.DilationH
}

// uses tells whether output row ry reads any row of group gr.
func (p *DepthwisePlan) uses(gr, ry int) bool {
	for i := range p.Group {
		if p.Tap(gr*p.Group+i, ry) >= 0 {
			return true
		}
	}
	return false
}

// WeightOffset returns where the weights of a vector lie in a block's:
// [KW][group][output row of the step][vector].
func (p *DepthwisePlan) WeightOffset(kx, group, ry, v int) int {
	return (((kx*p.Groups()+group)*p.RowsPerStep+ry)*4 + v) * p.Vector
}

func (p *DepthwisePlan) planSections(mx int) {
	w := p.Workload
	if p.Flat {
		row := w.OW() * w.C
		p.Sections = []Section{{Count: row / p.Vector, Pixels: 1}}
		if rest := row % p.Vector; rest != 0 {
			p.Sections = append(p.Sections, Section{Count: 1, Pixels: 1, Back: p.Vector - rest})
		}
		return
	}
	n := (w.OW() + mx - 1) / mx
	big := (w.OW() + n - 1) / n
	bigN := w.OW() - n*(big-1)
	x := 0
	for i := range n {
		t := Section{Count: 1, Pixels: big}
		if i >= bigN {
			t.Pixels--
		}
		if p.Peel {
			first := x*w.StrideW - w.PadLeft
			last := first + (t.Pixels-1)*w.StrideW + (w.KW-1)*w.DilationW
			t.Left, t.Right = max(0, -first), max(0, last-w.W+1)
		}
		x += t.Pixels
		if k := len(p.Sections) - 1; k >= 0 && p.Sections[k].sameTiles(t) {
			p.Sections[k].Count++
		} else {
			p.Sections = append(p.Sections, t)
		}
	}
}

func (s Section) sameTiles(t Section) bool {
	return s.Pixels == t.Pixels && s.Left == t.Left && s.Right == t.Right
}

func (p *DepthwisePlan) planConstants() {
	p.Block.add("bias", p.Vector)
	storeFields(&p.Consts, p.width(), true)
	p.Consts.add("pad", p.Vector)
	target := &p.Consts
	if p.Workload.PerChannel {
		target = &p.Block
	}
	for _, name := range p.Requant.fields(p.Workload.PerChannel) {
		target.add(name, p.Vector)
	}
}

func (p *DepthwisePlan) width() x86.Width { return x86.Width(p.Vector) }

// Blocks returns the number of channel blocks, the overlapping one included.
func (p *DepthwisePlan) Blocks() int {
	if p.TailOverlap {
		return p.FullBlocks + 1
	}
	return p.FullBlocks
}

// FirstChannel returns the first channel of block b.
func (p *DepthwisePlan) FirstChannel(b int) int {
	if b == p.FullBlocks {
		return p.Workload.O - p.Vector
	}
	return b * p.Vector
}

// String prints the plan, one decision a line.
func (p *DepthwisePlan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "channels     %d blocks of %d, overlapping last %v, masked %v, flat %v, pixel %d bytes\n",
		p.Blocks(), p.Channels, p.TailOverlap, p.MaskedLoads, p.Flat, p.PixelBytes)
	fmt.Fprintf(&b, "rows         %d a step from input rows %v in groups of %d\n",
		p.RowsPerStep, p.RowOffsets, p.Group)
	for _, s := range p.Sections {
		fmt.Fprintf(&b, "tiles        %d of %d pixels, %d columns outside left, %d right, %d bytes back\n",
			s.Count, s.Pixels, s.Left, s.Right, s.Back)
	}
	fmt.Fprintf(&b, "nest         %s, peel %v, halo %v, copy %v\n", p.Order, p.Peel, p.HaloInput, p.Copy)
	fmt.Fprintf(&b, "constants    %d bytes a channel vector, %d bytes a layer, weights %d bytes a block\n",
		p.Block.Bytes, p.Consts.Bytes, p.BlockWeights)
	return b.String()
}
