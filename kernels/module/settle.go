package module

import (
	"slices"
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

// settle revises choices where the layers around a tensor want different layouts
// of it, so that one would have to copy: of all combinations of the layers'
// schedules and the tensors' layouts it takes one of least time, that of all
// layers and copies together.
func (m *Module) settle(choices []Choice) {
	s := &settlement{m: m, options: make([][]option, len(choices)), layers: make([]int, len(choices))}
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
		s.layers[i] = s.variable(len(s.options[i]))
		s.add(func(v []int) time.Duration { return s.options[i][v[0]].Extra }, s.layers[i])
	}
	for id, u := range m.findUses() {
		s.addTensor(qnn.TensorID(id), u)
	}
	values := s.solve()
	for i, options := range s.options {
		if options != nil {
			o := options[values[s.layers[i]]]
			choices[i].Schedule, choices[i].CodeHash = o.Schedule, o.CodeHash
			choices[i].Estimate += o.Extra
		}
	}
}

type option struct {
	Alternative
	layout Layout
}

// A settlement has a variable for each layer, its option, and one for each tensor:
// whether it has a border.
type settlement struct {
	minSum
	m       *Module
	options [][]option // of each step; nil without kernel
	layers  []int      // variable of each step with options
}

// addTensor adds what the layers around a tensor pay for its layout: a consumer that
// wants a border copies where there is none, and nobody who wants rows without gaps
// takes one. Where only one of the two is wanted there is nothing to decide.
func (s *settlement) addTensor(id qnn.TensorID, u uses) {
	halo := func(step int) func(Layout) bool {
		n := s.m.steps[step].node
		reads := n.Inputs[s.m.steps[step].data] == id
		return func(l Layout) bool { return l.Halo && reads }
	}
	dense := func(l Layout) bool { return l.Dense }
	wantsDense := u.producer >= 0 && s.may(u.producer, dense)
	wantsHalo := false
	for _, c := range u.consumers {
		wantsDense = wantsDense || s.may(c, dense)
		wantsHalo = wantsHalo || s.may(c, halo(c))
	}
	if !wantsDense || !wantsHalo {
		return
	}
	border := s.variable(2)
	price := copyTime + time.Duration(s.m.graph.Tensors[id].Bytes()/copyPerNS)
	pay := func(step int, copies func(Layout) bool) {
		if s.options[step] == nil {
			return
		}
		s.add(func(v []int) time.Duration {
			l := s.options[step][v[0]].layout
			switch {
			case l.Dense && v[1] == 1:
				return never
			case copies(l) && v[1] == 0:
				return price
			}
			return 0
		}, s.layers[step], border)
	}
	if u.producer >= 0 {
		pay(u.producer, func(Layout) bool { return false })
	}
	for _, c := range u.consumers {
		pay(c, halo(c))
	}
}

// may tells whether some option of a step has such a layout.
func (s *settlement) may(step int, such func(Layout) bool) bool {
	return slices.ContainsFunc(s.options[step], func(o option) bool { return such(o.layout) })
}
