package schedules

import (
	"math/rand/v2"
	"slices"
)

// attempts bounds the random tries of one operation; what follows is
// deterministic and finite, so that no operation hangs.
const attempts = 64

// Sample returns a random valid schedule: uniform over the valid ones. It
// reports false only for a space without any, which SpaceFor does not make.
func (s *Space) Sample(rng *rand.Rand) (Schedule, bool) {
	index := make([]int, len(s.knobs))
	for range attempts {
		for k := range s.knobs {
			index[k] = rng.IntN(len(s.knobs[k].Values))
		}
		if c := s.schedule(index); s.rules.check(c) == nil {
			return c, true
		}
	}
	valid := s.valid()
	if len(valid) == 0 {
		return Schedule{}, false
	}
	s.setPoint(index, int(valid[rng.IntN(len(valid))]))
	return s.schedule(index), true
}

// Mutate returns a valid schedule that differs from c in one knob or a few. It
// returns c only where that is the space's one schedule. A c of another space
// is adapted first.
func (s *Space) Mutate(rng *rand.Rand, c Schedule) Schedule {
	c, at := s.adopt(c)
	index := make([]int, len(at))
	for range attempts {
		copy(index, at)
		for again := true; again; again = rng.IntN(3) == 0 {
			k := rng.IntN(len(index))
			index[k] = rng.IntN(len(s.knobs[k].Values))
		}
		if m := s.schedule(index); m != c && s.rules.check(m) == nil {
			return m
		}
	}
	if near := s.Neighbours(c); len(near) > 0 {
		return near[rng.IntN(len(near))]
	}
	if m, ok := s.Sample(rng); ok {
		return m
	}
	return c
}

// Crossover returns a valid schedule with each knob's value from a or b. It
// returns a or b where no mix of them is found. Schedules of another space are
// adapted first.
func (s *Space) Crossover(rng *rand.Rand, a, b Schedule) Schedule {
	a, from := s.adopt(a)
	b, other := s.adopt(b)
	index := make([]int, len(from))
	for range attempts {
		for k := range index {
			index[k] = from[k]
			if rng.IntN(2) == 0 {
				index[k] = other[k]
			}
		}
		if c := s.schedule(index); c != a && c != b && s.rules.check(c) == nil {
			return c
		}
	}
	if rng.IntN(2) == 0 {
		return a
	}
	return b
}

// Neighbours returns the valid schedules one step from c: for each knob the
// nearest legal number below and above, or each other word. A c of another
// space is adapted first.
func (s *Space) Neighbours(c Schedule) []Schedule {
	_, at := s.adopt(c)
	var near []Schedule
	for k, knob := range s.knobs {
		_, err := parseNumber(knob.Values[at[k]])
		numeric := err == nil
		for _, up := range []int{-1, 1} {
			for _, v := range knob.towards(at[k], up) {
				index := slices.Clone(at)
				index[k] = v
				n := s.schedule(index)
				if s.rules.check(n) != nil {
					continue
				}
				near = append(near, n)
				if numeric {
					break
				}
			}
		}
	}
	return near
}

// adopt returns c, adapted where it is not of s, and its point.
func (s *Space) adopt(c Schedule) (Schedule, []int) {
	if s.Validate(c) != nil {
		c, _, _ = s.Adapt(c)
	}
	index, err := s.index(c)
	if err != nil {
		panic("BUG: schedules: Adapt returned a schedule of another space: " + err.Error())
	}
	return c, index
}
