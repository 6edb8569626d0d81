package schedules

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Adapt turns a schedule of another workload, version or order into one of s:
// unknown knobs are dropped, missing ones taken from Start, values that s does
// not have moved to the nearest number, or to Start's. Where the combination is
// not legal, one or two knobs more are moved, as little as possible. The notes
// say what changed. It reports false, and returns Start, where that finds
// nothing.
func (s *Space) Adapt(c Schedule) (Schedule, []string, bool) {
	var notes []string
	index := make([]int, len(s.knobs))
	for k, knob := range s.knobs {
		start := slices.Index(knob.Values, s.start.Str(knob.Name, ""))
		v, ok := c.Get(knob.Name)
		if !ok {
			index[k] = start
			notes = append(notes, fmt.Sprintf("%s=%s: was not decided", knob.Name, knob.Values[start]))
			continue
		}
		if index[k] = knob.nearest(v, start); knob.Values[index[k]] != v {
			notes = append(notes, fmt.Sprintf("%s=%s: in place of %s", knob.Name, knob.Values[index[k]], v))
		}
	}
	for name, v := range c.pairs() {
		if !slices.ContainsFunc(s.knobs, func(k Knob) bool { return k.Name == name }) {
			notes = append(notes, fmt.Sprintf("%s=%s: dropped, no such knob", name, v))
		}
	}
	out := s.schedule(index)
	err := s.rules.check(out)
	if err == nil {
		return out, notes, true
	}
	notes = append(notes, err.Error())
	repaired, ok := s.repair(index)
	if !ok {
		return s.start, append(notes, "replaced by the start schedule"), false
	}
	return repaired, append(notes, fmt.Sprintf("repaired to %s", repaired)), true
}

// repair finds a legal schedule that differs from the point in one knob, else
// in two.
func (s *Space) repair(index []int) (Schedule, bool) {
	moves := s.movesFrom(index)
	try := func(ms ...move) (Schedule, bool) {
		at := slices.Clone(index)
		for _, m := range ms {
			at[m.knob] = m.value
		}
		c := s.schedule(at)
		return c, s.rules.check(c) == nil
	}
	for _, m := range moves {
		if c, ok := try(m); ok {
			return c, true
		}
	}
	for i, m := range moves {
		for _, o := range moves[:i] {
			if o.knob == m.knob {
				continue
			}
			if c, ok := try(m, o); ok {
				return c, true
			}
		}
	}
	return Schedule{}, false
}

// A move sets a knob to another value.
type move struct {
	knob, value int
	steps       int // between the old and the new value, by rank
}

// movesFrom returns the moves from a point, the smallest first.
func (s *Space) movesFrom(index []int) []move {
	var moves []move
	for k, knob := range s.knobs {
		for _, up := range []int{-1, 1} {
			for i, v := range knob.towards(index[k], up) {
				moves = append(moves, move{k, v, i + 1})
			}
		}
	}
	slices.SortStableFunc(moves, func(a, b move) int { return cmp.Compare(a.steps, b.steps) })
	return moves
}

// towards returns the values of k below (up < 0) or above that of index at, the
// nearest first. Numbers are in their order, words in the knob's.
func (k Knob) towards(at, up int) []int {
	rank := func(i int) int {
		n, err := parseNumber(k.Values[i])
		if err != nil {
			return i
		}
		return n
	}
	var values []int
	for i := range k.Values {
		if (rank(i)-rank(at))*up > 0 {
			values = append(values, i)
		}
	}
	slices.SortStableFunc(values, func(a, b int) int { return cmp.Compare(rank(a)*up, rank(b)*up) })
	return values
}

// nearest returns the index of value v, else of the number nearest to it, else
// def. Of two as near it takes the smaller number.
func (k Knob) nearest(v string, def int) int {
	if i := slices.Index(k.Values, v); i >= 0 {
		return i
	}
	want, err := parseNumber(v)
	if err != nil {
		return def
	}
	best, bestValue, bestDistance := def, 0, math.MaxInt
	for i, t := range k.Values {
		n, err := parseNumber(t)
		if err != nil {
			continue
		}
		d := max(n-want, want-n)
		if d < bestDistance || d == bestDistance && n < bestValue {
			best, bestValue, bestDistance = i, n, d
		}
	}
	return best
}
