package tuner

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qtune/logs"
	"qtune/measure"
	"qtune/measure/sim"
	"qtune/schedules"
)

// memory is a Store without a file.
type memory struct {
	trials []logs.Trial
	finals []logs.Final
	fail   error
}

func (m *memory) Trials(_ context.Context, w schedules.Workload, _ schedules.Target) iter.Seq2[logs.Trial, error] {
	return func(yield func(logs.Trial, error) bool) {
		for _, t := range m.trials {
			if t.Workload == w && !yield(t, nil) {
				return
			}
		}
	}
}

func (m *memory) Append(_ context.Context, trials []logs.Trial) error {
	if m.fail != nil {
		return m.fail
	}
	m.trials = append(m.trials, trials...)
	return nil
}

func (m *memory) RecordFinal(_ context.Context, f logs.Final) error {
	m.finals = append(m.finals, f)
	return nil
}

var testTarget = schedules.Target{ISA: schedules.AVX2, Machine: schedules.Machine{Vendor: "sim", Cores: 1}}

// testTasks are of a small network: an expensive task, two cheap ones, and one
// whose space has few points.
func testTasks(t testing.TB) []schedules.Task {
	t.Helper()
	var tasks []schedules.Task
	for _, c := range []struct {
		count int
		text  string
	}{
		{1, "conv2d n1 h14 w14 c16 k1x1 o16 s1x1 d1x1 p0,0,0,0 wz=1 perch=0 round=double sign=1 mult=lt1"},
		{8, "conv2d n1 h28 w28 c192 k3x3 o64 s1x1 d1x1 p1,1,1,1 wz=1 perch=0 round=double sign=1 mult=lt1"},
		{2, "conv2d n1 h28 w28 c32 k1x1 o64 s1x1 d1x1 p0,0,0,0 wz=1 perch=0 round=double sign=0 mult=lt1"},
		{1, "dense n1 c256 o100 wz=1 perch=0 round=double sign=1 mult=lt1"},
	} {
		w, err := schedules.ParseWorkload(c.text)
		if err != nil {
			t.Fatal(err)
		}
		tasks = append(tasks, schedules.Task{Workload: w, Count: c.count, MACs: int64(c.count) * w.MACs()})
	}
	return tasks
}

// testConfig tunes the small network on a simulated machine. With one slot the
// order of its rows is a function of the configuration, too.
func testConfig(t testing.TB, store Store, trials int) Config {
	return Config{
		Tasks: testTasks(t), Target: testTarget, Store: store, Trials: trials, Seed: 7,
		Runner: sim.New(sim.Config{Seed: 3, Noise: 0.01, Slots: 1}),
	}
}

func tune(t *testing.T, cfg Config) *Report {
	t.Helper()
	r, err := Tune(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// checkTrials tests what must hold of any log: no schedule twice, the default
// first.
func checkTrials(t *testing.T, trials []logs.Trial) {
	t.Helper()
	seen := map[string]bool{}
	first := map[schedules.Workload]bool{}
	for _, r := range trials {
		key := r.Workload.String() + "|" + r.Schedule.String()
		if seen[key] && r.Status != measure.WorkerLost.String() {
			t.Errorf("tried twice: %s", key)
		}
		seen[key] = true
		if first[r.Workload] {
			continue
		}
		first[r.Workload] = true
		space, err := schedules.SpaceFor(r.Workload, r.Target.ISA)
		if err != nil {
			t.Fatal(err)
		}
		if r.Schedule != space.Start() {
			t.Errorf("%v begins with %v, not with the default", r.Workload, r.Schedule)
		}
	}
}

func TestTune(t *testing.T) {
	var events []Event
	store := &memory{}
	cfg := testConfig(t, store, 160)
	cfg.Listen = func(e Event) { events = append(events, e) }
	r := tune(t, cfg)
	checkTrials(t, store.trials)
	if len(store.trials) != 160 || r.Counts.New != 160 || r.Counts.ByStatus[measure.OK] != 160 || r.Interrupted {
		t.Errorf("%d trials stored, report %+v", len(store.trials), r.Counts)
	}
	machine := sim.New(sim.Config{Seed: 3})
	total, got, optimum := 0.0, 0.0, 0.0
	for i, e := range r.Tasks {
		if e.Task.Workload != cfg.Tasks[i].Workload || !e.Final || e.Gain < 1 || e.Trials < 6 {
			t.Errorf("task %d: %+v", i, e)
		}
		total += e.Share
		space, err := schedules.SpaceFor(e.Task.Workload, testTarget.ISA)
		if err != nil {
			t.Fatal(err)
		}
		best := machine.Cost(e.Task.Workload, space.Start())
		for s := range space.All() {
			best = min(best, machine.Cost(e.Task.Workload, s))
		}
		got += float64(measure.Nanos(e.Task.Count) * machine.Cost(e.Task.Workload, e.Schedule))
		optimum += float64(measure.Nanos(e.Task.Count) * best)
		if f := store.finals[slices.IndexFunc(store.finals, func(f logs.Final) bool { return f.Workload == e.Task.Workload })]; f.Schedule != e.Schedule || f.TunedNS > f.DefaultNS {
			t.Errorf("task %d: recorded final %+v", i, f)
		}
	}
	if got > 1.03*optimum {
		t.Errorf("the network is %.1f %% from its optimum", 100*(got/optimum-1))
	}
	if total < 0.999 || total > 1.001 || r.Tuned >= r.Default || r.GeoMeanGain <= 1 {
		t.Errorf("shares sum to %v, sums %v and %v, mean gain %v", total, r.Default, r.Tuned, r.GeoMeanGain)
	}
	if a, b := r.Tasks[1].Trials, r.Tasks[0].Trials; a < 2*b {
		t.Errorf("the task with most of the time got %d trials, the cheapest %d", a, b)
	}
	if _, ok := events[0].(Resumed); !ok {
		t.Errorf("first event %v", events[0])
	}
	if _, ok := events[len(events)-1].(Finished); !ok {
		t.Errorf("last event %v", events[len(events)-1])
	}
	last := slices.IndexFunc(events, func(e Event) bool { p, ok := e.(Progress); return ok && p.Done == 160 })
	if last < 0 || events[last].(Progress).Network == 0 {
		t.Errorf("no progress event with all trials")
	}
}

func TestDeterministic(t *testing.T) {
	run := func() []logs.Trial {
		store := &memory{}
		tune(t, testConfig(t, store, 150))
		for i := range store.trials {
			store.trials[i].Time = time.Time{}
		}
		return store.trials
	}
	if !reflect.DeepEqual(run(), run()) {
		t.Error("same seed and results, other trials")
	}
}

// TestFewTrials spends less than one trial a task on the most work.
func TestFewTrials(t *testing.T) {
	store := &memory{}
	r := tune(t, testConfig(t, store, 2))
	if r.Tasks[1].Trials != 1 || r.Tasks[2].Trials != 1 || r.Tasks[0].Trials+r.Tasks[3].Trials != 0 {
		t.Errorf("trials: %d %d %d %d", r.Tasks[0].Trials, r.Tasks[1].Trials, r.Tasks[2].Trials, r.Tasks[3].Trials)
	}
	checkTrials(t, store.trials)
	if r := tune(t, testConfig(t, &memory{}, 0)); r.Counts.New != 0 {
		t.Errorf("no budget, %d trials", r.Counts.New)
	}
}

// TestResume continues to the requested total, and repeats nothing. Rows of
// other circumstances do not count.
func TestResume(t *testing.T) {
	store := &memory{}
	tune(t, testConfig(t, store, 100))
	store.trials = store.trials[:90] // what an interrupted run had committed
	foreign := store.trials[89]
	foreign.Generator = "0"
	foreign.Schedule = store.trials[0].Schedule
	store.trials = append(store.trials, foreign)
	r := tune(t, testConfig(t, store, 250))
	if r.Counts.Known != 90 || r.Counts.New != 160 {
		t.Errorf("%+v, want 90 known and 160 new", r.Counts)
	}
	checkTrials(t, append(slices.Clone(store.trials[:90]), store.trials[91:]...))
	r = tune(t, testConfig(t, store, 250))
	if r.Counts.Known != 250 || r.Counts.New != 0 || !r.Tasks[1].Final {
		t.Errorf("%+v, want nothing new", r.Counts)
	}
}

// TestExhausted gives more trials than there are schedules.
func TestExhausted(t *testing.T) {
	cfg := testConfig(t, &memory{}, 1_000_000)
	cfg.Tasks = cfg.Tasks[3:]
	space, err := schedules.SpaceFor(cfg.Tasks[0].Workload, testTarget.ISA)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"evolve", "grid", "random"} {
		store := &memory{}
		cfg.Store, cfg.Strategy = store, name
		if r := tune(t, cfg); len(store.trials) != space.Size() || r.Tasks[0].Ended == "" {
			t.Errorf("%s: %d trials of %d schedules, ended: %q", name, len(store.trials), space.Size(), r.Tasks[0].Ended)
		}
	}
}

// TestFailures has candidates fail in every way: they are recorded, the search
// goes on, and a task of which nothing works is given up with its first error.
func TestFailures(t *testing.T) {
	store := &memory{}
	cfg := testConfig(t, store, 300)
	broken := cfg.Tasks[2].Workload
	var mu sync.Mutex
	calls := map[schedules.Schedule]int{}
	cfg.Runner = sim.New(sim.Config{Seed: 3, Slots: 1, Fail: func(j measure.Job) (measure.Status, string) {
		mu.Lock()
		defer mu.Unlock()
		calls[j.Schedule]++
		if j.Workload == broken {
			return measure.BuildError, fmt.Sprintf("register %d is taken", j.ID)
		}
		switch n := len(j.Schedule.String()) + int(j.Schedule.String()[3]) + int(j.ID); {
		case n%7 == 0 && j.Protocol.Samples == measure.DefaultProtocol().Samples:
			return []measure.Status{measure.Crash, measure.Timeout, measure.WrongAnswer}[n%3], "injected"
		case n%11 == 0 && calls[j.Schedule] == 1:
			return measure.WorkerLost, "gone"
		}
		return measure.OK, ""
	}})
	r := tune(t, cfg)
	checkTrials(t, store.trials)
	failed := 0
	for _, row := range store.trials {
		if row.Status != measure.OK.String() {
			failed++
			if row.Message == "" || row.SamplesNS != nil {
				t.Errorf("failure without message or with samples: %+v", row)
			}
		}
	}
	if failed < 40 || len(store.trials) != r.Counts.New || r.Counts.New-r.Counts.ByStatus[measure.OK] != failed {
		t.Errorf("%d failures of %d trials; report %+v", failed, len(store.trials), r.Counts)
	}
	e := r.Tasks[2]
	if e.Tuned != 0 || e.Final || e.Trials != e.Failures || e.Trials < defaultFailureLimit || e.Trials > defaultFailureLimit+defaultBatch ||
		!strings.Contains(e.Error, "is taken") || !strings.Contains(e.Ended, "in a row") {
		t.Errorf("the broken task: %+v", e)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	store := &memory{}
	cfg := testConfig(t, store, 100_000)
	cfg.Runner = sim.New(sim.Config{Seed: 3, Delay: 5 * time.Millisecond})
	reported := 0
	cfg.Listen = func(e Event) {
		if p, ok := e.(Progress); ok {
			reported = p.Done
			cancel()
		}
	}
	r, err := Tune(ctx, cfg)
	if err != nil || !r.Interrupted || r.Counts.New != len(store.trials) || r.Counts.New < reported || reported == 0 || len(store.finals) != 0 {
		t.Errorf("error %v, report %+v; stored %d, reported %d, finals %d", err, r, len(store.trials), reported, len(store.finals))
	}
}

func TestTimeLimit(t *testing.T) {
	store := &memory{}
	cfg := testConfig(t, store, 100_000)
	cfg.Runner = sim.New(sim.Config{Seed: 3, Delay: 2 * time.Millisecond})
	cfg.Time = 50 * time.Millisecond
	r := tune(t, cfg)
	if r.Interrupted || r.Counts.New == 0 || r.Counts.New != len(store.trials) || len(store.finals) == 0 {
		t.Errorf("report %+v, %d finals", r, len(store.finals))
	}
}

// broken is a Runner that cannot measure.
type broken struct{ err error }

func (b broken) Slots() int { return 2 }
func (b broken) Measure(context.Context, []measure.Job) ([]measure.Result, error) {
	return nil, b.err
}

// TestErrors ends with the cause where measuring or storing is impossible.
func TestErrors(t *testing.T) {
	cause := errors.New("no space left on device")
	cfg := testConfig(t, &memory{fail: cause}, 50)
	if _, err := Tune(t.Context(), cfg); !errors.Is(err, cause) {
		t.Errorf("store: %v", err)
	}
	cfg = testConfig(t, &memory{}, 50)
	cfg.Runner = broken{cause}
	if _, err := Tune(t.Context(), cfg); !errors.Is(err, cause) {
		t.Errorf("runner: %v", err)
	}
	lost := testConfig(t, &memory{}, 5000)
	lost.Runner = sim.New(sim.Config{Slots: 1, Fail: func(measure.Job) (measure.Status, string) { return measure.WorkerLost, "gone" }})
	if r, err := Tune(t.Context(), lost); err == nil && r.Counts.ByStatus[measure.OK] > 0 {
		t.Errorf("all lost: %+v", r)
	}
	for name, change := range map[string]func(*Config){
		"trials":   func(c *Config) { c.Trials = -1 },
		"ahead":    func(c *Config) { c.Ahead = -1 },
		"strategy": func(c *Config) { c.Strategy = "magic" },
		"tasks":    func(c *Config) { c.Tasks = nil },
		"runner":   func(c *Config) { c.Runner = nil },
		"store":    func(c *Config) { c.Store = nil },
		"protocol": func(c *Config) { c.Protocol.Samples = -1 },
	} {
		cfg := testConfig(t, &memory{}, 10)
		change(&cfg)
		if _, err := Tune(t.Context(), cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestSkipped tunes what it can where a target has no schedules for the rest.
func TestSkipped(t *testing.T) {
	cfg := testConfig(t, &memory{}, 10)
	cfg.Tasks[0].Workload.N = 0
	if r := tune(t, cfg); len(r.Skipped) != 1 || len(r.Tasks) != 3 || r.Counts.New != 10 {
		t.Errorf("%+v", r)
	}
}

// TestNeverALoser holds finals where no schedule is better than the default, or
// only by less than the noise: the default must win.
func TestNeverALoser(t *testing.T) {
	cfg := testConfig(t, &memory{}, 0)
	tn, err := newTuner(cfg)
	if err != nil {
		t.Fatal(err)
	}
	k := tn.tasks[1]
	near := k.space.Neighbours(k.space.Start())
	times := map[schedules.Schedule]float64{k.space.Start(): 1000, near[0]: 994, near[1]: 1002}
	lucky := func(s schedules.Schedule, center measure.Nanos) {
		k.learn(s, measure.Result{Summary: measure.Summary{Center: center, N: 5}}, 20)
	}
	lucky(near[0], 700) // by a lucky sample
	lucky(near[1], 800)
	lucky(k.space.Start(), 1000)
	runner := tableRunner{times, 0}
	o, err := tn.newFinal(k).hold(t.Context(), runner)
	if err != nil || o.winner.schedule != k.space.Start() {
		t.Errorf("winner %v, %v", o.winner.schedule, err)
	}
	times[near[1]] = 900
	times[near[0]] = 905 // as fast, but for noise; the first by text wins, both are one step away
	o, err = tn.newFinal(k).hold(t.Context(), runner)
	want := near[0]
	if near[1].String() < near[0].String() {
		want = near[1]
	}
	if err != nil || o.winner.schedule != want {
		t.Errorf("winner %v, %v, want %v", o.winner.schedule, err, want)
	}
	runner.noise = 0.15 // of the calibration kernel: the machine is not to be trusted
	if o, err = tn.newFinal(k).hold(t.Context(), runner); err != nil || o.winner.schedule != k.space.Start() || o.noise != runner.noise {
		t.Errorf("winner %v with noise %v, %v, want the default", o.winner.schedule, o.noise, err)
	}
	if k.learn(k.space.Start(), measure.Result{Status: measure.Crash}, 20).Time != 0 {
		t.Error("a failure has a time")
	}
}

// tableRunner has the times of a table, with the same load on all of a round.
type tableRunner struct {
	times map[schedules.Schedule]float64
	noise float64
}

func (tableRunner) Slots() int { return 1 }
func (r tableRunner) Measure(_ context.Context, jobs []measure.Job) ([]measure.Result, error) {
	var out []measure.Result
	for _, j := range jobs {
		res := measure.Result{ID: j.ID, Noise: r.noise}
		for i := range j.Protocol.Samples {
			load := 1 + 0.3*float64(i%5)
			jitter := 1 + 0.002*float64((i*7+len(out)*3)%5)
			res.SamplesNS = append(res.SamplesNS, r.times[j.Schedule]*load*jitter)
		}
		res.Summary = measure.Summarise(res.SamplesNS)
		out = append(out, res)
	}
	return out, nil
}
