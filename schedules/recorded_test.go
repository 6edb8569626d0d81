package schedules

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestRecordedSpace makes a space of some of another's points: it has those and no
// others, in all its operations.
func TestRecordedSpace(t *testing.T) {
	w, err := ParseWorkload("dense n1 c256 o100 wz=1 perch=0 round=double sign=1 mult=lt1")
	if err != nil {
		t.Fatal(err)
	}
	full, err := SpaceFor(w, AVX2)
	if err != nil {
		t.Fatal(err)
	}
	var points []Schedule
	for s := range full.All() {
		if s == full.Start() || len(points)%3 == 0 || s.Int("u", 0) < 4 {
			points = append(points, s)
		}
	}
	space, err := RecordedSpace(full.Workload(), full.ISA(), points, full.Start())
	if err != nil {
		t.Fatal(err)
	}
	got := slices.Collect(space.All())
	sorted := func(l []Schedule) []Schedule {
		l = slices.Clone(l)
		slices.SortFunc(l, func(a, b Schedule) int { return slices.Compare([]byte(a.text), []byte(b.text)) })
		return l
	}
	if !slices.Equal(sorted(got), sorted(points)) || space.Start() != full.Start() {
		t.Errorf("%d points of %d, start %v", len(got), len(points), space.Start())
	}
	known := map[Schedule]bool{}
	for _, p := range points {
		known[p] = true
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		s, ok := space.Sample(rng)
		near := append(space.Neighbours(s), space.Mutate(rng, s), space.Crossover(rng, s, space.Start()), s)
		for _, n := range near {
			if !ok || !known[n] {
				t.Fatalf("%v is no point", n)
			}
		}
	}
	for s := range full.All() {
		if err := space.Validate(s); known[s] != (err == nil) || err != nil && !errors.Is(err, ErrUnknownPoint) && space.knobHas(s) {
			t.Fatalf("%v: %v", s, err)
		}
	}
	for name, list := range map[string][]Schedule{"empty": nil, "mixed": {full.Start(), {"mr=1"}}, "without the start": {points[1]}} {
		if _, err := RecordedSpace(full.Workload(), full.ISA(), list, full.Start()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// knobHas tells whether the space's knobs have all of s's values.
func (s *Space) knobHas(c Schedule) bool {
	_, err := s.index(c)
	return err == nil
}
