package kernels

import (
	"fmt"
	"testing"

	"qtune/schedules"
)

// TestConvChannels compares tiles of every number of channels, so of every last
// block, with the reference.
func TestConvChannels(t *testing.T) {
	for _, isa := range schedules.ISAs() {
		t.Run(string(isa), func(t *testing.T) {
			t.Parallel()
			ends := []string{"op=mem pad=none st=pack split=y"}
			if isa == schedules.AVX2 {
				ends = []string{"op=mem pad=copy st=pack split=y dot=s16", "op=reg pad=none st=pack split=y dot=u8x1"}
			}
			compared := 0
			for o := 1; o <= 72; o++ {
				w, err := schedules.ParseWorkload(fmt.Sprintf(
					"conv2d n1 h1 w7 c6 k1x1 o%d s1x1 d1x1 p0,0,0,0 wz=1 perch=%d round=double sign=0 mult=lt1", o, min(o%2, o-1)))
				if err != nil {
					t.Fatal(err)
				}
				space, err := schedules.SpaceFor(w, isa)
				if err != nil {
					t.Fatal(err)
				}
				for _, tile := range []string{"mr=7 nv=1", "mr=4 nv=2", "mr=3 nv=4", "mr=2 nv=4"} {
					for _, end := range ends {
						s, err := schedules.ParseSchedule("form=flat " + tile + " u=1 order=cyx " + end)
						if err != nil {
							t.Fatal(err)
						}
						if space.Validate(s) == nil {
							compared++
							check(t, w, s, isa, uint64(o))
						}
					}
				}
			}
			if compared < 150 {
				t.Errorf("only %d tiles", compared)
			}
		})
	}
}
