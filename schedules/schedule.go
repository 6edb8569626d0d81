package schedules

// A Schedule is one way to do a Workload: an immutable list of decisions, a
// value for each knob of a Space in the Space's order. Its text is
// "mr=8 nv=2 u=2 order=cyx ...".
type Schedule struct {
	text string // canonical; the decisions are read from it
}

// String returns the canonical text.
func (s Schedule) String() string { return s.text }
