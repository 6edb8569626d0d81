package kernels

import (
	"math/rand/v2"
	"testing"

	"qtune/schedules"
)

// TestStack compares kernels of form=stack with the reference.
func TestStack(t *testing.T) {
	for _, isa := range schedules.ISAs() {
		t.Run(string(isa), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(2, 2))
			n := 0
			for i := 0; n < 100; i++ {
				w := randomConv(r)
				w.C = 1 + r.IntN(16)
				space, err := schedules.SpaceFor(w, isa)
				if err != nil {
					t.Fatal(err)
				}
				for range 100 {
					if s, _ := space.Sample(r); s.Str("form", "") == "stack" {
						check(t, w, s, isa, uint64(i))
						n++
						break
					}
				}
			}
		})
	}
}
