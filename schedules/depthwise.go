package schedules

import (
	"fmt"
	"slices"
	"strings"
)

// The knobs of depthwise. A block of vl channels is read one input column at a
// time: the rows of the window are interleaved to groups of 4 bytes (quad) or 2
// words (pair) per channel, which serve all output pixels of the tile that see
// the column.
//
//	form   rows: blocks of vl channels; flat: stride 1 and a divisor of vl as
//	       channels: blocks of vl bytes of a row, several pixels each
//	vl     bytes of a vector: channels of a block
//	mx     output columns of a register tile
//	ry     output rows of a register tile
//	dot    quad: VPDPBUSD over 4 rows, and once more for columns that have a
//	       weight beyond int8 (less its zero point); pair: VPDPWSSD or VPMADDWD
//	       over 2 rows
//	order  loop nest, outermost first
//	pad    peel: border tiles take columns outside from a constant; halo, copy
//	       and none as in conv2d
//	wt     mem: weights are memory operands; reg: those of a block are kept in
//	       registers
//	split  how the work of one thread is cut into calls: y rows, c channels
//	tail   channels that fill no block. vector: a last block that overlaps the one
//	       before; pixels: one of 32 or 16, of 2 or 4 pixels in a vector
func depthwiseFamily(w Workload, isa ISA) family {
	f := family{knobs: []Knob{
		{"form", []string{"rows", "flat"}},
		{"vl", depthwiseVectors(isa)},
		{"mx", numbers(1, 6)},
		{"ry", []string{"1", "2"}},
		{"dot", depthwiseDots(w, isa)},
		{"order", []string{"cyx", "ycx", "yxc"}},
		{"pad", depthwisePads(w)},
		{"wt", depthwiseWeights(w, isa)},
		{"split", []string{"y", "c"}},
		{"tail", depthwiseTails(w, isa)},
	}}
	f.rules = depthwiseRules(w, isa)
	f.start = startDepthwise(w, f)
	return f
}

func depthwiseVectors(isa ISA) []string {
	if isa == AVX512VNNI {
		return []string{"64", "32", "16"}
	}
	return []string{"32", "16"}
}

func depthwiseDots(w Workload, isa ISA) []string {
	if isa == AVX2 {
		return []string{"pair"}
	}
	return []string{"quad", "pair"}
}

func depthwiseTails(w Workload, isa ISA) []string {
	for _, v := range depthwiseVectors(isa) {
		if vl, _ := parseNumber(v); isa != AVX2 && w.TailChannels(vl) > 0 {
			return []string{"vector", "pixels"}
		}
	}
	return []string{"vector"}
}

// TailChannels returns how many channels a last block of tail=pixels has where blocks
// have vl: 16 or 32, of several pixels in a vector; 0 if there can be none.
func (w Workload) TailChannels(vl int) int {
	for _, n := range []int{16, 32} {
		if rest := w.O % vl; 0 < rest && rest <= n && n < vl && n <= w.O && vl/n <= w.OW() {
			return n
		}
	}
	return 0
}

func depthwisePads(w Workload) []string {
	if w.padded() {
		return []string{"peel", "halo", "copy"}
	}
	return []string{"none", "copy"}
}

// HeldConstants is how many registers hold constants of the layer where weights are
// kept in registers.
const HeldConstants = 5

// depthwiseWeights: the weights of a block and the rows of a step must fit.
func depthwiseWeights(w Workload, isa ISA) []string {
	if isa != AVX512VNNI || w.KH > 4 || w.KW > 3 || w.DilationH != 1 {
		return []string{"mem"}
	}
	return []string{"mem", "reg"}
}

// checkKept checks wt=reg: the rows of a step are one group of 4 bytes.
func checkKept(w Workload, mx, ry int, s Schedule) error {
	regs, _ := Registers(AVX512VNNI)
	need := 4*mx*ry + 7 + 4*w.KW + HeldConstants
	switch rows := w.KH + (ry-1)*w.StrideH; {
	case s.Str("dot", "") != "quad":
		return fmt.Errorf("wt=reg: needs dot=quad")
	case rows > 4:
		return fmt.Errorf("wt=reg: a step reads %d rows, at most 4 may", rows)
	case ry > 1 && w.StrideH > w.KH:
		return fmt.Errorf("wt=reg: rows between the windows of a step are not read")
	case need > regs:
		return fmt.Errorf("wt=reg mx=%d ry=%d: needs %d vector registers of %d", mx, ry, need, regs)
	case s.Str("order", "") == "yxc":
		return fmt.Errorf("wt=reg: order=yxc has another block in every tile")
	}
	return nil
}

// MaxPeeled bounds the tiles of a row that need border code of their own.
const MaxPeeled = 8

func depthwiseRules(w Workload, isa ISA) rules {
	regs, _ := Registers(isa)
	blocks := func(s Schedule) int { return (w.O + s.Int("vl", 0) - 1) / s.Int("vl", 0) }
	flat := func(s Schedule) bool { return s.Str("form", "") == "flat" }
	pixels := func(s Schedule) bool { return s.Str("tail", "") == "pixels" }
	return rules{
		{"mx ry", func(s Schedule) error {
			mx, ry := s.Int("mx", 0), s.Int("ry", 0)
			if need := 4*mx*ry + 7; need > regs {
				return fmt.Errorf("mx=%d ry=%d: needs %d vector registers, %s has %d", mx, ry, need, isa, regs)
			}
			return nil
		}},
		{"ry", func(s Schedule) error {
			if ry := s.Int("ry", 0); ry > w.OH() {
				return fmt.Errorf("ry=%d: there are %d output rows", ry, w.OH())
			}
			return nil
		}},
		{"mx ry dot order wt", func(s Schedule) error {
			if s.Str("wt", "") != "reg" {
				return nil
			}
			return checkKept(w, s.Int("mx", 0), s.Int("ry", 0), s)
		}},
		{"form vl mx pad", func(s Schedule) error {
			if !flat(s) {
				return nil
			}
			return checkDepthwiseFlat(w, s.Int("vl", 0), s.Int("mx", 0), s)
		}},
		{"form mx", func(s Schedule) error {
			mx := s.Int("mx", 0)
			if !flat(s) && checkBalanced(w.OW(), mx) != nil {
				return fmt.Errorf("mx=%d: not a balanced cut of %d pixels", mx, w.OW())
			}
			return nil
		}},
		{"form vl mx pad tail", func(s Schedule) error { return checkDepthwisePad(w, isa, s) }},
		{"form vl tail", func(s Schedule) error {
			if pixels(s) && (flat(s) || w.TailChannels(s.Int("vl", 0)) == 0) {
				return fmt.Errorf("tail=pixels: there is no last block of 16 or 32 channels")
			}
			return nil
		}},
		{"dot order tail", func(s Schedule) error {
			if pixels(s) && (s.Str("dot", "") != "quad" || s.Str("order", "") == "yxc") {
				return fmt.Errorf("tail=pixels: needs dot=quad, and order=yxc has tiles of all blocks")
			}
			return nil
		}},
		{"form vl split", func(s Schedule) error {
			if s.Str("split", "") == "c" && (flat(s) || blocks(s) < 2 || float64(w.MACs()) <= MaxCallMACs) {
				return fmt.Errorf("split=c: the work is one call")
			}
			return nil
		}},
		{"form vl order", func(s Schedule) error {
			if order := s.Str("order", ""); order != "ycx" && (flat(s) || blocks(s) < 2) {
				return fmt.Errorf("order=%s: there is one block of channels, so it equals ycx", order)
			}
			return nil
		}},
		{"form vl tail", func(s Schedule) error {
			if vl := s.Int("vl", 0); vl >= 32 && vl/2 >= w.O && !flat(s) && !pixels(s) {
				return fmt.Errorf("vl=%d: %d channels fill half a vector", vl, w.O)
			}
			return nil
		}},
	}
}

func checkDepthwiseFlat(w Workload, vl, mx int, s Schedule) error {
	switch pad := s.Str("pad", ""); {
	case w.StrideW != 1 || w.Multiplier != 1 || vl%w.C != 0 || w.C == vl:
		return fmt.Errorf("form=flat: needs stride 1, multiplier 1 and channels that divide vl=%d", vl)
	case w.OW()*w.C < vl:
		return fmt.Errorf("form=flat: a row of %d bytes is shorter than vl=%d", w.OW()*w.C, vl)
	case mx != 1:
		return fmt.Errorf("mx=%d: form=flat has tiles of one block", mx)
	case pad == "peel":
		return fmt.Errorf("pad=peel: form=flat reads whole rows")
	}
	return nil
}

func checkDepthwisePad(w Workload, isa ISA, s Schedule) error {
	vl, pad := s.Int("vl", 0), s.Str("pad", "")
	short := w.O < vl && s.Str("form", "") != "flat" && s.Str("tail", "") != "pixels" && isa != AVX512VNNI
	if (short || w.Multiplier > 1) && pad != "copy" {
		return fmt.Errorf("pad=%s: channels must be padded or repeated in a copy", pad)
	}
	if pad == "peel" {
		if n := peeledTiles(w, s.Int("mx", 1)); n > MaxPeeled {
			return fmt.Errorf("pad=peel: %d tiles of a row lie at the border, at most %d may", n, MaxPeeled)
		}
	}
	return nil
}

// peeledTiles counts the tiles of a row that read a column outside the input.
func peeledTiles(w Workload, mx int) int {
	n := 0
	for x := 0; x < w.OW(); x += mx {
		first := x*w.StrideW - w.PadLeft
		last := (min(x+mx, w.OW())-1)*w.StrideW - w.PadLeft + (w.KW-1)*w.DilationW
		if first < 0 || last >= w.W {
			n++
		}
	}
	return n
}

// startDepthwise prefers flat blocks where channels do not fill a vector, then
// full vectors, a narrow last block, two rows and as many columns as registers
// allow.
func startDepthwise(w Workload, f family) Schedule {
	for _, form := range []string{"flat", "rows"} {
		for _, vl := range f.knobs[1].Values {
			for _, tail := range slices.Backward(f.knobs[9].Values) {
				for _, ry := range startRows(w) {
					for _, c := range startColumns(w, f, vl) {
						for _, pad := range f.knobs[6].Values {
							s := Schedule{fmt.Sprintf("form=%s vl=%s mx=%d ry=%d dot=%s order=ycx pad=%s wt=%s split=y tail=%s",
								form, vl, c.mx, ry, f.knobs[4].Values[0], pad, c.wt, tail)}
							if f.rules.check(s) == nil {
								return s
							}
						}
					}
				}
			}
		}
	}
	return Schedule{}
}

// tileColumns are the columns of a tile and where its weights are.
type tileColumns struct {
	mx int
	wt string
}

// startColumns lists choices, the best first. A tile that keeps its weights has few
// columns and reads more of them twice. That pays if columns are hardly shared anyway,
// and if some have residual weights; not if every load is of two cache lines.
func startColumns(w Workload, f family, vl string) []tileColumns {
	var list []tileColumns
	for mx := 6; mx >= 1; mx-- {
		for _, wt := range slices.Backward(f.knobs[7].Values) {
			list = append(list, tileColumns{mx, wt})
		}
	}
	if n, _ := parseNumber(vl); w.StrideW > 1 || w.WeightZero && w.O%n == 0 {
		slices.SortStableFunc(list, func(a, b tileColumns) int { return strings.Compare(b.wt, a.wt) })
	}
	return list
}

// startRows: two rows share their interleaves where windows overlap.
func startRows(w Workload) []int {
	if w.StrideH == 1 && w.DilationH == 1 {
		return []int{2, 1}
	}
	return []int{1, 2}
}
