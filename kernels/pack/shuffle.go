package pack

import (
	"encoding/binary"
	"slices"

	"qtune/kernels/emit"
)

// A ShufflePlan is how emit.Shuffle makes a line: Vectors records of Windows
// windows.
type ShufflePlan struct {
	Windows, Vectors int
	Records          []byte
}

// PlanShuffle returns how to move runs of run bytes vector by vector; not ok where
// the runs leave gaps in the result, or where moving them one by one is cheaper.
// What lies between the first and the last byte that the runs read may be read.
func PlanShuffle(runs []emit.MoveRun, run int) (plan ShufflePlan, ok bool) {
	if run >= emit.ShuffleBytes || len(runs)*run < emit.ShuffleBytes {
		return plan, false
	}
	runs = slices.Clone(runs)
	slices.SortFunc(runs, func(a, b emit.MoveRun) int { return int(a.Out) - int(b.Out) })
	var from []int // of each byte of the result
	for i, r := range runs {
		if int(r.Out) != int(runs[0].Out)+i*run {
			return plan, false
		}
		for b := range run {
			from = append(from, int(r.In)+b)
		}
	}
	last := slices.Max(from) - emit.ShuffleBytes + 1 // window
	if last < slices.Min(from) {
		return plan, false
	}
	var vectors [][]int // windows of each
	for at := 0; at < len(from); at += emit.ShuffleBytes {
		v := windows(from[min(at, len(from)-emit.ShuffleBytes):][:emit.ShuffleBytes], last)
		vectors = append(vectors, v)
		plan.Windows = max(plan.Windows, len(v))
	}
	// A window takes about half as many instructions as a run.
	if plan.Windows > emit.MaxShuffleWindows || plan.Windows*run >= 2*emit.ShuffleBytes {
		return plan, false
	}
	plan.Vectors = len(vectors)
	for i, v := range vectors {
		at := min(i*emit.ShuffleBytes, len(from)-emit.ShuffleBytes)
		plan.add(v, from[at:][:emit.ShuffleBytes], int(runs[0].Out)+at)
	}
	return plan, true
}

// windows returns the least number of windows of 16 bytes, none beyond last, that
// hold all offsets.
func windows(offsets []int, last int) []int {
	sorted := slices.Sorted(slices.Values(offsets))
	var list []int
	for _, s := range sorted {
		if n := len(list); n == 0 || s >= list[n-1]+emit.ShuffleBytes {
			list = append(list, min(s, last))
		}
	}
	return list
}

// add appends the record of a vector at out, whose bytes come from offsets.
func (p *ShufflePlan) add(windows, offsets []int, out int) {
	size, places := emit.ShuffleRecord(p.Windows)
	r := make([]byte, size)
	for i := range r[:places] {
		r[i] = 0x80
	}
	for b, from := range offsets {
		w := slices.IndexFunc(windows, func(w int) bool { return from >= w && from < w+emit.ShuffleBytes })
		r[16*w+b] = byte(from - windows[w])
	}
	for i := range p.Windows { // those that a vector does not need repeat its last
		w := windows[min(i, len(windows)-1)]
		binary.LittleEndian.PutUint32(r[places+4*i:], uint32(w))
	}
	binary.LittleEndian.PutUint32(r[size-4:], uint32(out))
	p.Records = append(p.Records, r...)
}
