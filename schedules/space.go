package schedules

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
)

// A family is the template of an operator's spaces.
type family struct {
	knobs []Knob
	rules rules    // of legal points
	start Schedule // the heuristic's choice
	other []Start  // and what it would choose of other forms
}

// A Start is a schedule that the heuristic would choose, and its estimated time
// as a multiple of that of what it chooses.
type Start struct {
	Schedule Schedule
	Cost     float64
}

// A Space is the set of valid schedules of a workload for an instruction set:
// the points of the product of its knobs that its rules accept. It is safe for
// concurrent use.
//
// A point is a value's index for each knob. Points are numbered as a
// mixed-radix number, the last knob fastest; that order is All's.
type Space struct {
	workload Workload
	isa      ISA
	family
	valid func() []int32 // numbers of the valid points, ascending; computed once
}

// maxPoints bounds the product of a space's knobs, which All and Size may visit.
const maxPoints = 1 << 24

// SpaceFor returns the space of w for isa. Ref has none: nothing of it can be
// varied.
func SpaceFor(w Workload, isa ISA) (*Space, error) {
	if err := w.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", w, err)
	}
	if !slices.Contains(ISAs(), isa) {
		return nil, fmt.Errorf("target %s has no schedules", isa)
	}
	families := map[Op]func(Workload, ISA) family{
		Conv2D:    conv2dFamily,
		Depthwise: depthwiseFamily,
		Dense:     denseFamily,
	}
	return newSpace(w, isa, families[w.Op](w, isa))
}

func newSpace(w Workload, isa ISA, f family) (*Space, error) {
	s := &Space{workload: w, isa: isa, family: f}
	points := 1
	for _, k := range f.knobs {
		if len(k.Values) == 0 {
			return nil, fmt.Errorf("%s, %s: knob %s has no values", w, isa, k.Name)
		}
		if points *= len(k.Values); points > maxPoints {
			return nil, fmt.Errorf("%s, %s: more than %d points", w, isa, maxPoints)
		}
	}
	if err := s.Validate(f.start); err != nil {
		return nil, fmt.Errorf("%s, %s: start schedule %q: %w", w, isa, f.start, err)
	}
	s.valid = sync.OnceValue(s.enumerate)
	return s, nil
}

// Workload returns the work that the schedules of s do.
func (s *Space) Workload() Workload { return s.workload }

// ISA returns the instruction set that the schedules of s are for.
func (s *Space) ISA() ISA { return s.isa }

// Knobs returns the decisions in the order of a schedule's text. The caller
// must not change them.
func (s *Space) Knobs() []Knob { return s.knobs }

// Start returns the heuristic's schedule: candidate 0 of every search, and what
// runs where nothing was measured.
func (s *Space) Start() Schedule { return s.start }

// Others returns the heuristic's choice among schedules of each other form, which
// wants its tensors in another layout.
func (s *Space) Others() []Start { return s.other }

// Points returns the size of the product of the knobs, valid or not.
func (s *Space) Points() int {
	n := 1
	for _, k := range s.knobs {
		n *= len(k.Values)
	}
	return n
}

// Size returns the number of valid schedules, which the first call looks for.
func (s *Space) Size() int { return len(s.valid()) }

// All yields the valid schedules in the order of their points.
func (s *Space) All() iter.Seq[Schedule] {
	return func(yield func(Schedule) bool) {
		index := make([]int, len(s.knobs))
		for _, p := range s.valid() {
			s.setPoint(index, int(p))
			if !yield(s.schedule(index)) {
				return
			}
		}
	}
}

// setPoint stores the value indexes of point p.
func (s *Space) setPoint(index []int, p int) {
	for k := len(index) - 1; k >= 0; k-- {
		n := len(s.knobs[k].Values)
		index[k] = p % n
		p /= n
	}
}

// schedule returns the text of a point.
func (s *Space) schedule(index []int) Schedule {
	buf := make([]byte, 0, 128)
	for k := range s.knobs {
		buf = s.appendPair(buf, k, index[k])
	}
	return Schedule{string(buf)}
}

// part returns the text of some of a point's knobs.
func (s *Space) part(knobs, index []int) Schedule {
	buf := make([]byte, 0, 128)
	for _, k := range knobs {
		buf = s.appendPair(buf, k, index[k])
	}
	return Schedule{string(buf)}
}

// appendPair adds value v of knob k.
func (s *Space) appendPair(buf []byte, k, v int) []byte {
	if len(buf) > 0 {
		buf = append(buf, ' ')
	}
	buf = append(buf, s.knobs[k].Name...)
	buf = append(buf, '=')
	return append(buf, s.knobs[k].Values[v]...)
}

// Validate tells whether c is a schedule of s: each knob in order, with a value
// that it has, in a combination that is legal.
func (s *Space) Validate(c Schedule) error {
	if _, err := s.index(c); err != nil {
		return err
	}
	return s.rules.check(c)
}

// index returns the point of c.
func (s *Space) index(c Schedule) ([]int, error) {
	index := make([]int, len(s.knobs))
	for k, knob := range s.knobs {
		v, ok := c.Get(knob.Name)
		if !ok {
			return nil, fmt.Errorf("%s: not decided", knob.Name)
		}
		if index[k] = slices.Index(knob.Values, v); index[k] < 0 {
			return nil, fmt.Errorf("%s=%s: must be one of %s", knob.Name, v, strings.Join(knob.Values, ", "))
		}
	}
	for name := range c.pairs() {
		if !slices.ContainsFunc(s.knobs, func(k Knob) bool { return k.Name == name }) {
			return nil, fmt.Errorf("%s: no such knob", name)
		}
	}
	if want := s.schedule(index); c != want {
		return nil, fmt.Errorf("out of order, want %q", want)
	}
	return index, nil
}
