package schedules

import (
	"fmt"
	"iter"
	"strings"
)

// A Schedule is one way to do a Workload: an immutable list of decisions, a
// value for each knob of a Space in the Space's order. Its text is
// "mr=8 nv=2 u=2 order=cyx ...". The zero Schedule decides nothing.
type Schedule struct {
	text string // canonical; the decisions are read from it
}

// maxScheduleBytes bounds the text of a schedule.
const maxScheduleBytes = 1024

// String returns the canonical text.
func (s Schedule) String() string { return s.text }

// ParseSchedule is the inverse of String. It checks the syntax only: pairs
// name=value separated by one space, names of lower-case letters and digits
// starting with a letter, values of lower-case letters and digits, no name
// twice. Space.Validate checks the rest.
func ParseSchedule(text string) (Schedule, error) {
	s := Schedule{text}
	if text == "" {
		return s, nil
	}
	if len(text) > maxScheduleBytes {
		return Schedule{}, fmt.Errorf("schedule %s: %d bytes, at most %d are allowed", quote(text), len(text), maxScheduleBytes)
	}
	seen := map[string]bool{}
	for _, pair := range strings.Split(text, " ") {
		name, value, _ := strings.Cut(pair, "=")
		switch {
		case !isName(name) || !isValue(value):
			return Schedule{}, fmt.Errorf("schedule %s: %s is not name=value", quote(text), quote(pair))
		case seen[name]:
			return Schedule{}, fmt.Errorf("schedule %s: %s is decided twice", quote(text), name)
		}
		seen[name] = true
	}
	return s, nil
}

func isName(s string) bool { return isValue(s) && (s[0] < '0' || s[0] > '9') }

func isValue(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// pairs yields the decisions in order.
func (s Schedule) pairs() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for rest := s.text; rest != ""; {
			var pair string
			pair, rest, _ = strings.Cut(rest, " ")
			name, value, _ := strings.Cut(pair, "=")
			if !yield(name, value) {
				return
			}
		}
	}
}

// Get returns the value of a knob, and whether s decides it.
func (s Schedule) Get(name string) (string, bool) {
	// Spaces are enumerated through here: no allocation, no Cut of every pair.
	for rest := s.text; rest != ""; {
		pair := rest
		if i := strings.IndexByte(rest, ' '); i >= 0 {
			pair, rest = rest[:i], rest[i+1:]
		} else {
			rest = ""
		}
		if len(pair) > len(name) && pair[len(name)] == '=' && pair[:len(name)] == name {
			return pair[len(name)+1:], true
		}
	}
	return "", false
}

// Int returns the value of a knob as a number, or def where s does not decide
// it or its value is not a number.
func (s Schedule) Int(name string, def int) int {
	v, _ := s.Get(name)
	if n, err := parseNumber(v); err == nil {
		return n
	}
	return def
}

// Str returns the value of a knob, or def where s does not decide it.
func (s Schedule) Str(name, def string) string {
	if v, ok := s.Get(name); ok {
		return v
	}
	return def
}

// With returns s with a knob set to value, in its place or at the end. It
// returns s itself where the result would not parse.
func (s Schedule) With(name, value string) Schedule {
	var b strings.Builder
	found := false
	for n, v := range s.pairs() {
		if n == name {
			v, found = value, true
		}
		writePair(&b, n, v)
	}
	if !found {
		writePair(&b, name, value)
	}
	t, err := ParseSchedule(b.String())
	if err != nil {
		return s
	}
	return t
}

func writePair(b *strings.Builder, name, value string) {
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	b.WriteString(name)
	b.WriteByte('=')
	b.WriteString(value)
}

// Names returns the knobs that s decides, in order.
func (s Schedule) Names() []string {
	var names []string
	for n := range s.pairs() {
		names = append(names, n)
	}
	return names
}

// Distance counts the knobs of s that other decides differently.
func (s Schedule) Distance(other Schedule) int {
	n := 0
	for name, value := range s.pairs() {
		if other.Str(name, "") != value {
			n++
		}
	}
	return n
}
