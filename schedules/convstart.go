package schedules

import (
	"cmp"
	"fmt"
	"slices"
)

// startConv chooses by the loads a dot step needs, the measure that decided in
// sweeps on Zen 3 and Zen 5: (mr+nv)/(mr*nv), with mr the mean tile. Work of
// several calls is cut so that they read less again: all weights in each call, or
// all of the input.
func startConv(w Workload, isa ISA) (Schedule, []Start) {
	var all []Start
	for _, form := range convForms(w) {
		if (form == "stack") == w.stacked(isa) {
			all = append(all, startForm(w, isa, form))
		}
	}
	slices.SortStableFunc(all, func(a, b Start) int { return cmp.Compare(a.Cost, b.Cost) })
	other := all[1:]
	for i := range other {
		other[i].Cost /= all[0].Cost
	}
	return all[0].Schedule, other
}

// startForm chooses among the schedules of a form.
func startForm(w Workload, isa ISA, form string) Start {
	var best Start
	legal := convRules(w, isa)
	for _, d := range dotForms(w, isa) {
		for mr := 1; mr <= tileLimit(isa); mr++ {
			if checkBalanced(w.tiledRow(form), mr) != nil {
				continue
			}
			for _, nv := range []int{1, 2, 4} {
				for _, kind := range startKinds(isa) {
					t := startTile{form, mr, nv, d, kind, d.padOf(form, w)}
					least := t.schedule(d.unroll, "y")
					if checkTile(isa, mr, nv, 1, least) != nil { // most tiles
						continue
					}
					cost := tileCost(w, isa, least)
					if best.Cost > 0 && cost >= best.Cost {
						continue
					}
					if s, ok := t.complete(w, isa, legal); ok {
						best = Start{s, cost}
					}
				}
			}
		}
	}
	return best
}

// tiledRow is the number of pixels that are cut into tiles together.
func (w Workload) tiledRow(form string) int {
	if form == "flat" {
		return w.N * w.OH() * w.OW()
	}
	return w.OW()
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

// A dotForm is a value of dot and what goes with it.
type dotForm struct {
	knob   string // with the space before it; empty where there is no choice
	pad    string
	unroll int // the least
}

// padOf is the pad of a form; that of stack reads its input where it lies.
func (d dotForm) padOf(form string, w Workload) string {
	if form == "stack" {
		return w.directPad()
	}
	return d.pad
}

// directPad is the pad without a copy.
func (w Workload) directPad() string {
	if w.padded() {
		return "halo"
	}
	return "none"
}

// dotForms lists those of isa that can do w.
func dotForms(w Workload, isa ISA) []dotForm {
	pad := w.directPad()
	if w.segmentBytes() < 4 {
		pad = "copy"
	}
	if isa != AVX2 {
		return []dotForm{{"", pad, 1}}
	}
	forms := []dotForm{{" dot=s16", "copy", 1}, {" dot=s16w8", "copy", 1}}
	for _, v := range dotKnob.Values[len(forms):] {
		knob := " dot=" + v
		forms = append(forms, dotForm{knob, pad, DotDepth(Schedule{knob[1:]})})
	}
	return forms
}

// A startTile is what tileCost depends on.
type startTile struct {
	form   string
	mr, nv int
	dot    dotForm
	kind   startKind
	pad    string
}

func (t startTile) schedule(unroll int, split string) Schedule {
	return Schedule{fmt.Sprintf("form=%s mr=%d nv=%d u=%d order=cyx op=%s pad=%s st=%s split=%s%s",
		t.form, t.mr, t.nv, unroll, t.kind.op, t.pad, t.kind.st, split, t.dot.knob)}
}

// complete chooses what the size of a tile leaves open. A round of the reduction
// has four steps where it fetches weights as well, for a fetch takes as much of the
// second cache's time as a line that is read.
func (t startTile) complete(w Workload, isa ISA, legal rules) (Schedule, bool) {
	unroll, split := t.dot.unroll, "y"
	if b := w.blockBytes(isa, t.schedule(unroll, split)); MinFetched <= b && b <= MaxFetched {
		unroll = max(unroll, 4)
	}
	if w.WeightBytes() > w.InputBytes() {
		split = "c"
	}
	for _, unroll := range slices.Compact([]int{unroll, t.dot.unroll}) {
		for _, split := range slices.Compact([]string{split, "y"}) {
			if s := t.schedule(unroll, split); legal.check(s) == nil {
				return s, true
			}
		}
	}
	return Schedule{}, false
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

// blockBytes is the size of the weights of a block of channels.
func (w Workload) blockBytes(isa ISA, s Schedule) int {
	_, lanes := Registers(isa)
	return s.Int("nv", 1) * lanes * w.Taps() * WeightBytes(isa, s)
}

// tileCost estimates clocks per useful dot step of 4 bytes of input.
func tileCost(w Workload, isa ISA, s Schedule) float64 {
	_, lanes := Registers(isa)
	mr, nv, row := s.Int("mr", 1), s.Int("nv", 1), w.tiledRow(s.Str("form", ""))
	n := (row + mr - 1) / mr
	mean := float64(row) / float64(n)
	loads := (mean + float64(nv)) / (mean * float64(nv))
	cost := max(dotCost(w, isa, s), loads*1.3) + 0.15*loads
	if acc := mean * float64(nv); acc < 10 && DotDepth(s) == 0 { // latency of the dot step
		cost *= 1 + 0.08*(10-acc)
	}
	if w.N*w.OH()*w.OW() > mr { // weights are read again
		cost = weightCost(w, isa, s, cost, mean)
	}
	blocks := (w.O + nv*lanes - 1) / (nv * lanes)
	waste := float64(blocks*nv*lanes) / float64(w.O)
	if tail := w.O % (nv * lanes); tail != 0 { // the tail block has fewer vectors
		waste = float64((w.O/(nv*lanes))*nv*lanes+(tail+lanes-1)/lanes*lanes) / float64(w.O)
	}
	return (cost*waste + epilogueCost(w, isa, s, row, mr, nv)) * float64(ElementBytes(isa, s))
}

// dotCost is the clocks of a dot step alone, with what spills.
func dotCost(w Workload, isa ISA, s Schedule) float64 {
	if isa != AVX2 {
		return 1
	}
	depth := DotDepth(s)
	switch {
	case s.Str("dot", "") == "s16w8":
		return 1.52
	case depth == 0:
		return 1.5
	}
	cost := spillingCosts[w.Saturation][depth]
	if w.Saturation != RareSaturation && s.Int("nv", 1) > 1 { // of more channels more spill
		cost *= 1.08
	}
	return cost
}

// spillingCosts are by the steps that are added in 16 bits. Measured on Zen 5, 3x3
// 64->64 56x56.
var spillingCosts = map[Saturation]map[int]float64{
	UsualSaturation: {1: 4, 2: 5, 4: 9},
	SomeSaturation:  {1: 2.7, 2: 2.3, 4: 2.6},
	RareSaturation:  {1: 2.6, 2: 2.1, 4: 1.95},
}

// weightCost is what becomes of a cost if the weights of a block do not stay in
// the first cache, and if they are not fetched before they are needed.
func weightCost(w Workload, isa ISA, s Schedule, cost, mean float64) float64 {
	_, lanes := Registers(isa)
	block := w.blockBytes(isa, s)
	weights := float64(WeightBytes(isa, s)) / float64(ElementBytes(isa, s)) // bytes for a byte of input
	if block > l1Weights {
		cost = max(cost, float64(4*lanes)*weights/mean/l2BytesPerDot)
	}
	if block > MaxFetched {
		bytes := float64(w.WeightBytes() * WeightBytes(isa, s))
		dots := float64(w.MACs()) * float64(ElementBytes(isa, s)) / float64(4*lanes)
		cost += coldDotsOfByte * bytes / dots
	}
	return cost
}
