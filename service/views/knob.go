package views

import (
	"cmp"
	"slices"
	"strconv"

	"qtune/measure"
)

// A KnobView sums up the trials that worked by the value of a knob.
type KnobView struct {
	Name   string
	Values []KnobValue
	Effect float64 // best time with the worst value / best time with the best
}

// A KnobValue is one value of a knob.
type KnobValue struct {
	Value        string
	Trials       int
	Best, Median measure.Nanos
}

// noValue stands for a knob that a schedule does not have.
const noValue = "-"

// knobs sums up the points by every knob of which several values were tried, the
// one that matters most first.
func (t *Task) knobs() []KnobView {
	var names []string
	for _, p := range t.Points {
		for _, n := range p.Schedule.Names() {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	var all []KnobView
	for _, n := range names {
		if k := t.knob(n); len(k.Values) > 1 {
			all = append(all, k)
		}
	}
	slices.SortStableFunc(all, func(a, b KnobView) int { return -cmp.Compare(a.Effect, b.Effect) })
	return all
}

func (t *Task) knob(name string) KnobView {
	times := map[string][]measure.Nanos{}
	for _, p := range t.Points {
		v := p.Schedule.Str(name, noValue)
		times[v] = append(times[v], p.Time)
	}
	k := KnobView{Name: name}
	worst, best := measure.Nanos(0), measure.Nanos(0)
	for v, of := range times {
		slices.Sort(of)
		k.Values = append(k.Values, KnobValue{v, len(of), of[0], of[len(of)/2]})
		worst = max(worst, of[0])
		if best == 0 || of[0] < best {
			best = of[0]
		}
	}
	k.Effect = float64(worst / best)
	slices.SortFunc(k.Values, func(a, b KnobValue) int { return compareValues(a.Value, b.Value) })
	return k
}

// compareValues orders numbers by size, before words.
func compareValues(a, b string) int {
	x, errX := strconv.Atoi(a)
	y, errY := strconv.Atoi(b)
	switch {
	case errX == nil && errY == nil:
		return cmp.Compare(x, y)
	case errX == nil:
		return -1
	case errY == nil:
		return 1
	}
	return cmp.Compare(a, b)
}
