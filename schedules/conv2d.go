package schedules

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

// The knobs of conv2d:
//
//	form   rows: tiles of output pixels within a row; flat: 1x1 stride 1, all
//	       pixels of the batch are one row; stack: few channels, the rows of
//	       the window are made channels of one row, a few output rows at a time
//	mr     output pixels of a register tile; rows are cut into tiles of mr and
//	       mr-1 pixels, so only sizes that a balanced cut gives are points
//	nv     vectors of output channels of a register tile
//	u      unrolling of the reduction, in steps of 4 bytes of input
//	order  loop nest, outermost first: c channel blocks, y rows, x tiles
//	op     reg: nv weight vectors in registers, activations broadcast to one;
//	       stream: mr broadcasts in registers, weights through one;
//	       mem: weights are memory operands
//	pad    where cells outside the input come from: halo (the producer left a
//	       border), copy (a scratch copy of the rows), none (not needed)
//	st     pack: saturating packs of 4 vectors; cvt: one vector at a time; late:
//	       packs, while the next tile is reduced
//	split  how the work of one thread is cut into calls: y rows, c channels
func conv2dFamily(w Workload, isa ISA) family {
	f := family{knobs: []Knob{
		{"form", convForms(w)},
		{"mr", numbers(1, tileLimit(isa))},
		{"nv", []string{"1", "2", "4"}},
		{"u", []string{"1", "2", "4", "8"}},
		{"order", []string{"cyx", "ycx", "yxc"}},
		{"op", []string{"reg", "stream", "mem"}},
		{"pad", convPads(w, isa)},
		{"st", convStores(isa)},
		{"split", []string{"y", "c"}},
	}}
	f.check = func(s Schedule) error { return checkConv(w, isa, s) }
	f.start, f.other = startConv(w, isa, f)
	return f
}

// MaxCallMACs bounds the work of one call of generated code to about a
// millisecond, in which the Go runtime cannot stop the world.
const MaxCallMACs = 40e6

func convForms(w Workload) []string {
	switch {
	case w.pointwise():
		return []string{"rows", "flat"}
	case w.stackable():
		return []string{"rows", "stack"}
	}
	return []string{"rows"}
}

// pointwise: a 1x1 convolution that reads each pixel once, where it stands.
func (w Workload) pointwise() bool {
	return w.KH == 1 && w.KW == 1 && w.StrideH == 1 && w.StrideW == 1 && !w.padded()
}

func (w Workload) padded() bool {
	return w.PadTop|w.PadLeft|w.PadBottom|w.PadRight != 0
}

func convPads(w Workload, isa ISA) []string {
	direct := []string{"none"}
	if w.padded() {
		direct = []string{"halo", "copy"}
	}
	switch {
	case !w.rowsNeedCopy(isa):
		return direct
	case w.Op == Conv2D && w.stackable():
		return slices.Compact(append(direct, "copy"))
	}
	return []string{"copy"}
}

// rowsNeedCopy tells whether all forms but stack read a copy of the rows.
func (w Workload) rowsNeedCopy(isa ISA) bool {
	return isa == AVX2 || // activations are widened into it
		w.segmentBytes() < 4 // a 4-byte read would leave the row
}

// segmentBytes is the length of one contiguous run of the window in a row.
func (w Workload) segmentBytes() int {
	if w.DilationW == 1 {
		return w.KW * w.C
	}
	return w.C
}

// segments returns in how many runs of contiguous bytes a program of the form reads
// a window, and the steps of one.
func (w Workload) segments(isa ISA, form string) (n, steps int) {
	bytes := w.segmentBytes() * ElementBytes(isa)
	n = w.Taps() / w.segmentBytes()
	if form == "stack" {
		n, bytes = n/w.KH, bytes*w.KH
	}
	return n, (bytes + 3) / 4
}

// Registers returns the number of vector registers of isa and the lanes of
// 32 bits in each.
func Registers(isa ISA) (regs, lanes int) {
	if isa == AVX512VNNI {
		return 32, 16
	}
	return 16, 8
}

func tileLimit(isa ISA) int {
	regs, _ := Registers(isa)
	return regs - 4
}

func checkConv(w Workload, isa ISA, s Schedule) error {
	mr, nv := s.Int("mr", 0), s.Int("nv", 0)
	if err := checkTile(isa, mr, nv, 1, s.Str("op", "")); err != nil {
		return err
	}
	if s.Str("st", "") == "late" {
		if err := checkLate(w, isa, s, mr, nv); err != nil {
			return err
		}
	}
	row := w.OW()
	if s.Str("form", "") != "stack" && s.Str("pad", "") != "copy" && w.rowsNeedCopy(isa) {
		return fmt.Errorf("pad=%s: form=%s needs a copy", s.Str("pad", ""), s.Str("form", ""))
	}
	if s.Str("form", "") == "flat" {
		row = w.N * w.OH() * row
		if s.Str("order", "") == "ycx" {
			return fmt.Errorf("order=ycx: form=flat has no rows, so it equals cyx")
		}
	}
	if err := checkBalanced(row, mr); err != nil {
		return err
	}
	return checkChannels(w, isa, s, nv)
}

func checkChannels(w Workload, isa ISA, s Schedule, nv int) error {
	_, lanes := Registers(isa)
	if nv > 1 && (nv/2)*lanes >= w.O {
		return fmt.Errorf("nv=%d: %d output channels fill only %d vectors", nv, w.O, (w.O+lanes-1)/lanes)
	}
	_, steps := w.segments(isa, s.Str("form", ""))
	if u := s.Int("u", 0); u > 1 && u > steps {
		return fmt.Errorf("u=%d: the reduction has only %d steps", u, steps)
	}
	if s.Str("split", "") == "c" && (w.O <= nv*lanes || float64(w.MACs()) <= MaxCallMACs) {
		return fmt.Errorf("split=c: the work is one call")
	}
	return nil
}

// ElementBytes is the size of an activation as the dot step reads it.
func ElementBytes(isa ISA) int {
	if isa == AVX2 {
		return 2
	}
	return 1
}

// checkTile checks that a register tile fits: accumulators, operands, and three
// temporaries that the requantisation needs once the operands are dead.
func checkTile(isa ISA, mr, nv, sets int, op string) error {
	regs, _ := Registers(isa)
	if need := mr*nv*sets + max(operands(isa, mr, nv, op), 3); need > regs {
		return fmt.Errorf("mr=%d nv=%d op=%s: needs %d vector registers, %s has %d", mr, nv, op, need, isa, regs)
	}
	return nil
}

// operands is how many vector registers a dot step takes besides accumulators.
func operands(isa ISA, mr, nv int, op string) int {
	n := 1
	switch op {
	case "reg":
		n += nv
	case "stream":
		n += mr
	}
	if isa == AVX2 { // product before it is added
		n++
	}
	return n
}

// checkBalanced accepts mr if cutting a row into the fewest tiles of at most mr
// pixels, as equal as possible, gives tiles of mr pixels.
func checkBalanced(row, mr int) error {
	n := (row + mr - 1) / mr
	if big := (row + n - 1) / n; big != mr {
		return fmt.Errorf("mr=%d: a balanced cut of %d pixels has tiles of %d", mr, row, big)
	}
	return nil
}

// startConv chooses by the loads a dot step needs, the measure that decided in
// sweeps on Zen 3 and Zen 5: (mr+nv)/(mr*nv), with mr the mean tile. Work of
// several calls is cut so that they read less again: all weights in each call, or
// all of the input.
func startConv(w Workload, isa ISA, f family) (Schedule, []Start) {
	var all []Start
	for _, form := range f.knobs[0].Values {
		pad := f.knobs[6].Values[0]
		switch stack := form == "stack"; {
		case stack != w.stacked(isa):
			continue
		case !stack && w.rowsNeedCopy(isa):
			pad = "copy"
		}
		all = append(all, startForm(w, isa, form, pad))
	}
	slices.SortStableFunc(all, func(a, b Start) int { return cmp.Compare(a.Cost, b.Cost) })
	other := all[1:]
	for i := range other {
		other[i].Cost /= all[0].Cost
	}
	return all[0].Schedule, other
}

// startForm chooses among the schedules of a form. A round of the reduction has four
// steps where it fetches weights as well, for a fetch takes as much of the second
// cache's time as a line that is read.
func startForm(w Workload, isa ISA, form, pad string) Start {
	row, split := w.OW(), "y"
	if form == "flat" {
		row *= w.N * w.OH()
	}
	if w.WeightBytes() > w.InputBytes() {
		split = "c"
	}
	var best Start
	for mr := 1; mr <= tileLimit(isa); mr++ {
		if checkBalanced(row, mr) != nil {
			continue
		}
		for _, nv := range []int{1, 2, 4} {
			unroll := 1
			if b := w.blockBytes(isa, nv); MinFetched <= b && b <= MaxFetched {
				unroll = 4
			}
			for _, kind := range startKinds(isa) {
				cost := tileCost(w, isa, row, mr, nv) + epilogueCost(w, isa, form, kind, row, mr, nv)
				if best.Cost != 0 && cost >= best.Cost {
					continue
				}
				point := func(unroll int, split string) Schedule {
					return Schedule{fmt.Sprintf("form=%s mr=%d nv=%d u=%d order=cyx op=%s pad=%s st=%s split=%s", form, mr, nv, unroll, kind.op, pad, kind.st, split)}
				}
				for _, s := range []Schedule{point(unroll, split), point(unroll, "y"), point(1, split), point(1, "y")} {
					if checkConv(w, isa, s) == nil {
						best = Start{s, cost}
						break
					}
				}
			}
		}
	}
	return best
}

// A startKind is what a start may have besides its tile. Where nv > mr, op=stream
// takes fewer registers.
type startKind struct{ op, st string }

func startKinds(isa ISA) []startKind {
	kinds := []startKind{{"reg", "pack"}, {"stream", "pack"}}
	if slices.Contains(convStores(isa), "late") {
		kinds = append(kinds, startKind{"reg", "late"}, startKind{"stream", "late"})
	}
	return kinds
}

// The weights of a channel block are fetched while the one before is computed, if
// they have so many bytes: fewer take no time to fetch, and of more the second
// cache does not hold two.
const (
	MinFetched = 8 << 10
	MaxFetched = 160 << 10
)

// What tileCost knows of memory; see docs/performance.md.
const (
	l1Weights      = 32 << 10 // of a block that the first cache keeps
	l2BytesPerDot  = 17       // that the second cache yields during a dot step
	coldDotsOfByte = 0.1      // dot steps that a byte from beyond it costs if it is not fetched before
)

// blockBytes is the size of the weights of a block of nv vectors of channels.
func (w Workload) blockBytes(isa ISA, nv int) int {
	_, lanes := Registers(isa)
	return nv * lanes * w.Taps() * ElementBytes(isa)
}

// tileCost estimates clocks per useful dot step.
func tileCost(w Workload, isa ISA, row, mr, nv int) float64 {
	_, lanes := Registers(isa)
	n := (row + mr - 1) / mr
	mean := float64(row) / float64(n)
	loads := (mean + float64(nv)) / (mean * float64(nv))
	dots := 1.0
	if isa == AVX2 { // multiply and add
		dots = 1.5
	}
	cost := max(dots, loads*1.3) + 0.15*loads
	if acc := mean * float64(nv); acc < 10 { // latency of the dot step
		cost *= 1 + 0.08*(10-acc)
	}
	if w.N*w.OH()*w.OW() > mr { // weights are read again
		cost = weightCost(w, isa, cost, mean, nv)
	}
	blocks := (w.O + nv*lanes - 1) / (nv * lanes)
	waste := float64(blocks*nv*lanes) / float64(w.O)
	if tail := w.O % (nv * lanes); tail != 0 { // the tail block has fewer vectors
		waste = float64((w.O/(nv*lanes))*nv*lanes+(tail+lanes-1)/lanes*lanes) / float64(w.O)
	}
	return cost * waste
}

// weightCost is what becomes of a cost if the weights of a block do not stay in
// the first cache, and if they are not fetched before they are needed.
func weightCost(w Workload, isa ISA, cost, mean float64, nv int) float64 {
	_, lanes := Registers(isa)
	block := w.blockBytes(isa, nv)
	if block > l1Weights {
		cost = max(cost, float64(4*lanes)/mean/l2BytesPerDot)
	}
	if block > MaxFetched {
		bytes := float64(w.WeightBytes() * ElementBytes(isa))
		dots := float64(w.MACs()) * float64(ElementBytes(isa)) / float64(4*lanes)
		cost += coldDotsOfByte * bytes / dots
	}
	return cost
}

func numbers(lo, hi int) []string {
	var v []string
	for i := lo; i <= hi; i++ {
		v = append(v, strconv.Itoa(i))
	}
	return v
}
