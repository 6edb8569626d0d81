package logs

import (
	"testing"
	"time"

	"qtune/kernels"
	"qtune/schedules"
)

// TestChooserOffersLayouts: besides the fastest schedule of a workload, the
// compiler hears of the fastest with another layout, measured under the same
// circumstances, and what it takes more.
func TestChooserOffersLayouts(t *testing.T) {
	const halo, copies = "form=rows mr=6 nv=4 u=1 order=cyx op=reg pad=halo st=pack split=y", "form=rows mr=5 nv=4 u=1 order=cyx op=reg pad=copy st=pack split=y"
	l := newLog(t)
	measured := func(text, generator string, ns float64) Trial {
		r := trial(convA, zen4, 1, ns)
		r.Target.ISA, r.Schedule, r.Generator = schedules.AVX512VNNI, schedule(text), generator
		return r
	}
	add(t, l,
		measured(halo, kernels.Generator, 1000),
		measured("form=rows mr=5 nv=4 u=1 order=cyx op=reg pad=halo st=pack split=y", kernels.Generator, 1100),
		measured(copies, "older", 500), // of another generator
		measured(copies, kernels.Generator, 1300),
		measured("form=rows mr=6 nv=2 u=1 order=cyx op=reg pad=copy st=pack split=y", kernels.Generator, 1400))
	c, err := Chooser(t.Context(), l, zen4)(convA, schedules.AVX512VNNI)
	if err != nil {
		t.Fatal(err)
	}
	if c.Schedule.String() != halo || len(c.Others) != 1 || c.Others[0].Schedule.String() != copies || c.Others[0].Extra != 300*time.Nanosecond {
		t.Errorf("%+v", c)
	}
}
