package schedules

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// sparseSpace has 3 valid points of 20*20*3*2, found by no random try.
func sparseSpace(t *testing.T) *Space {
	t.Helper()
	f := family{
		knobs: []Knob{
			{"a", numbers(0, 19)}, {"b", numbers(0, 19)},
			{"c", []string{"x", "y", "z"}}, {"d", []string{"0", "1"}},
		},
		rules: rules{{"a b d", func(s Schedule) error {
			if s.Int("a", 0) == 7 && s.Int("b", 0) == 11 && s.Str("d", "") == "1" {
				return nil
			}
			return fmt.Errorf("not the one")
		}}},
		start: Schedule{"a=7 b=11 c=y d=1"},
	}
	s, err := newSpace(Workload{}, AVX2, f)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// testSpaces returns spaces of all operators and instruction sets, and the
// sparse one.
func testSpaces(t *testing.T) []*Space {
	t.Helper()
	spaces := []*Space{sparseSpace(t)}
	var workloads []Workload
	for i, w := range sampleWorkloads() {
		if i%24 == 5 { // the space depends little on the class
			workloads = append(workloads, w)
		}
	}
	for _, text := range []string{ // several calls, a last block of channels, blocks of several pixels
		"conv2d n1 h56 w56 c64 k3x3 o64 s1x1 d1x1 p1,1,1,1 wz=0 perch=0 round=double sign=0 mult=lt1",
		"depthwise n1 h14 w14 c48 k3x3 m1 s1x1 d1x1 p1,1,1,1 wz=1 perch=0 round=double sign=0 mult=lt1",
		"depthwise n1 h14 w14 c16 k3x3 m1 s1x1 d1x1 p1,1,1,1 wz=0 perch=0 round=double sign=0 mult=lt1",
	} {
		w, err := ParseWorkload(text)
		if err != nil {
			t.Fatal(err)
		}
		workloads = append(workloads, w)
	}
	for _, w := range workloads {
		for _, isa := range ISAs() {
			s, err := SpaceFor(w, isa)
			if err != nil {
				t.Errorf("%s: %v", isa, err)
				continue
			}
			spaces = append(spaces, s)
		}
	}
	return spaces
}

func TestSpaceEnumeration(t *testing.T) {
	for _, s := range testSpaces(t) {
		seen := map[Schedule]bool{}
		for c := range s.All() {
			if err := s.Validate(c); err != nil {
				t.Fatalf("%s %s: All yields %s: %v", s.Workload(), s.ISA(), c, err)
			}
			seen[c] = true
			if again, err := ParseSchedule(c.String()); err != nil || again != c {
				t.Fatalf("%s: %v", c, err)
			}
		}
		if len(seen) != s.Size() || s.Size() > s.Points() || !seen[s.Start()] {
			t.Errorf("%s %s: %d schedules of %d points, size %d, start in it: %t",
				s.Workload(), s.ISA(), len(seen), s.Points(), s.Size(), seen[s.Start()])
		}
		// Every valid point is enumerated, also where a rule would read a knob that it
		// does not name: count them the slow way.
		valid := 0
		for p := range s.Points() {
			index := make([]int, len(s.knobs))
			s.setPoint(index, p)
			if s.Validate(s.schedule(index)) == nil {
				valid++
			}
		}
		if valid != s.Size() {
			t.Errorf("%s %s: %d valid points, size %d", s.Workload(), s.ISA(), valid, s.Size())
		}
	}
}

func TestSpaceVariation(t *testing.T) {
	for _, s := range testSpaces(t) {
		rng := rand.New(rand.NewPCG(1, 2))
		name := fmt.Sprintf("%s %s", s.Workload(), s.ISA())
		prev := s.Start()
		seen := map[Schedule]bool{}
		for range 100 {
			c, ok := s.Sample(rng)
			if err := s.Validate(c); !ok || err != nil {
				t.Fatalf("%s: sample %s: %t, %v", name, c, ok, err)
			}
			m := s.Mutate(rng, c)
			if err := s.Validate(m); err != nil || m == c && s.Size() > 1 {
				t.Fatalf("%s: mutant of %s: %s, %v", name, c, m, err)
			}
			x := s.Crossover(rng, prev, c)
			if err := s.Validate(x); err != nil {
				t.Fatalf("%s: cross of %s and %s: %s, %v", name, prev, c, x, err)
			}
			for _, k := range s.Knobs() {
				if v := x.Str(k.Name, ""); v != prev.Str(k.Name, "") && v != c.Str(k.Name, "") {
					t.Fatalf("%s: cross of %s and %s: %s has a value of neither", name, prev, c, x)
				}
			}
			seen[c], prev = true, x
		}
		if want := min(3, s.Size()); len(seen) < want {
			t.Errorf("%s: 100 samples are %d schedules of %d", name, len(seen), s.Size())
		}
	}
}

func TestSampleIsUniform(t *testing.T) {
	s := sparseSpace(t)
	rng := rand.New(rand.NewPCG(1, 2))
	counts := map[Schedule]int{}
	for range 300 {
		c, _ := s.Sample(rng)
		counts[c]++
	}
	for c := range s.All() {
		if counts[c] < 60 {
			t.Errorf("%s comes %d times of 300", c, counts[c])
		}
	}
}

func TestVariationIsDeterministic(t *testing.T) {
	for _, s := range testSpaces(t) {
		run := func() []Schedule {
			rng := rand.New(rand.NewPCG(5, 6))
			var out []Schedule
			for range 20 {
				c, _ := s.Sample(rng)
				m := s.Mutate(rng, c)
				out = append(out, c, m, s.Crossover(rng, c, m))
			}
			return out
		}
		if a, b := run(), run(); !slices.Equal(a, b) {
			t.Fatalf("%s %s: the same seed gives two sequences", s.Workload(), s.ISA())
		}
	}
}

func TestNeighbours(t *testing.T) {
	for _, s := range testSpaces(t) {
		for i := range min(s.Size(), 20) {
			index := make([]int, len(s.knobs))
			s.setPoint(index, int(s.valid()[i*s.Size()/min(s.Size(), 20)]))
			c := s.schedule(index)
			near := s.Neighbours(c)
			for j, n := range near {
				if err := s.Validate(n); err != nil {
					t.Fatalf("%s: neighbour %s: %v", c, n, err)
				}
				if diff := differences(s, c, n); diff != 1 {
					t.Fatalf("%s: neighbour %s differs in %d knobs", c, n, diff)
				}
				if slices.Contains(near[:j], n) {
					t.Fatalf("%s: neighbour %s twice", c, n)
				}
			}
		}
	}
	s := sparseSpace(t)
	got := s.Neighbours(Schedule{"a=7 b=11 c=x d=1"})
	if want := []Schedule{{"a=7 b=11 c=y d=1"}, {"a=7 b=11 c=z d=1"}}; !slices.Equal(got, want) {
		t.Errorf("neighbours %v, want %v", got, want)
	}
}

func differences(s *Space, a, b Schedule) int {
	n := 0
	for _, k := range s.Knobs() {
		if a.Str(k.Name, "") != b.Str(k.Name, "") {
			n++
		}
	}
	return n
}

func TestValidateNamesTheKnob(t *testing.T) {
	s := sparseSpace(t)
	for text, message := range map[string]string{
		"a=7 b=11 c=y":            "d: not decided",
		"a=7 b=11 c=w d=1":        "c=w: must be one of x, y, z",
		"a=7 b=11 c=y d=1 e=5":    "e: no such knob",
		"b=11 a=7 c=y d=1":        "out of order",
		"a=8 b=11 c=y d=1":        "not the one",
		"":                        "a: not decided",
		"a=7 b=11 c=y d=1 long=1": "long: no such knob",
	} {
		err := s.Validate(Schedule{text})
		if err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%q: %v, want %q", text, err, message)
		}
	}
}

func TestAdapt(t *testing.T) {
	s := sparseSpace(t)
	for _, c := range []struct {
		text, want string
		notes      int
		ok         bool
	}{
		{"a=7 b=11 c=z d=1", "a=7 b=11 c=z d=1", 0, true},
		{"d=1 c=z b=11 a=7", "a=7 b=11 c=z d=1", 0, true},                    // order
		{"a=7 b=11 c=z d=1 old=3", "a=7 b=11 c=z d=1", 1, true},              // unknown knob
		{"a=7 b=11 d=1", "a=7 b=11 c=y d=1", 1, true},                        // missing knob
		{"a=7 b=11 c=q d=99", "a=7 b=11 c=y d=1", 2, true},                   // unknown word, nearest number
		{"a=9 b=11 c=z d=1", "a=7 b=11 c=z d=1", 2, true},                    // repaired, one knob
		{"a=9 b=12 c=z d=1", "a=7 b=11 c=z d=1", 2, true},                    // repaired, two knobs
		{"a=9 b=12 c=z d=0", "a=7 b=11 c=y d=1", 2, false},                   // three: start
		{"", "a=7 b=11 c=y d=1", 4, true},                                    // nothing known
		{"a=50 b=11 c=z d=1", "a=7 b=11 c=z d=1", 3, true},                   // moved to 19, then repaired
		{"x=1 y=2", "a=7 b=11 c=y d=1", 6, true},                             // another operator's
		{"a=007 b=11 c=z d=1", "a=7 b=11 c=z d=1", 1, true},                  // not a number: start's
		{"a=7 b=11 c=z d=1 e=1 f=2", "a=7 b=11 c=z d=1", 2, true},            // two unknown knobs
		{"a=18446744073709551616 b=11 c=z d=1", "a=7 b=11 c=z d=1", 1, true}, // too large for a number
	} {
		got, notes, ok := s.Adapt(Schedule{c.text})
		if got.String() != c.want || len(notes) != c.notes || ok != c.ok {
			t.Errorf("%q: %s, %t, notes %q", c.text, got, ok, notes)
		}
	}
}

// A schedule of any workload gives a valid one of any other.
func TestAdaptAcrossWorkloads(t *testing.T) {
	spaces := testSpaces(t)
	for _, from := range spaces {
		rng := rand.New(rand.NewPCG(3, 4))
		c, _ := from.Sample(rng)
		for _, to := range spaces {
			got, notes, _ := to.Adapt(c)
			if err := to.Validate(got); err != nil {
				t.Fatalf("%s adapted to %s %s: %s: %v", c, to.Workload(), to.ISA(), got, err)
			}
			if from == to && (got != c || len(notes) != 0) {
				t.Fatalf("%s is valid, but adapted to %s, notes %q", c, got, notes)
			}
		}
	}
}

func TestSpaceForRefuses(t *testing.T) {
	w := sampleWorkloads()[0]
	if _, err := SpaceFor(w, Ref); err == nil {
		t.Error("ref has a space")
	}
	w.KH = 0
	if _, err := SpaceFor(w, AVX2); err == nil {
		t.Error("an impossible workload has a space")
	}
}

func BenchmarkEnumerate(b *testing.B) {
	w := sampleWorkloads()[0]
	for b.Loop() {
		s, err := SpaceFor(w, AVX512VNNI)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(s.Points()), "points")
		b.ReportMetric(float64(s.Size()), "schedules")
	}
}
