package emit

import (
	"fmt"
	"strings"

	"qtune/kernels/x86"
	"qtune/qnn"
	"qtune/schedules"
)

// A ConvPlan is everything that a conv2d or dense kernel decides before its
// first instruction. Input rows are addressed through a table, so that rows may
// lie anywhere; each starts PadLeft pixels before the image and holds pixels
// of PixelBytes without gaps.
//
// The reduction of an output pixel is cut into segments: for each row of the
// window (and, where the window is dilated in x, each column) a run of
// SegmentElements contiguous elements, read 4 bytes a step. If the length is no
// multiple of 4 the last step reads the last 4 bytes of the segment, and the
// weights of those that were already counted are zero: no read leaves the
// segment. With form=stack the rows of the window are made channels of one row
// before (stack.go); the program sees a window of one row then.
type ConvPlan struct {
	Workload schedules.Workload
	ISA      schedules.ISA

	Flat         bool // all pixels are one row
	Rows, Row    int  // output rows and pixels in a row (flat: 1 and all)
	Images       int  // runs of Rows (flat: 1)
	Big          int  // pixels of a tile; smaller ones have Big-1
	BigN, SmallN int  // tiles in a row

	NV, Sets, Unroll int
	Depth            int // steps that VPADDW adds up before they are widened; 0: the dot step makes int32
	Order, Operands  string
	Pack             bool
	Late             bool // a tile is concluded while the next one is reduced
	Halo             bool // the view holds PadLeft and PadRight cells
	Copy             bool // the input is copied to rows with those cells first
	SplitChannels    bool

	Stack    *StackPlan // form=stack: how the rows that the program reads are made
	Window   qnn.Window // as the program sees it: of form=stack one row
	Channels int        // of the pixels that it sees

	Lanes, ElementBytes int
	WeightBytes         int // of a weight; where it is less than ElementBytes, weights are widened when they are loaded
	PixelBytes          int // of a pixel that it sees
	SegmentElements     int
	SegmentsX           int // segments in a row of the window
	Steps               int // of 4 bytes in a segment

	FullBlocks   int // blocks of NV vectors of channels
	TailNV       int // vectors of the last, narrower block; 0 if there is none
	TailChannels int // channels of it

	// Prefetch is how many lines of the next channel block's weights are fetched,
	// at most, in a round of the loop over a segment.
	Prefetch int

	Requant requantKind
	Sums    bool // accumulators start with what the window sums make with the weights' zero point

	Block  Layout // constants of one vector of channels
	Consts Layout // constants of the layer
}

// Constants of convolutions.
const (
	fieldWindow = "window" // multiplies window sums
	fieldSpill  = "spill"  // see spill.go
)

// PlanConv plans a conv2d or dense kernel for a schedule that the space of w
// accepts.
func PlanConv(w schedules.Workload, s schedules.Schedule, isa schedules.ISA) *ConvPlan {
	p := &ConvPlan{
		Workload: w, ISA: isa,
		Flat:   w.Op == schedules.Dense || s.Str("form", "") == "flat",
		Images: w.N, Rows: w.OH(), Row: w.OW(),
		NV: s.Int("nv", 1), Sets: s.Int("sets", 1), Unroll: s.Int("u", 1),
		Order: s.Str("order", "cyx"), Operands: s.Str("op", "reg"),
		Pack: s.Str("st", "pack") != "cvt", Late: s.Str("st", "pack") == "late", Halo: s.Str("pad", "") == "halo", Copy: s.Str("pad", "") == "copy",
		SplitChannels: s.Str("split", "y") == "c",
		ElementBytes:  schedules.ElementBytes(isa, s),
		WeightBytes:   schedules.WeightBytes(isa, s),
		Depth:         schedules.DotDepth(s),
		Requant:       requantKindOf(w.Class),
		Sums:          w.WeightZero && isa != schedules.AVX2,
	}
	if p.Flat {
		p.Images, p.Rows, p.Row = 1, 1, w.N*w.OH()*w.OW()
		p.Order = strings.ReplaceAll(p.Order, "y", "")
	}
	_, p.Lanes = schedules.Registers(isa)
	p.planTiles(s.Int("mr", 1))
	p.planReduction(s.Str("form", "") == "stack")
	p.planChannels()
	p.planConstants()
	p.planPrefetch()
	return p
}

// planPrefetch decides whether weights are fetched before they are needed: the
// next block's while a block is computed, spread evenly over its tiles.
func (p *ConvPlan) planPrefetch() {
	const maxLines = 4
	tiles, block := p.Rows*(p.BigN+p.SmallN), p.BlockWeightBytes(p.NV)
	if p.Stack != nil || p.Late || p.Order[0] != 'c' || tiles < 2 || p.Rounds() == 0 || block < schedules.MinFetched || block > schedules.MaxFetched {
		return
	}
	p.Prefetch = min((p.Unroll*p.NV*p.VectorWeightBytes()/64+tiles-1)/tiles, maxLines)
}

// Rounds returns how often the loop over a segment goes round, Unroll steps each;
// 0 is no loop.
func (p *ConvPlan) Rounds() int {
	if p.Late {
		return 0
	}
	rounds := p.SegmentElements * p.ElementBytes / 4 / p.Unroll
	if rounds == 1 {
		return 0
	}
	return rounds
}

func (p *ConvPlan) planTiles(mr int) {
	n := (p.Row + mr - 1) / mr
	p.Big = (p.Row + n - 1) / n
	p.BigN = p.Row - n*(p.Big-1)
	p.SmallN = n - p.BigN
}

func (p *ConvPlan) planReduction(stack bool) {
	p.Window, p.Channels = p.Workload.Window, p.Workload.C
	if stack {
		p.Window.KH, p.Window.StrideH, p.Window.DilationH = 1, 1, 1
		p.Channels *= p.Workload.KH
	}
	p.PixelBytes = p.Channels * p.ElementBytes
	p.SegmentElements, p.SegmentsX = p.Window.KW*p.Channels, 1
	if p.Window.DilationW != 1 {
		p.SegmentElements, p.SegmentsX = p.Channels, p.Window.KW
	}
	p.Steps = (p.SegmentElements*p.ElementBytes + 3) / 4
	if stack {
		p.Stack = planStack(p)
	}
}

func (p *ConvPlan) planChannels() {
	per := p.NV * p.Lanes
	p.FullBlocks, p.TailChannels = p.Workload.O/per, p.Workload.O%per
	p.TailNV = (p.TailChannels + p.Lanes - 1) / p.Lanes
	if p.Pack { // stores want groups of 1, 2, 3 or a multiple of 4
		for p.TailNV > 3 && p.TailNV%4 != 0 {
			p.TailNV++
		}
	}
}

func (p *ConvPlan) planConstants() {
	vec := 4 * p.Lanes
	if p.Depth > 0 {
		p.Block.add(fieldSpill, vec)
	}
	p.Block.add("bias", vec)
	storeFields(&p.Consts, p.width(), p.Pack)
	if p.Sums && p.Stack == nil {
		p.Consts.add(fieldWindow, vec)
	}
	target := &p.Consts
	if p.Workload.PerChannel {
		target = &p.Block
	}
	for _, name := range p.Requant.fields(p.Workload.PerChannel) {
		target.add(name, vec)
	}
}

func (p *ConvPlan) width() x86.Width { return x86.Width(4 * p.Lanes) }

// Blocks returns the number of channel blocks, the tail included.
func (p *ConvPlan) Blocks() int {
	if p.TailNV > 0 {
		return p.FullBlocks + 1
	}
	return p.FullBlocks
}

// BlockWeightBytes returns the packed weights of a block of nv vectors:
// [KH][SegmentsX][Steps][nv][Lanes][4 bytes, or 2 that are widened].
func (p *ConvPlan) BlockWeightBytes(nv int) int {
	return p.Window.KH * p.SegmentsX * p.Steps * nv * p.VectorWeightBytes()
}

// VectorWeightBytes returns the size of a vector of weights, of 4 bytes of input.
func (p *ConvPlan) VectorWeightBytes() int { return 4 * p.Lanes * p.WeightBytes / p.ElementBytes }

// String prints the plan, one decision a line.
func (p *ConvPlan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "rows         %d x %d rows of %d pixels = %d tiles of %d + %d of %d\n",
		p.Images, p.Rows, p.Row, p.BigN, p.Big, p.SmallN, p.Big-1)
	fmt.Fprintf(&b, "channels     %d blocks of %d vectors of %d lanes, tail of %d channels in %d vectors\n",
		p.FullBlocks, p.NV, p.Lanes, p.TailChannels, p.TailNV)
	fmt.Fprintf(&b, "reduction    %d rows x %d segments of %d elements of %d bytes = %d steps of 4 bytes, unrolled %d, %d sets of accumulators\n",
		p.Window.KH, p.SegmentsX, p.SegmentElements, p.ElementBytes, p.Steps, p.Unroll, p.Sets)
	fmt.Fprintf(&b, "nest         %s, operands %s, halo %v, pack %v, late %v, window sums %v\n", p.Order, p.Operands, p.Halo, p.Pack, p.Late, p.Sums)
	if p.Stack != nil {
		fmt.Fprintf(&b, "stack        %d rows of %d channels, %d bytes each\n", p.Stack.Rows, p.Channels, p.Stack.RowBytes)
	}
	if p.Depth > 0 {
		fmt.Fprintf(&b, "dot          products of %d steps are added in 16 bits\n", p.Depth)
	}
	fmt.Fprintf(&b, "constants    %d bytes a channel vector, %d bytes a layer\n", p.Block.Bytes, p.Consts.Bytes)
	return b.String()
}
