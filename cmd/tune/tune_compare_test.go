package main

import (
	"testing"
	"time"

	"qtune/kernels/module"
	"qtune/schedules"
)

// TestLostLayers compares networks of four layers: two of one workload that lost
// together, one that won, and one whose schedule is the default's.
func TestLostLayers(t *testing.T) {
	tasks, err := parseTasks([]string{
		"dense n1 c64 o16 wz=1 perch=0 round=double sign=1 mult=lt1",
		"dense n1 c64 o32 wz=1 perch=0 round=double sign=1 mult=lt1",
		"dense n1 c64 o64 wz=1 perch=0 round=double sign=1 mult=lt1",
	})
	if err != nil {
		t.Fatal(err)
	}
	plain, tuned := schedules.Schedule{}.With("u", "1"), schedules.Schedule{}.With("u", "2")
	layer := func(task int, s schedules.Schedule) module.LayerInfo {
		return module.LayerInfo{MACs: 1, Workload: tasks[task].Workload, Schedule: s}
	}
	before := []module.LayerInfo{layer(0, plain), layer(1, plain), layer(0, plain), layer(2, plain)}
	after := []module.LayerInfo{layer(0, tuned), layer(1, tuned), layer(0, tuned), layer(2, plain)}
	times := func(of ...time.Duration) [][]time.Duration {
		out := make([][]time.Duration, len(of))
		for run := range 20 {
			for i, d := range of {
				out[i] = append(out[i], d+time.Duration(run%3))
			}
		}
		return out
	}
	lost := lostLayers(before, after, times(1000, 1000, 1000, 1000), times(1200, 800, 990, 2000))
	if len(lost) != 1 || lost[tasks[0].Workload].Schedule != plain {
		t.Errorf("lost: %v", lost)
	}
	if lost := lostLayers(before, after, times(1000, 1000, 1000, 1000), times(1020, 1010, 1020, 1000)); len(lost) != 0 {
		t.Errorf("lost by noise: %v", lost)
	}
	if lost := lostLayers(before, after[:3], nil, nil); lost != nil {
		t.Errorf("networks of other layers are compared: %v", lost)
	}
}
