package schedules

import (
	"fmt"
	"testing"
)

// TestSaturation: layers that a workload makes have its saturation, at least if
// there are weights enough to tell; other targets see none.
func TestSaturation(t *testing.T) {
	for _, class := range []string{"", " sat=some", " sat=rare"} {
		for _, wz := range []int{0, 1} {
			w, err := ParseWorkload(fmt.Sprintf("conv2d n1 h4 w4 c64 k3x3 o64 s1x1 d1x1 p1,1,1,1 wz=%d perch=0 round=double sign=0 mult=lt1%s", wz, class))
			if err != nil {
				t.Fatal(err)
			}
			for seed := range uint64(3) {
				l := w.Layer(seed)
				if got, err := WorkloadOf(l, AVX2); err != nil || got.Saturation != w.Saturation {
					t.Errorf("%s, seed %d: the layer is %s, %v", w, seed, got, err)
				}
				if got, err := WorkloadOf(l, AVX512VNNI); err != nil || got.Saturation != UsualSaturation {
					t.Errorf("%s, seed %d: with VNNI the layer is %s, %v", w, seed, got, err)
				}
			}
		}
	}
}
