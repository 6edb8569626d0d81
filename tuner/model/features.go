package model

import (
	"hash/fnv"
	"math"
	"strconv"
	"sync"

	"qtune/kernels"
	"qtune/schedules"
)

// Features describe a schedule of a workload on a target in numbers, the same
// ones for all, so that what is learned of one workload, instruction set or CPU
// serves others. Trees split on the order of a feature's values only: scales do
// not matter.
type Features [len(layout)]float32

// layout names the features.
var layout = [...]string{
	// the workload
	"op", "macs", "oh", "ow", "c", "o", "taps", "kw", "stride", "padded", "segment", "weight bytes", "input bytes", "output bytes", "sign", "float",
	// the target
	"lanes", "l1", "l2", "l3",
	// knobs, -1 where not decided; those of other names share four places
	"form", "mr", "nv", "u", "sets", "order", "op knob", "pad", "st", "split", "vl", "mx", "ry", "dot", "wt", "other 0", "other 1", "other 2", "other 3",
	// the plan
	"accumulators", "tiles", "tile fill", "channel fill", "loads a dot", "block bytes", "block in l1", "block in l2", "rows in l1", "row fill",
	// the program
	"instructions", "dots", "loads", "stores", "epilogue",
}

// Places of the groups in layout.
const (
	atTarget  = 16
	atKnobs   = 20
	knobs     = 15
	others    = 4
	atPlan    = atKnobs + knobs + others
	atProgram = atPlan + 10
)

// knobNames are the knobs that have a place of their own.
var knobNames = [knobs]string{"form", "mr", "nv", "u", "sets", "order", "op", "pad", "st", "split", "vl", "mx", "ry", "dot", "wt"}

// A Describer makes Features of one workload's schedules on a target. It keeps
// what it made, for that takes longer than all else that a model does: the models of
// many searches of one task can share it. It is safe for concurrent use.
type Describer struct {
	workload schedules.Workload
	target   schedules.Target
	common   Features // of the workload and the target
	made     sync.Map // schedules.Schedule -> *Features
}

// NewDescriber makes a Describer that has made nothing yet.
func NewDescriber(w schedules.Workload, t schedules.Target) *Describer {
	d := &Describer{workload: w, target: t}
	ops := map[schedules.Op]float32{schedules.Conv2D: 0, schedules.Depthwise: 1, schedules.Dense: 2}
	sign, float, padded := float32(0), float32(0), float32(0)
	if w.Sign {
		sign = 1
	}
	if w.Float {
		float = 1
	}
	if w.PadTop|w.PadLeft|w.PadBottom|w.PadRight != 0 {
		padded = 1
	}
	_, lanes := schedules.Registers(t.ISA)
	copy(d.common[:], []float32{ops[w.Op], log(w.MACs()), log(w.OH()), log(w.OW()), log(w.C), log(w.O), log(w.KH * w.KW), float32(w.KW),
		float32(w.StrideH), padded, log(w.KW * w.C), log(w.WeightBytes()), log(w.InputBytes()), log(w.OutputBytes()), sign, float})
	copy(d.common[atTarget:], []float32{float32(lanes), log(t.Machine.L1D), log(t.Machine.L2), log(t.Machine.L3)})
	return d
}

// features returns the features of s.
func (d *Describer) features(s schedules.Schedule) *Features {
	if f, ok := d.made.Load(s); ok {
		return f.(*Features)
	}
	f := d.common
	d.knobs(&f, s)
	d.plan(&f, s)
	d.program(&f, s)
	d.made.Store(s, &f)
	return &f
}

func (d *Describer) knobs(f *Features, s schedules.Schedule) {
	for i := range knobs + others {
		f[atKnobs+i] = -1
	}
	for _, name := range s.Names() {
		at := atKnobs + knobs + int(hash(name)%others)
		for i, n := range knobNames {
			if n == name {
				at = atKnobs + i
			}
		}
		f[at] = value(s.Str(name, ""))
	}
}

// plan estimates what the schedule makes of the workload: how full tiles and
// blocks are, what a dot step loads, what fits into which cache.
func (d *Describer) plan(f *Features, s schedules.Schedule) {
	w := d.workload
	_, lanes := schedules.Registers(d.target.ISA)
	pixels, vectors, row := s.Int("mr", 1), s.Int("nv", 1), w.OW()
	channels := vectors * lanes
	if w.Op == schedules.Depthwise {
		pixels, vectors, channels = s.Int("mx", 1), 4, s.Int("vl", 64)
	}
	if s.Str("form", "") == "flat" {
		row *= w.N * w.OH()
	}
	tiles := (row + pixels - 1) / pixels
	mean := float64(row) / float64(tiles)
	blocks := (w.O + channels - 1) / channels
	loads := 1 / mean
	switch s.Str("op", "") {
	case "mem":
		loads = 1 + 1/float64(vectors)
	case "reg", "stream":
		loads = 1/mean + 1/float64(vectors)
	}
	ry := s.Int("ry", 1)
	block := float64(w.WeightBytes()) * float64(channels) / float64(w.O)
	rows := float64(w.W*w.C) * float64(w.KH+(ry-1)*w.StrideH)
	copy(f[atPlan:], []float32{
		float32(mean * float64(vectors*ry*s.Int("sets", 1))), log(tiles), float32(mean / float64(pixels)),
		float32(w.O) / float32(blocks*channels), float32(loads), float32(math.Log2(block + 1)),
		ratio(block, d.target.Machine.L1D), ratio(block, d.target.Machine.L2), ratio(rows, d.target.Machine.L1D),
		float32(w.OH()) / float32((w.OH()+ry-1)/ry*ry),
	})
}

// program counts the instructions of the code. Of a schedule for which there is
// none (it may be of another version) all are -1.
func (d *Describer) program(f *Features, s schedules.Schedule) {
	part := f[atProgram:]
	for i := range part {
		part[i] = -1
	}
	n, err := kernels.CountInstructions(d.workload, s, d.target.ISA)
	if err != nil {
		return
	}
	dots := float32(max(n.Dots, 1))
	copy(part, []float32{log(n.All), dots / float32(n.All), float32(n.Loads) / dots, float32(n.Stores) / dots,
		float32(n.Epilogue) / float32(max(d.workload.OutputBytes(), 1))})
}

func log[T int | int64](v T) float32 { return float32(math.Log2(float64(max(v, 0)) + 1)) }

func ratio(bytes float64, cache int) float32 {
	return float32(math.Log2((bytes + 1) / float64(max(cache, 1))))
}

// value makes a number of a knob's value.
func value(v string) float32 {
	if n, err := strconv.Atoi(v); err == nil {
		return float32(n)
	}
	return word(v)
}

// word makes a number of a word: any, but always the same.
func word(v string) float32 { return float32(hash(v) % 1021) }

func hash(v string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(v)) // never fails, says package hash
	return h.Sum32()
}
