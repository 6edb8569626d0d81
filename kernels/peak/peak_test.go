package peak

import (
	"testing"

	"qtune/kernels/exec"
	"qtune/schedules"
)

// The programs encode on every machine.
func TestPrograms(t *testing.T) {
	for _, isa := range schedules.ISAs() {
		s := stepsOf[isa]
		for i, l := range s.loops {
			if _, err := l.program(s.isa).Encode(); err != nil {
				t.Errorf("%s loop %d: %v", isa, i, err)
			}
		}
	}
}

func TestMeasure(t *testing.T) {
	for _, isa := range schedules.ISAs() {
		got, err := Measure(isa)
		if !exec.Supports(stepsOf[isa].isa) {
			if err == nil {
				t.Errorf("%s: measured %.0f on a CPU that does not execute it", isa, got)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", isa, err)
		}
		// 1 to 10 GHz, half to 4 dot steps a clock.
		steps := float64(stepsOf[isa].macs)
		if got < 0.5e9*steps || got > 40e9*steps {
			t.Errorf("%s: %.1f G steps per second", isa, got/1e9)
		}
		t.Logf("%s: %.1f GMAC/s", isa, got/1e9)
	}
	if _, err := Measure(schedules.Ref); err == nil {
		t.Error("measured a peak of plain Go")
	}
}
