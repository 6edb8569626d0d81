package schedules

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrUnknownPoint is what a recorded space says of schedules that it does not
// have.
var ErrUnknownPoint = errors.New("not among the recorded schedules")

// RecordedSpace returns the space of just the given points, which must decide
// the same knobs in the same order: one that was measured completely, perhaps by
// a version that knew other knobs. Values are in the order of their numbers, words
// in that of their appearance.
func RecordedSpace(w Workload, isa ISA, points []Schedule, start Schedule) (*Space, error) {
	if len(points) == 0 {
		return nil, fmt.Errorf("%s, %s: no recorded schedules", w, isa)
	}
	f := family{start: start}
	for _, name := range points[0].Names() {
		f.knobs = append(f.knobs, Knob{Name: name})
	}
	known := map[Schedule]bool{}
	for _, p := range points {
		known[p] = true
		for k := range f.knobs {
			knob := &f.knobs[k]
			v, ok := p.Get(knob.Name)
			if !ok || len(p.Names()) != len(f.knobs) {
				return nil, fmt.Errorf("%s, %s: %q does not decide the knobs of %q", w, isa, p, points[0])
			}
			if !slices.Contains(knob.Values, v) {
				knob.Values = append(knob.Values, v)
			}
		}
	}
	for _, k := range f.knobs {
		slices.SortStableFunc(k.Values, func(a, b string) int {
			x, errX := parseNumber(a)
			y, errY := parseNumber(b)
			if errX != nil || errY != nil {
				return 0
			}
			return cmp.Compare(x, y)
		})
	}
	f.rules = rules{{strings.Join(points[0].Names(), " "), func(s Schedule) error {
		if !known[s] {
			return ErrUnknownPoint
		}
		return nil
	}}}
	return newSpace(w, isa, f)
}
