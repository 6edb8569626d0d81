package module

import (
	"cmp"
	"slices"
)

// lineBytes is the alignment of buffers: a cache line, and a zmm register.
const lineBytes = 64

// A block is a buffer that is in use from step first to step last, both
// included.
type block struct {
	bytes       int
	first, last int

	offset int  // in the arena, set by place
	shared bool // set by place: some other block uses the same memory at another time
}

// overlapsInTime tells whether some step needs both blocks.
func (b *block) overlapsInTime(o *block) bool { return b.first <= o.last && o.first <= b.last }

// overlapsInPlace tells whether both blocks have a byte in common.
func (b *block) overlapsInPlace(o *block) bool {
	return b.offset < o.offset+o.bytes && o.offset < b.offset+b.bytes
}

// place gives each block the lowest offset at which it meets no block that is
// in use at the same time, large blocks first, and returns the arena's size.
// Without reuse, no two blocks meet at all.
func place(blocks []*block, reuse bool) int {
	bySize := slices.Clone(blocks)
	slices.SortStableFunc(bySize, func(a, b *block) int { return cmp.Compare(b.bytes, a.bytes) })
	size := 0
	for i, b := range bySize {
		b.offset = firstFit(b, bySize[:i], reuse)
		size = max(size, b.offset+b.bytes)
	}
	for i, b := range blocks {
		for _, o := range blocks[:i] {
			if b.overlapsInPlace(o) {
				b.shared, o.shared = true, true
			}
		}
	}
	return size
}

// firstFit returns the lowest offset for b beside those of placed that are in
// use at the same time.
func firstFit(b *block, placed []*block, reuse bool) int {
	var taken []*block
	for _, o := range placed {
		if !reuse || b.overlapsInTime(o) {
			taken = append(taken, o)
		}
	}
	slices.SortFunc(taken, func(a, b *block) int { return cmp.Compare(a.offset, b.offset) })
	offset := 0
	for _, o := range taken {
		if offset+b.bytes <= o.offset {
			break
		}
		offset = max(offset, alignUp(o.offset+o.bytes))
	}
	return offset
}

func alignUp(n int) int { return (n + lineBytes - 1) &^ (lineBytes - 1) }

// peakOf is the most bytes of blocks that any of the steps needs at once.
func peakOf(blocks []*block, steps int) int {
	peak := 0
	for step := -1; step <= steps; step++ {
		sum := 0
		for _, b := range blocks {
			if b.first <= step && step <= b.last {
				sum += b.bytes
			}
		}
		peak = max(peak, sum)
	}
	return peak
}
