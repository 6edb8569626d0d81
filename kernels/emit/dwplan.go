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
//
// Channels that fill no block are a last one of full width, which ends with the
// channels and computes some of the block before it again, or one of TailChannels
// 32 or 16, whose vectors hold Vector/TailChannels output pixels (input columns
// a stride apart), one after the other.
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
	TailSections  []Section // of the last block
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
	TailChannels int  // of a last block, which ends with the channels; 0 if there is none
	MaskedLoads  bool // the one block is narrower than Vector, loads are masked
	BlockWeights int  // bytes of packed weights of a block

	Requant requantKind
	Block   Layout // constants of one vector of channels
	Consts  Layout // constants of the layer
}

// A Section is a run of equal tiles of a row: Count tiles of Pixels outputs (the
// last block: vectors of them) whose first Left and last Right input columns lie
// outside the input. Back is how many pixels (flat: bytes) the section starts
// before the end of the one before, where pixels do not fill the last vector.
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
	p.planChannels(s.Str("tail", "vector") == "pixels")
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

func (p *DepthwisePlan) planChannels(packTail bool) {
	w := p.Workload
	p.PixelBytes, p.Channels, p.FullBlocks = w.O, p.Vector, w.O/p.Vector
	switch {
	case p.Flat:
		p.FullBlocks = 1
	case w.O%p.Vector == 0:
	case packTail:
		p.TailChannels = w.TailChannels(p.Vector)
	case w.O > p.Vector:
		p.TailChannels = p.Vector
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
		p.BlockWeights = p.ColumnResiduals(w.KW, 0)
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

// BlockResiduals returns where the number of sets in which a block has residuals
// lies in its weights, an int64.
func (p *DepthwisePlan) BlockResiduals() int { return (1 + Residuals) * p.set() }

// ColumnResiduals returns where that of a column of the window lies. Those of its
// vectors follow.
func (p *DepthwisePlan) ColumnResiduals(kx, group int) int {
	return p.BlockResiduals() + 8*(1+5*(kx*p.Groups()+group))
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
	p.Sections = p.sections(mx, 1)
	if p.TailChannels > 0 {
		p.TailSections = p.sections(mx, p.TailPixels())
	}
}

// sections cuts a row into tiles of at most mx vectors of per pixels.
func (p *DepthwisePlan) sections(mx, per int) []Section {
	w := p.Workload
	vectors := w.OW() / per
	n := (vectors + mx - 1) / mx
	big := (vectors + n - 1) / n
	bigN := vectors - n*(big-1)
	var list []Section
	x := 0
	add := func(t Section) {
		if p.Peel {
			first := x*w.StrideW - w.PadLeft
			last := first + (t.Pixels*per-1)*w.StrideW + (w.KW-1)*w.DilationW
			t.Left, t.Right = max(0, -first), max(0, last-w.W+1)
		}
		x += t.Pixels * per
		if k := len(list) - 1; k >= 0 && list[k].sameTiles(t) {
			list[k].Count++
		} else {
			list = append(list, t)
		}
	}
	for i := range n {
		if i < bigN {
			add(Section{Count: 1, Pixels: big})
		} else {
			add(Section{Count: 1, Pixels: big - 1})
		}
	}
	if rest := w.OW() % per; rest != 0 {
		x -= per - rest
		add(Section{Count: 1, Pixels: 1, Back: per - rest})
	}
	return list
}

func (s Section) sameTiles(t Section) bool {
	return s.Pixels == t.Pixels && s.Left == t.Left && s.Right == t.Right && t.Back == 0
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

// Blocks returns the number of channel blocks, the last one included.
func (p *DepthwisePlan) Blocks() int {
	if p.TailChannels > 0 {
		return p.FullBlocks + 1
	}
	return p.FullBlocks
}

// TailPixels returns how many pixels a vector of the last block holds.
func (p *DepthwisePlan) TailPixels() int { return p.Vector / p.TailChannels }

// FirstChannel returns the first channel of block b.
func (p *DepthwisePlan) FirstChannel(b int) int {
	if b == p.FullBlocks {
		return p.Workload.O - p.TailChannels
	}
	return b * p.Vector
}

// String prints the plan, one decision a line.
func (p *DepthwisePlan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "channels     %d blocks of %d, then the last %d, masked %v, flat %v, pixel %d bytes\n",
		p.FullBlocks, p.Channels, p.TailChannels, p.MaskedLoads, p.Flat, p.PixelBytes)
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
