package module

import (
	"math/rand/v2"
	"testing"
)

func TestPlaceKeepsLiveBlocksApart(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var blocks []*block
		sum, peak := 0, 0
		for range rng.IntN(30) + 1 {
			first := rng.IntN(20)
			b := &block{bytes: rng.IntN(1000) + 1, first: first, last: first + rng.IntN(4)}
			blocks = append(blocks, b)
			sum += alignUp(b.bytes)
			peak = max(peak, b.bytes)
		}
		for _, reuse := range []bool{true, false} {
			size := place(blocks, reuse)
			if size > sum || size < peak {
				t.Fatalf("size %d, the largest block is %d and all together are %d", size, peak, sum)
			}
			for i, b := range blocks {
				if b.offset%lineBytes != 0 || b.offset+b.bytes > size {
					t.Fatalf("block %+v in an arena of %d bytes", *b, size)
				}
				checkNeighbours(t, b, blocks[:i], reuse)
			}
			for _, b := range blocks {
				b.shared = false
			}
		}
	}
}

func checkNeighbours(t *testing.T, b *block, others []*block, reuse bool) {
	t.Helper()
	for _, o := range others {
		if !b.overlapsInPlace(o) {
			continue
		}
		if !reuse || b.overlapsInTime(o) {
			t.Fatalf("%+v and %+v meet", *b, *o)
		}
		if !b.shared || !o.shared {
			t.Fatalf("%+v and %+v share memory unmarked", *b, *o)
		}
	}
}

// A chain of layers needs two buffers at a time, not one for each.
func TestPlaceReusesMemory(t *testing.T) {
	var blocks []*block
	for i := range 10 {
		blocks = append(blocks, &block{bytes: 4096, first: i, last: i + 1})
	}
	if size := place(blocks, true); size != 2*4096 {
		t.Errorf("a chain takes %d bytes, want %d", size, 2*4096)
	}
}
