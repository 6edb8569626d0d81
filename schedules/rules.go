package schedules

import (
	"slices"
	"strings"
)

// A rule is a condition of legal points. It is about some knobs, and its check reads
// no others: so what it says of their values holds whatever the others are.
type rule struct {
	knobs string // names, with spaces between
	check func(Schedule) error
}

// rules are conditions that all must hold.
type rules []rule

// check returns what the first rule says that s breaks.
func (r rules) check(s Schedule) error {
	for _, rule := range r {
		if err := rule.check(s); err != nil {
			return err
		}
	}
	return nil
}

// where returns r for points with a value of a knob only.
func (r rules) where(knob, value string) rules {
	out := make(rules, len(r))
	for i, rule := range r {
		out[i] = rule
		if !slices.Contains(strings.Fields(rule.knobs), knob) {
			out[i].knobs += " " + knob
		}
		out[i].check = func(s Schedule) error {
			if s.Str(knob, "") != value {
				return nil
			}
			return rule.check(s)
		}
	}
	return out
}

// A table is what a rule says of each combination of its knobs' values, as far as it
// was asked.
type table struct {
	rule  rule
	knobs []int // their places in the space
	said  []verdict
}

type verdict uint8

const (
	unasked verdict = iota
	legal
	illegal
)

// tables returns those of a space's rules: at k those that can be asked when the first
// k knobs have values.
func (s *Space) tables() [][]table {
	all := make([][]table, len(s.knobs)+1)
	for _, r := range s.rules {
		names := strings.Fields(r.knobs)
		t, n, known := table{rule: r}, 1, 0
		for k, knob := range s.knobs {
			if slices.Contains(names, knob.Name) {
				t.knobs = append(t.knobs, k)
				n *= len(knob.Values)
				known = k + 1
			}
		}
		t.said = make([]verdict, n)
		all[known] = append(all[known], t)
	}
	return all
}

// allows tells whether t's rule accepts a point.
func (s *Space) allows(t *table, index []int) bool {
	at := 0
	for _, k := range t.knobs {
		at = at*len(s.knobs[k].Values) + index[k]
	}
	if t.said[at] == unasked {
		t.said[at] = legal
		if t.rule.check(s.part(t.knobs, index)) != nil {
			t.said[at] = illegal
		}
	}
	return t.said[at] == legal
}

// enumerate returns the numbers of the valid points. Of a combination that a rule
// refuses nothing further is looked at.
func (s *Space) enumerate() []int32 {
	var valid []int32
	tables := s.tables()
	index := make([]int, len(s.knobs))
	var visit func(k, point int)
	visit = func(k, point int) {
		for i := range tables[k] {
			if !s.allows(&tables[k][i], index) {
				return
			}
		}
		if k == len(s.knobs) {
			valid = append(valid, int32(point))
			return
		}
		for v := range s.knobs[k].Values {
			index[k] = v
			visit(k+1, point*len(s.knobs[k].Values)+v)
		}
	}
	visit(0, 0)
	return valid
}
