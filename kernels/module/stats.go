package module

// Stats says what memory a Module takes.
type Stats struct {
	ArenaBytes    int // tensors, of each clone
	PeakLiveBytes int // of tensors that are needed at the same time
	ConstantBytes int // packed weights and other numbers, shared by all clones
	CodeBytes     int // machine code of layers, shared by all clones
}

// Stats returns the memory that m takes.
func (m *Module) Stats() Stats {
	s := Stats{ArenaBytes: m.mem.size, PeakLiveBytes: m.mem.peak}
	for _, st := range m.steps {
		if st.packed != nil {
			s.ConstantBytes += st.packed.Bytes()
		}
	}
	for _, c := range m.shared.codes {
		s.CodeBytes += c.kernel.CodeBytes()
	}
	return s
}
