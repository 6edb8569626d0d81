package tuner

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"qtune/logs"
	"qtune/measure"
	"qtune/measure/sim"
	"qtune/schedules"
)

// several is a simulated machine with several slots, whose batches take random
// times, and which loses some candidates once and some always. What it says of a
// job depends on the job alone.
type several struct {
	*sim.Runner
	slots int
	mu    sync.Mutex
	rng   *rand.Rand
	calls map[string]int
	most  int // batches at a time
	now   int
}

func newSeveral(slots int, seed uint64) *several {
	f := &several{slots: slots, rng: rand.New(rand.NewPCG(seed, 1)), calls: map[string]int{}}
	f.Runner = sim.New(sim.Config{Seed: 3, Noise: 0.03, Fail: f.fail})
	return f
}

func (f *several) Slots() int { return f.slots }

// Measure takes up to a millisecond.
func (f *several) Measure(ctx context.Context, jobs []measure.Job) ([]measure.Result, error) {
	f.mu.Lock()
	delay := time.Duration(f.rng.IntN(1000)) * time.Microsecond
	f.now++
	f.most = max(f.most, f.now)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.now--
		f.mu.Unlock()
	}()
	time.Sleep(delay)
	return f.Runner.Measure(ctx, jobs)
}

func (f *several) fail(j measure.Job) (measure.Status, string) {
	if j.Protocol.Samples > measure.DefaultProtocol().Samples {
		return measure.OK, "" // a final
	}
	h := fnv.New32a()
	h.Write([]byte(j.String())) // never fails, says package hash
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[j.String()]++
	switch n := h.Sum32(); {
	case n%7 == 0 && f.calls[j.String()] == 1:
		return measure.WorkerLost, "gone"
	case n%29 == 1:
		return measure.WorkerLost, "it kills every worker"
	case n%13 == 2:
		return measure.WrongAnswer, "injected"
	}
	return measure.OK, ""
}

// searched is what a tuning came to: its trials, in an order of their own, and its
// winners.
type searched struct{ trials, winners []string }

func searchOf(r *Report, trials []logs.Trial) searched {
	var s searched
	for _, row := range trials {
		s.trials = append(s.trials, fmt.Sprint(row.Workload, row.Schedule, row.Status, row.SamplesNS))
	}
	slices.Sort(s.trials)
	for _, e := range r.Tasks {
		s.winners = append(s.winners, fmt.Sprint(e.Schedule, e.Default, e.Tuned, e.Trials, e.Failures, e.Ended))
	}
	return s
}

func (s searched) check(t *testing.T, what string, want searched) {
	t.Helper()
	if !slices.Equal(s.trials, want.trials) {
		t.Errorf("%s: other trials: %d, want %d", what, len(s.trials), len(want.trials))
	}
	if !slices.Equal(s.winners, want.winners) {
		t.Errorf("%s: ends with\n%q, want\n%q", what, s.winners, want.winners)
	}
}

const windowTrials = 50

// windowConfig is a small network on a fleet.
func windowConfig(t *testing.T, store Store, slots int, seed uint64) Config {
	cfg := testConfig(t, store, windowTrials)
	cfg.Tasks = append(cfg.Tasks[:1:1], cfg.Tasks[2:]...)
	cfg.Batch, cfg.Ahead = 3, 5
	cfg.Runner = newSeveral(slots, seed)
	cfg.saveEvery = time.Microsecond // every batch
	cfg.SpaceFor = spaceFor
	return cfg
}

// spaceFor keeps spaces: enumerating one takes longer than a search.
var spaceFor = func() func(schedules.Workload, schedules.ISA) (*schedules.Space, error) {
	var mu sync.Mutex
	made := map[schedules.Workload]*schedules.Space{}
	return func(w schedules.Workload, isa schedules.ISA) (_ *schedules.Space, err error) {
		mu.Lock()
		defer mu.Unlock()
		if made[w] == nil {
			made[w], err = schedules.SpaceFor(w, isa)
		}
		return made[w], err
	}
}()

// TestSlots measures with few and many batches at a time: the search is the same.
func TestSlots(t *testing.T) {
	for _, name := range []string{"evolve", "model", "descent"} {
		var want searched
		for i, slots := range []int{1, 2, 5, 9} {
			store := &memory{}
			cfg := windowConfig(t, store, slots, uint64(i))
			cfg.Strategy = name
			got := searchOf(tune(t, cfg), store.trials)
			if most := cfg.Runner.(*several).most; most > min(slots, cfg.Ahead) {
				t.Errorf("%d batches at a time with %d slots and %d ahead", most, slots, cfg.Ahead)
			}
			if i == 0 {
				want = got
				if len(want.trials) != windowTrials {
					t.Errorf("%d trials, want %d", len(want.trials), windowTrials)
				}
				continue
			}
			got.check(t, fmt.Sprintf("%s with %d slots", name, slots), want)
		}
	}
}

// TestResumeAnywhere goes on from every number of trials that the store may have
// when a tuning is killed: also where it has those of later batches, but not those
// of the first that is not done.
func TestResumeAnywhere(t *testing.T) {
	inOrder := map[string][]logs.Trial{} // by strategy: batch after batch
	for _, c := range []struct {
		strategy    string
		slots, step int
	}{{"evolve", 1, 1}, {"evolve", 2, 1}, {"evolve", 5, 1}, {"model", 1, 49}, {"model", 5, 7}} {
		what := fmt.Sprintf("%s, %d slots", c.strategy, c.slots)
		whole := &memory{}
		cfg := windowConfig(t, whole, c.slots, 7)
		cfg.Strategy = c.strategy
		want := searchOf(tune(t, cfg), whole.trials)
		if c.slots == 1 {
			inOrder[c.strategy] = whole.trials
		} else if slices.EqualFunc(whole.trials, inOrder[c.strategy], func(a, b logs.Trial) bool { return a.Schedule == b.Schedule }) {
			t.Errorf("%s: no later batch was stored before an earlier one", what)
		}
		if testing.Short() {
			c.step = max(c.step, 10)
		}
		for n := 0; n <= windowTrials; n += c.step {
			parts := &memory{trials: slices.Clone(whole.trials[:n])}
			cfg := windowConfig(t, parts, c.slots, uint64(n))
			cfg.Strategy = c.strategy
			r := tune(t, cfg)
			if r.Counts.Known != n || r.Counts.New != windowTrials-n {
				t.Errorf("%s from %d trials: %d known, %d new", what, n, r.Counts.Known, r.Counts.New)
			}
			searchOf(r, parts.trials).check(t, fmt.Sprintf("%s from %d trials", what, n), want)
		}
	}
}

// growing is a runner of which there are three after its first batch. The next
// three are only answered together.
type growing struct {
	*sim.Runner
	mu       sync.Mutex
	calls    int
	together chan struct{} // closed when three are there
}

func (g *growing) Slots() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return min(1+2*g.calls, 3)
}

func (g *growing) Measure(ctx context.Context, jobs []measure.Job) ([]measure.Result, error) {
	g.mu.Lock()
	g.calls++
	n := g.calls
	if n == 4 {
		close(g.together)
	}
	g.mu.Unlock()
	if n > 1 {
		select {
		case <-g.together:
		case <-time.After(time.Minute):
			return nil, errors.New("no three batches at a time")
		}
	}
	return g.Runner.Measure(ctx, jobs)
}

// TestGrowing uses slots as they come.
func TestGrowing(t *testing.T) {
	cfg := windowConfig(t, &memory{}, 1, 1)
	cfg.Runner = &growing{Runner: sim.New(sim.Config{Seed: 3}), together: make(chan struct{})}
	tune(t, cfg)
}

// TestLost loses all that is measured for a while: nothing of that is recorded, and
// afterwards the search is what it would have been. Where it goes on for long the
// tuner gives up.
func TestLost(t *testing.T) {
	down := func(from, to int) searched {
		store := &memory{}
		cfg := testConfig(t, store, 60)
		cfg.SpaceFor = spaceFor
		n := 0
		cfg.Runner = sim.New(sim.Config{Seed: 3, Slots: 1, Fail: func(measure.Job) (measure.Status, string) {
			if n++; n > from && n <= to {
				return measure.WorkerLost, "gone"
			}
			return measure.OK, ""
		}})
		r, err := Tune(t.Context(), cfg)
		if (err != nil) != (to-from > lostLimit) || r.Counts.ByStatus[measure.WorkerLost] > 0 {
			t.Errorf("%d lost: %v, %+v", to-from, err, r.Counts)
		}
		return searchOf(r, store.trials)
	}
	down(20, 60).check(t, "disturbed", down(0, 0))
	if n := len(down(28, 1000).trials); n != 28 {
		t.Errorf("%d trials stored of 28 that were measured", n)
	}
}

// TestLostAgain has a log of a search that another one cannot retrace: what was
// lost then is tried again, once.
func TestLostAgain(t *testing.T) {
	store := &memory{}
	tune(t, windowConfig(t, store, 1, 1))
	lost := func() map[schedules.Schedule]int {
		n := map[schedules.Schedule]int{}
		for _, row := range store.trials {
			if row.Status == measure.WorkerLost.String() {
				n[row.Schedule]++
			}
		}
		return n
	}
	before := len(lost())
	if before == 0 {
		t.Fatal("nothing was lost")
	}
	cfg := windowConfig(t, store, 1, 1)
	cfg.Seed, cfg.Trials = 99, 90
	r := tune(t, cfg)
	if r.Counts.Known != windowTrials-before || r.Counts.Known+r.Counts.New != 90 {
		t.Errorf("%d lost; then %+v", before, r.Counts)
	}
}
