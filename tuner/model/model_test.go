package model

import (
	"bytes"
	"iter"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"qtune/logs"
	"qtune/measure"
	"qtune/measure/sim"
	"qtune/schedules"
)

var testTarget = schedules.Target{ISA: schedules.AVX512VNNI, Machine: schedules.Machine{Vendor: "sim", Cores: 1, L1D: 32 << 10, L2: 1 << 20, L3: 32 << 20}}

// testSpaces are of a convolution, a depthwise and a dense layer.
func testSpaces(t testing.TB) []*schedules.Space {
	t.Helper()
	var list []*schedules.Space
	for _, text := range []string{
		"conv2d n1 h28 w28 c192 k1x1 o32 s1x1 d1x1 p0,0,0,0 wz=1 perch=0 round=double sign=1 mult=lt1",
		"depthwise n1 h28 w28 c192 k3x3 m1 s1x1 d1x1 p1,1,1,1 wz=1 perch=0 round=double sign=0 mult=lt1",
		"dense n1 c1280 o1001 wz=1 perch=0 round=double sign=1 mult=lt1",
	} {
		w, err := schedules.ParseWorkload(text)
		if err != nil {
			t.Fatal(err)
		}
		s, err := schedules.SpaceFor(w, testTarget.ISA)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

// learn tells n schedules of a space, the start first; it returns others.
func learn(k *Task, space *schedules.Space, machine *sim.Runner, n int, seed uint64) (others []schedules.Schedule) {
	all := slices.Collect(space.All())
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	k.Tell(space.Start(), machine.Cost(space.Workload(), space.Start()))
	for _, s := range all[:n] {
		k.Tell(s, machine.Cost(space.Workload(), s))
	}
	return all[n:]
}

// rank returns Spearman's correlation of what is guessed with what is true.
func rank(k *Task, space *schedules.Space, machine *sim.Runner, pool []schedules.Schedule) float64 {
	survey := k.Survey(pool)
	order := func(value func(i int) float64) []float64 {
		at := make([]int, len(pool))
		for i := range at {
			at[i] = i
		}
		slices.SortFunc(at, func(a, b int) int { return int(math.Copysign(1, value(a)-value(b))) })
		out := make([]float64, len(pool))
		for r, i := range at {
			out[i] = float64(r)
		}
		return out
	}
	a := order(func(i int) float64 { return survey.Guess(i).Mean })
	b := order(func(i int) float64 { return float64(machine.Cost(space.Workload(), pool[i])) })
	n, d := float64(len(pool)), 0.0
	for i := range a {
		d += (a[i] - b[i]) * (a[i] - b[i])
	}
	return 1 - 6*d/(n*(n*n-1))
}

// TestLearns ranks schedules that it was not told of.
func TestLearns(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, and some minutes under the race detector")
	}
	machine := sim.New(sim.Config{Seed: 1})
	for _, space := range testSpaces(t) {
		k := New(1, nil).Task(space.Workload(), testTarget)
		rest := learn(k, space, machine, 60, 2)
		if r := rank(k, space, machine, rest[:min(150, len(rest))]); r < 0.8 {
			t.Errorf("%v: rank correlation %.2f after 60 trials", space.Workload(), r)
		}
	}
}

// TestGuesses checks the kinds of guesses: what was measured is known, what is far
// from it is not, and believing one makes its like better known.
func TestGuesses(t *testing.T) {
	machine := sim.New(sim.Config{Seed: 1})
	space := testSpaces(t)[0]
	k := New(1, nil).Task(space.Workload(), testTarget)
	if k.Survey([]schedules.Schedule{space.Start()}) != nil {
		t.Error("a guess from nothing")
	}
	rest := learn(k, space, machine, 40, 3)
	survey := k.Survey(append([]schedules.Schedule{space.Start()}, rest[:200]...))
	start := survey.Guess(0)
	if math.Abs(start.Mean) > 0.1 || start.Deviation > 0.1 {
		t.Errorf("the measured start schedule is guessed %+v, want about 0", start)
	}
	widest := 1
	for i := range 200 {
		if survey.Guess(i+1).Deviation > survey.Guess(widest).Deviation {
			widest = i + 1
		}
	}
	before := survey.Guess(widest)
	if before.Deviation < 2*start.Deviation {
		t.Errorf("deviations are between %v and %v", start.Deviation, before.Deviation)
	}
	survey.Believe(widest)
	if after := survey.Guess(widest); after.Deviation > before.Deviation/2 || math.Abs(after.Mean-before.Mean) > 1e-9 {
		t.Errorf("guess %+v, and %+v when believed", before, after)
	}
}

func TestImprovement(t *testing.T) {
	for _, c := range []struct {
		guess Guess
		best  float64
		want  float64
	}{
		{Guess{0, 0}, 0.5, 0.5},
		{Guess{1, 0}, 0.5, 0},
		{Guess{0, 1}, 0, 0.39894},
		{Guess{0, 1}, -10, 0},
		{Guess{-2, 1e-6}, 0, 2},
	} {
		if got := c.guess.Improvement(c.best); math.Abs(got-c.want) > 1e-4 {
			t.Errorf("%+v below %v: %v, want %v", c.guess, c.best, got, c.want)
		}
	}
}

// TestDeterministic has two models told the same guess the same, to the last bit.
func TestDeterministic(t *testing.T) {
	machine := sim.New(sim.Config{Seed: 1})
	guesses := func() (out []Guess) {
		m := New(7, nil)
		for _, space := range testSpaces(t) {
			k := m.Task(space.Workload(), testTarget)
			rest := learn(k, space, machine, 30, 1)[:20]
			survey := k.Survey(rest)
			for i := range rest {
				out = append(out, survey.Guess(i))
			}
		}
		return out
	}
	if !slices.Equal(guesses(), guesses()) {
		t.Error("same seed and trials, other guesses")
	}
}

// TestNeverFails tells nonsense: the model may be silent, but must not fail.
func TestNeverFails(t *testing.T) {
	space := testSpaces(t)[0]
	other, err := schedules.ParseSchedule("zz=1 form=nowhere")
	if err != nil {
		t.Fatal(err)
	}
	k := New(1, nil).Task(space.Workload(), testTarget)
	pool := []schedules.Schedule{space.Start(), other, {}}
	k.Tell(schedules.Schedule{}, 1)
	for _, ns := range []measure.Nanos{0, -1, 5, 1e300, 1e-300, measure.Nanos(math.Inf(1)), measure.Nanos(math.NaN())} {
		for _, s := range pool {
			k.Tell(s, ns)
			k.Survey(pool)
		}
	}
	var nobody *Task
	nobody.Tell(space.Start(), 1)
	if nobody.Survey(pool) != nil {
		t.Error("the nil task guesses")
	}
}

// simulated yields trials of spaces on a simulated machine, the start schedule the
// oldest.
func simulated(spaces []*schedules.Space, machine *sim.Runner) iter.Seq2[logs.Trial, error] {
	return func(yield func(logs.Trial, error) bool) {
		for _, space := range spaces {
			for s := range space.All() {
				at := time.Unix(2, 0)
				if s == space.Start() {
					at = time.Unix(1, 0)
				}
				if !yield(logs.Trial{Workload: space.Workload(), Target: testTarget, Schedule: s, Protocol: "p",
					CenterNS: float64(machine.Cost(space.Workload(), s)), Time: at}, nil) {
					return
				}
			}
		}
	}
}

// TestPrior trains on a space, saves and loads: after one trial the model ranks.
func TestPrior(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, and some minutes under the race detector")
	}
	machine := sim.New(sim.Config{Seed: 1})
	space := testSpaces(t)[1]
	p, err := Train(simulated([]*schedules.Space{space}, machine), 1)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := p.Save(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(b.String(), FileStart) {
		t.Errorf("a saved model begins with %.20q", b.String())
	}
	text := b.String()
	loaded, err := Load(&b)
	if err != nil || !reflect.DeepEqual(p, loaded) {
		t.Fatalf("loaded another model: %v", err)
	}
	k := New(1, loaded).Task(space.Workload(), testTarget)
	rest := learn(k, space, machine, 0, 1)
	if r := rank(k, space, machine, rest[:150]); r < 0.9 {
		t.Errorf("rank correlation %.2f of what it was trained on", r)
	}
	for name, damaged := range map[string]string{
		"empty": "", "text": "hello", "cut": text[:len(text)/2], "version": strings.Replace(text, `"model":1`, `"model":2`, 1),
		"features": strings.Replace(text, `"macs"`, `"mucs"`, 1), "no trees": `{"model":1}`,
	} {
		if _, err := Load(strings.NewReader(damaged)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := Train(simulated(nil, machine), 1); err == nil {
		t.Error("trained on nothing")
	}
}

// TestFeatures checks that features are finite and tell schedules apart.
func TestFeatures(t *testing.T) {
	for _, space := range testSpaces(t) {
		d := NewDescriber(space.Workload(), testTarget)
		seen := map[Features]bool{}
		n := 0
		for s := range space.All() {
			if n++; n > 200 {
				break
			}
			f := *d.features(s)
			for i, v := range f {
				if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
					t.Fatalf("%v: %s is %v", s, layout[i], v)
				}
			}
			if seen[f] {
				t.Errorf("%v has the features of another schedule", s)
			}
			seen[f] = true
		}
	}
}

// TestForest fits a function of two features.
func TestForest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var rows []*Features
	var y []float64
	for range 400 {
		var f Features
		for i := range f {
			f[i] = float32(rng.IntN(8))
		}
		rows = append(rows, &f)
		y = append(y, float64(f[3])+2*math.Abs(float64(f[7])-4))
	}
	f, unseen := newForest(rows, y, 1, priorSize)
	inside, outside := 0.0, 0.0
	for i, r := range rows {
		inside += math.Abs(f.predict(r)-y[i]) / 400
		outside += math.Abs(unseen[i]-y[i]) / 400
	}
	if inside > 0.4 || outside > 1 || outside < inside {
		t.Errorf("mean error %.2f, of rows not seen %.2f", inside, outside)
	}
}

// BenchmarkSurvey measures what an ask costs: a pool of 300, after some trials.
func BenchmarkSurvey(b *testing.B) {
	machine := sim.New(sim.Config{Seed: 1})
	space := testSpaces(b)[0]
	k := New(1, nil).Task(space.Workload(), testTarget)
	rest := learn(k, space, machine, 60, 2)
	for b.Loop() {
		k.Tell(rest[0], machine.Cost(space.Workload(), rest[0]))
		rest = rest[1:]
		k.Survey(rest[:300])
	}
}
