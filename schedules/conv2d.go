package schedules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
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
//	dot    avx2 only. s16: activations are widened first, VPMADDWD; s16w8: the same,
//	       but weights are int8 in memory and widened when they are loaded; u8x1,
//	       u8x2, u8x4: VPMADDUBSW, the products of so many steps of 4 bytes are
//	       added in 16 bits before they are widened, and weights that could make
//	       the sum overflow spill to further steps
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
	if isa == AVX2 {
		f.knobs = append(f.knobs, dotKnob)
	}
	f.rules = convRules(w, isa)
	f.start, f.other = startConv(w, isa)
	return f
}

var dotKnob = Knob{"dot", []string{"s16", "s16w8", "u8x1", "u8x2", "u8x4"}}

// DotDepth returns how many steps of 4 bytes of input are added in 16 bits before
// they are widened; 0 where the dot step does not.
func DotDepth(s Schedule) int {
	steps, spilling := strings.CutPrefix(s.Str("dot", ""), "u8x")
	if !spilling {
		return 0
	}
	depth, _ := strconv.Atoi(steps) // the values of dot are numbers
	return depth
}

// MaxCallMACs bounds the work of one call of generated code to about a
// millisecond, in which the Go runtime cannot stop the world.
const MaxCallMACs = 40e6

func convForms(w Workload) []string {
	switch {
	case w.Pointwise():
		return []string{"rows", "flat"}
	case w.stackable():
		return []string{"rows", "stack"}
	}
	return []string{"rows"}
}

// Pointwise tells of a 1x1 convolution that reads each pixel once, where it stands.
func (w Workload) Pointwise() bool {
	return w.KH == 1 && w.KW == 1 && w.StrideH == 1 && w.StrideW == 1 && !w.padded()
}

func (w Workload) padded() bool {
	return w.PadTop|w.PadLeft|w.PadBottom|w.PadRight != 0
}

// convPads lists the values of pad.
func convPads(w Workload, isa ISA) []string {
	direct := []string{"none"}
	if w.padded() {
		direct = []string{"halo", "copy"}
	}
	short := w.segmentBytes() < 4
	switch stackable := w.Op == Conv2D && w.stackable(); {
	case short && !stackable:
		return []string{"copy"}
	case short || isa == AVX2:
		return slices.Compact(append(direct, "copy"))
	}
	return direct
}

// dotRules: dot can do w, and pad and op are what it needs.
func dotRules(w Workload, isa ISA) rules {
	return rules{
		{"op dot", func(s Schedule) error {
			switch {
			case s.Str("dot", "") != "s16w8":
			case w.WeightZero:
				return fmt.Errorf("dot=s16w8: weights do not fit int8")
			case s.Str("op", "") == "mem":
				return fmt.Errorf("op=mem: dot=s16w8 widens weights in registers")
			}
			return nil
		}},
		{"form pad dot", func(s Schedule) error { return checkPad(w, isa, s) }},
	}
}

// checkPad checks that pad is copy where a copy must be made, because activations are
// widened into it or a 4-byte read would leave the row, and only there if the input
// needs no padding. Stacked rows are a copy.
func checkPad(w Workload, isa ISA, s Schedule) error {
	pad, stack := s.Str("pad", ""), s.Str("form", "") == "stack"
	must := !stack && (w.segmentBytes() < 4 || ElementBytes(isa, s) == 2)
	switch {
	case stack && s.Str("dot", "s16") != "s16":
		return fmt.Errorf("form=stack: only with dot=s16")
	case must && pad != "copy":
		return fmt.Errorf("pad=%s: the rows must be copied", pad)
	case !must && pad == "copy" && !w.padded():
		return fmt.Errorf("pad=copy: the input needs no padding")
	}
	return nil
}

// segmentBytes is the length of one contiguous run of the window in a row.
func (w Workload) segmentBytes() int {
	if w.DilationW == 1 {
		return w.KW * w.C
	}
	return w.C
}

// segments returns in how many runs of contiguous bytes a program of s reads a
// window, and the steps of one.
func (w Workload) segments(isa ISA, s Schedule) (n, steps int) {
	bytes := w.segmentBytes() * ElementBytes(isa, s)
	n = w.Taps() / w.segmentBytes()
	if s.Str("form", "") == "stack" {
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

func convRules(w Workload, isa ISA) rules {
	_, lanes := Registers(isa)
	return slices.Concat(rules{
		{"mr nv op dot", func(s Schedule) error { return checkTile(isa, s.Int("mr", 0), s.Int("nv", 0), 1, s) }},
	}, dotRules(w, isa), lateRules(w, isa), rules{
		{"form order", func(s Schedule) error {
			if s.Str("form", "") == "flat" && s.Str("order", "") == "ycx" {
				return fmt.Errorf("order=ycx: form=flat has no rows, so it equals cyx")
			}
			return nil
		}},
		{"form mr", func(s Schedule) error { return checkBalanced(w.tiledRow(s.Str("form", "")), s.Int("mr", 0)) }},
		{"nv", func(s Schedule) error { return checkVectors(w, isa, s.Int("nv", 0)) }},
		{"form u dot", func(s Schedule) error {
			_, steps := w.segments(isa, s)
			return checkUnroll(s.Int("u", 0), steps, s)
		}},
		{"nv split", func(s Schedule) error {
			if s.Str("split", "") == "c" && (w.O <= s.Int("nv", 0)*lanes || float64(w.MACs()) <= MaxCallMACs) {
				return fmt.Errorf("split=c: the work is one call")
			}
			return nil
		}},
	})
}

// checkVectors checks that the output channels fill more than half of a tile's
// vectors.
func checkVectors(w Workload, isa ISA, nv int) error {
	_, lanes := Registers(isa)
	if nv > 1 && (nv/2)*lanes >= w.O {
		return fmt.Errorf("nv=%d: %d output channels fill only %d vectors", nv, w.O, (w.O+lanes-1)/lanes)
	}
	return nil
}

// checkUnroll checks u against the steps of a segment of the reduction.
func checkUnroll(u, steps int, s Schedule) error {
	if u > 1 && u > steps {
		return fmt.Errorf("u=%d: the reduction has only %d steps", u, steps)
	}
	if depth := DotDepth(s); depth > 0 && u%depth != 0 {
		return fmt.Errorf("u=%d: no multiple of the %d steps of dot", u, depth)
	}
	return nil
}

// ElementBytes is the size of an activation as the dot step of s reads it.
func ElementBytes(isa ISA, s Schedule) int {
	if isa == AVX2 && DotDepth(s) == 0 {
		return 2
	}
	return 1
}

// WeightBytes is the size of a weight as s packs it.
func WeightBytes(isa ISA, s Schedule) int {
	if s.Str("dot", "") == "s16w8" {
		return 1
	}
	return ElementBytes(isa, s)
}

// checkTile checks that a register tile fits: accumulators, operands, and three
// temporaries that the requantisation needs once the operands are dead.
func checkTile(isa ISA, mr, nv, sets int, s Schedule) error {
	regs, _ := Registers(isa)
	op := s.Str("op", "")
	if DotDepth(s) > 0 && op != "reg" { // weights from memory are twice the loads
		return fmt.Errorf("op=%s: dot=%s has its weights in registers", op, s.Str("dot", ""))
	}
	if need := mr*nv*sets + max(operands(isa, mr, nv, s), 3); need > regs {
		return fmt.Errorf("mr=%d nv=%d op=%s: needs %d vector registers, %s has %d", mr, nv, op, need, isa, regs)
	}
	return nil
}

// operands is how many vector registers a dot step takes besides accumulators.
func operands(isa ISA, mr, nv int, s Schedule) int {
	n, depth := 1, DotDepth(s)
	switch s.Str("op", "") {
	case "reg":
		n += max(depth, 1) * nv
	case "stream":
		n += mr
	}
	switch {
	case depth > 1: // sums and a product of 16 bits, and ones
		n += nv + 2
	case depth > 0:
		n += nv + 1
	case isa == AVX2: // product before it is added
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

func numbers(lo, hi int) []string {
	var v []string
	for i := lo; i <= hi; i++ {
		v = append(v, strconv.Itoa(i))
	}
	return v
}
