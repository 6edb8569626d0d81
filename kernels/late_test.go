package kernels

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"qtune/qnn"
	"qtune/schedules"
)

// TestLate has all tiles of late epilogues, in rows of one to three of them, with
// whole blocks of channels and others, and every class.
func TestLate(t *testing.T) {
	const isa = schedules.AVX512VNNI
	r := rand.New(rand.NewPCG(3, 3))
	seed := uint64(0)
	for _, nv := range []int{1, 2, 4} {
		for mr := 1; mr <= 13; mr++ {
			for tiles := 1; tiles <= 3; tiles++ {
				w := schedules.Workload{Op: schedules.Conv2D, N: 1, H: 1 + r.IntN(2), W: tiles*mr - r.IntN(tiles),
					C: pick(r, 1, 4, 10, 33, 144), O: pick(r, 1, 15, 16, 33, 64, 70, 130),
					Window: qnn.Window{KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}}
				drawClass(r, &w)
				space, err := schedules.SpaceFor(w, isa)
				if err != nil {
					t.Fatal(err)
				}
				s := space.Start().With("form", pick(r, "rows", "flat")).With("mr", strconv.Itoa(mr)).With("nv", strconv.Itoa(nv)).
					With("op", pick(r, "reg", "stream", "mem")).With("u", "1").With("split", "y").With("st", "late")
				if space.Validate(s) == nil {
					check(t, w, s, isa, seed)
					seed++
				}
			}
		}
	}
	if seed < 30 {
		t.Errorf("only %d schedules are legal", seed)
	}
}
