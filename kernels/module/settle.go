package module

import (
	"time"

	"qtune/qnn"
	"qtune/schedules"
)

// A Layout is what a schedule wants of the layout of its tensors.
type Layout struct {
	Halo  bool // a border of zero points around its input
	Dense bool // rows without gaps, of input and output
}

// LayoutOf returns what schedule s of w wants: what its kernel's InputHalo and
// ContiguousInput will say, without generating one.
func LayoutOf(w schedules.Workload, s schedules.Schedule) Layout {
	return Layout{
		Halo:  s.Str("pad", "") == "halo" && w.PadLeft+w.PadRight > 0, // rows above and below lie anywhere
		Dense: w.Op == schedules.Conv2D && s.Str("form", "") == "flat",
	}
}

// What the copy of a tensor costs that has no border where a kernel wants one, on
// Zen 5 from the second cache: a phase, and bytes a nanosecond.
const (
	copyTime  = time.Microsecond
	copyPerNS = 20
)

// maxRevisions bounds how often settle asks all layers.
const maxRevisions = 8

// settle revises choices where the layers around a tensor want different layouts
// of it, so that one would have to copy: each layer in turn takes that of its
// schedules with which it, and the copies of its tensors, take least, until none
// changes any more.
func (m *Module) settle(choices []Choice) {
	s := &settlement{m: m, options: make([][]option, len(choices)), taken: make([]int, len(choices)), uses: m.findUses()}
	for i, c := range choices {
		if m.steps[i].layer == nil {
			continue
		}
		w := m.steps[i].info.Workload
		s.options[i] = []option{{Alternative{c.Schedule, 0, c.CodeHash}, LayoutOf(w, c.Schedule)}}
		for _, o := range c.Others {
			o.Extra = max(o.Extra, 0)
			s.options[i] = append(s.options[i], option{o, LayoutOf(w, o.Schedule)})
		}
	}
	for range maxRevisions {
		if !s.revise() {
			break
		}
	}
	for i, options := range s.options {
		if options != nil {
			o := options[s.taken[i]]
			choices[i].Schedule, choices[i].CodeHash = o.Schedule, o.CodeHash
			choices[i].Estimate += o.Extra
		}
	}
}

type option struct {
	Alternative
	layout Layout
}

type settlement struct {
	m       *Module
	options [][]option // of each step; nil without kernel
	taken   []int
	uses    []uses
}

// revise lets each layer take its best option, and tells whether any changed.
func (s *settlement) revise() bool {
	changed := false
	for i, options := range s.options {
		best, least := s.taken[i], s.cost(i)
		for k := range options {
			s.taken[i] = k
			if c := s.cost(i); c < least {
				best, least, changed = k, c, true
			}
		}
		s.taken[i] = best
	}
	return changed
}

// cost is what step i takes more than it must, and the copies of its tensors.
func (s *settlement) cost(i int) time.Duration {
	if s.options[i] == nil {
		return 0
	}
	sum := s.options[i][s.taken[i]].Extra
	n := s.m.steps[i].node
	for _, id := range n.Inputs {
		if id != qnn.NoTensor {
			sum += s.copies(id)
		}
	}
	return sum + s.copies(n.Outputs[0])
}

// copies is the time of all copies of a tensor: of each consumer that wants a
// border, if anybody wants rows without gaps.
func (s *settlement) copies(id qnn.TensorID) time.Duration {
	u := &s.uses[id]
	dense := u.producer >= 0 && s.layout(u.producer).Dense
	copies := 0
	for _, c := range u.consumers {
		l := s.layout(c)
		dense = dense || l.Dense
		if l.Halo && s.m.steps[c].node.Inputs[s.m.steps[c].data] == id {
			copies++
		}
	}
	if !dense || copies == 0 {
		return 0
	}
	return time.Duration(copies) * (copyTime + time.Duration(s.m.graph.Tensors[id].Bytes()/copyPerNS))
}

// layout is what step i wants as things stand.
func (s *settlement) layout(i int) Layout {
	if s.options[i] == nil {
		return Layout{}
	}
	return s.options[i][s.taken[i]].layout
}
