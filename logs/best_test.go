package logs

import (
	"errors"
	"math"
	"testing"
	"time"

	"qtune/schedules"
)

func asRowError(err error, row **RowError) bool { return errors.As(err, row) }

func TestBestOrder(t *testing.T) {
	l := newLog(t)
	check := func(step string, q Query, source Source, center float64, final bool) {
		t.Helper()
		r, s, err := l.Best(t.Context(), q)
		if err != nil || s != source || r.CenterNS != center || r.Final != final {
			t.Errorf("%s: %v, %g ns, final %t, %v; want %v, %g ns", step, s, r.CenterNS, r.Final, err, source, center)
		}
	}
	q := query(convA, zen4)
	check("empty", q, Heuristic, 0, false)

	otherISA := trial(convA, zen4, 1, 1)
	otherISA.Target.ISA = schedules.AVX512VNNI
	add(t, l, failure(convA, zen4, 1, "crash"), otherISA, trial(convB, zen4, 1, 2))
	check("nothing usable", q, Heuristic, 0, false)

	add(t, l, trial(convA, icx, 1, 10), trial(convA, icx, 2, 9))
	check("other vendor", q, OtherCPU, 9, false)
	add(t, l, trial(convA, zen3, 1, 20))
	check("same family, although slower", q, OtherCPU, 20, false)
	recordFinal(t, l, convA, zen3, 25, 30)
	check("a final there", q, OtherCPU, 25, true)

	old := trial(convA, zen4, 1, 15)
	old.Generator = "g0"
	add(t, l, old)
	check("other generator", q, Stale, 15, false)

	add(t, l, trial(convA, zen4, 1, 40), trial(convA, zen4, 2, 30))
	check("exact", q, Exact, 30, false)
	recordFinal(t, l, convA, zen4, 35, 50)
	check("exact final", q, Exact, 35, true)
	later := trial(convA, zen4, 5, 29)
	later.Time = later.Time.AddDate(1, 0, 0)
	add(t, l, later)
	check("a final, although trials go on", q, Exact, 35, true)

	q.Protocol = "samples=9"
	check("other protocol", q, Stale, 35, true)
	fast := trial(convA, zen4, 3, 60)
	fast.Protocol = q.Protocol
	add(t, l, fast)
	check("protocol asked for", q, Exact, 60, false)
}

// Of equal times the simpler schedule wins; of two sessions the later.
func TestBestTies(t *testing.T) {
	l := newLog(t)
	add(t, l, trial(convA, zen4, 12, 30), trial(convA, zen4, 9, 30), trial(convA, zen4, 8, 30))
	if r, _, err := l.Best(t.Context(), query(convA, zen4)); err != nil || r.Schedule.String() != "mr=8 nv=2" {
		t.Errorf("best is %s, %v", r.Schedule, err)
	}
	recordFinal(t, l, convA, zen4, 35, 50)
	later := Final{
		Workload: convA, Target: query(convA, zen4).Target, Schedule: schedule("mr=7"),
		Generator: "g1", Protocol: "samples=3", TunedNS: 36, Time: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	if err := l.RecordFinal(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	if r, _, err := l.Best(t.Context(), query(convA, zen4)); err != nil || r.CenterNS != 36 {
		t.Errorf("best is %+v, %v", r, err)
	}
}

func TestNearest(t *testing.T) {
	l := newLog(t)
	nearer := workload("conv2d n1 h17 w17 c130 k1x7 o130 s1x1 d1x1 p0,3,0,3 wz=1 perch=0 round=double sign=0 mult=lt1")
	add(t, l, trial(convA, zen4, 1, 10), trial(convB, zen3, 2, 20), trial(convC, zen4, 3, 30), trial(fc, zen4, 4, 40), failure(nearer, zen4, 1, "crash"))
	near, err := l.Nearest(t.Context(), query(convA, zen4), 5)
	if err != nil {
		t.Fatal(err)
	}
	if len(near) != 2 || near[0].Workload != convB || near[1].Workload != convC || near[0].Distance >= near[1].Distance {
		t.Errorf("nearest are %+v", near)
	}
	if near, err := l.Nearest(t.Context(), query(convA, zen4), 1); err != nil || len(near) != 1 {
		t.Errorf("limit 1: %+v, %v", near, err)
	}
}

func TestDistance(t *testing.T) {
	if d := Distance(convA, convA); d != 0 {
		t.Errorf("to itself: %g", d)
	}
	if d := Distance(convA, convB); math.Abs(d-2*math.Log2(1.25)) > 1e-12 {
		t.Errorf("160 for 128 channels: %g", d)
	}
	if Distance(convA, convC) != Distance(convC, convA) {
		t.Error("not symmetric")
	}
	if d := Distance(convA, fc); !math.IsInf(d, 1) {
		t.Errorf("to another operator: %g", d)
	}
	rare := convA
	rare.Saturation = schedules.RareSaturation
	if d := Distance(convA, rare); !math.IsInf(d, 1) {
		t.Errorf("to weights that seldom saturate: %g", d)
	}
}
