package schedules

// StackLoad is how many bytes of a row form=stack loads at once.
const StackLoad = 16

// stackable tells whether w has schedules of form=stack: its windows have few
// channels and rows enough to load from.
func (w Workload) stackable() bool {
	const maxRows = 11 // the vectors of a group of columns are in registers
	columns := (w.OW()-1)*w.StrideW + (w.KW-1)*w.DilationW + 1
	return w.Op == Conv2D && w.KH > 1 && w.KH <= maxRows && w.C < StackLoad && columns*w.C >= StackLoad
}

// stacked tells whether form=stack is the start. On Zen 5 it takes 10 to 45 % less
// than form=rows with VNNI up to 7 channels, and up to 15 where epilogues are late;
// else it gains what it saves of the steps, of which making the rows takes some.
func (w Workload) stacked(isa ISA) bool {
	if !w.stackable() || isa == AVX2 && w.Saturation != UsualSaturation { // where sums of bytes gain more
		return false
	}
	segments, steps := w.segments(isa, Schedule{"form=stack"})
	regs, _ := Registers(isa)
	if isa != AVX2 {
		return w.C < 8 || regs >= lateRegisters && segments*steps <= maxLateSteps
	}
	before, stepsBefore := w.segments(isa, Schedule{"form=rows"})
	return float64(segments*steps) < 0.95*float64(before*stepsBefore)
}
