package schedules

// StackLoad is how many bytes of a row form=stack loads at once.
const StackLoad = 16

// stackable tells whether w has schedules of form=stack.
func (w Workload) stackable(isa ISA) bool {
	const maxRows = 11 // the vectors of a group are in registers
	columns := (w.OW()-1)*w.StrideW + (w.KW-1)*w.DilationW + 1
	return w.Op == Conv2D && w.KH > 1 && w.KH <= maxRows && w.C <= StackLoad && columns*w.C >= StackLoad
}
