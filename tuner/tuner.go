// Package tuner searches the schedules of a whole network's tasks: it spends a
// budget of trials where the network spends its time, has candidates measured,
// keeps every trial in a store, and in the end measures the best side by side.
//
// In: tasks, a Runner that measures, a Store that keeps. Out: rows in the
// store, Events while it runs, a Report. One goroutine owns all state; runners
// are called from others, several batches at a time.
//
//	resume  resume.go    the state where an earlier run ended
//	plan    budget.go    which task next, and how many trials
//	ask     strategy/    which schedules
//	measure Runner       check and time batches, while the next are planned
//	commit  search.go    append to the store, at most a second later
//	tell    window.go    the strategy and the budget, in the order of planning
//	finals  finals.go    leaders and default side by side, ties to the default
//
// Invariants: what is tried is a function of tasks, seed, budget and results (and
// of the clock, where Config.Time is set), however many batches are measured at a
// time. Candidate 0 of every task is the default schedule. No schedule is tried
// twice, also not by another run on the same store. A trial is counted, in events
// and report, when the store has it. What is recorded as tuned was never slower
// than the default when both were measured in turn.
package tuner

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"qtune/kernels"
	"qtune/measure"
	"qtune/schedules"
	"qtune/tuner/model"
	"qtune/tuner/strategy"
)

// A Runner measures a batch of jobs, which are compared with each other, and
// returns a Result for each in their order. An error means that it cannot
// measure at all. Slots calls at a time keep it busy.
type Runner interface {
	Measure(ctx context.Context, jobs []measure.Job) ([]measure.Result, error)
	Slots() int
}

// Config says what to tune, and how far.
type Config struct {
	Tasks    []schedules.Task
	Target   schedules.Target
	Runner   Runner
	Store    Store
	Protocol measure.Protocol // of trials; the zero value is measure.DefaultProtocol

	// Trials is the budget for all tasks together. Trials in the store, of the
	// same workloads, target, protocol and code generator, are part of it.
	Trials int
	// Time ends the search, but not the finals, after so long. 0: no limit.
	Time time.Duration

	Session  int64        // of the store's rows; 0 = none
	Strategy string       // "" is strategy.Default
	Seed     uint64       // of the search
	Prior    *model.Prior // what is known of other workloads; may be nil
	// SpaceFor returns the space of a workload. nil is schedules.SpaceFor. It is
	// called for several at a time.
	SpaceFor func(schedules.Workload, schedules.ISA) (*schedules.Space, error)
	Batch    int // jobs measured in turn; 0 is 8
	// Ahead is how many batches are planned before the first of them is back; no
	// more are measured at a time, whatever the runner offers. It is part of the
	// search like Seed. 0: 2 to 4, by the number of tasks.
	Ahead int
	// FailureLimit ends the search of a task after so many equal failures in a
	// row. 0 is 20.
	FailureLimit int

	Listen func(Event) // called from the goroutine of Run; may be nil

	saveEvery time.Duration // how long a result may wait to be stored; 0 is saveInterval
}

// Defaults of a Config.
const (
	defaultBatch        = 8
	defaultFailureLimit = 20
)

// layerSeed is the seed of the numbers that candidates compute on. It is part
// of how a workload is measured, not of the search: times do not depend on it,
// but a failure must be reproducible from the log.
const layerSeed = 1

// Tune runs a whole tuning: resume, search, finals. When ctx ends the search
// stops, what is being measured is waited for briefly and kept, and there are
// no finals; that is no error, but noted in the Report. With an error the
// Report says what was done until then.
func Tune(ctx context.Context, cfg Config) (*Report, error) {
	t, err := newTuner(cfg)
	if err != nil {
		return nil, err
	}
	if err := t.resume(ctx); err != nil {
		return nil, err
	}
	err = t.search(ctx)
	if err == nil && ctx.Err() == nil {
		err = t.finals(ctx)
	}
	r := t.report(ctx.Err() != nil)
	if err != nil {
		return r, err
	}
	t.emit(Finished{r})
	return r, nil
}

// A tuner is the state of one Tune.
type tuner struct {
	cfg     Config
	tasks   []*task
	skipped []Skipped
	started time.Time

	nextID    uint64
	planned   int           // trials of the budget that are done or under way
	window    []*batch      // planned and not yet learned from, in order
	unsaved   []trialOfTask // results that the store does not have yet
	lastSaved time.Time
	measured  int // results that were not lost
	lost      int // results in a row that were lost
	counts    Counts
}

// Skipped is a task that cannot be tuned.
type Skipped struct {
	Task   schedules.Task
	Reason string
}

func newTuner(cfg Config) (*tuner, error) {
	if cfg.Protocol == (measure.Protocol{}) {
		cfg.Protocol = measure.DefaultProtocol()
	}
	if cfg.Batch == 0 {
		cfg.Batch = defaultBatch
	}
	if cfg.FailureLimit == 0 {
		cfg.FailureLimit = defaultFailureLimit
	}
	if cfg.Strategy == "" {
		cfg.Strategy = strategy.Default
	}
	if cfg.saveEvery == 0 {
		cfg.saveEvery = saveInterval
	}
	if cfg.SpaceFor == nil {
		cfg.SpaceFor = schedules.SpaceFor
	}
	if cfg.Listen == nil {
		cfg.Listen = func(Event) {}
	}
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	t := &tuner{cfg: cfg, started: time.Now(), counts: Counts{ByStatus: map[measure.Status]int{}}}
	t.findSpaces()
	if t.cfg.Ahead == 0 {
		t.cfg.Ahead = defaultAhead(len(t.tasks))
	}
	return t, t.reset()
}

// findSpaces makes the tasks that have a space, and notes the others. A space takes
// some 20 ms, for its start schedule is looked for.
func (t *tuner) findSpaces() {
	type found struct {
		space *schedules.Space
		err   error
	}
	list := make([]found, len(t.cfg.Tasks))
	var all sync.WaitGroup
	for i, st := range t.cfg.Tasks {
		all.Go(func() { list[i].space, list[i].err = t.cfg.SpaceFor(st.Workload, t.cfg.Target.ISA) })
	}
	all.Wait()
	for i, st := range t.cfg.Tasks {
		if err := list[i].err; err != nil {
			t.skipped = append(t.skipped, Skipped{st, err.Error()})
			continue
		}
		t.tasks = append(t.tasks, &task{Task: st, index: len(t.tasks), space: list[i].space})
	}
}

// reset makes the search new: nothing is known, nothing planned.
func (t *tuner) reset() error {
	t.planned, t.window = 0, nil
	m := model.New(t.cfg.Seed, t.cfg.Prior)
	for i, k := range t.tasks {
		w := k.Workload
		s, err := strategy.New(t.cfg.Strategy, k.space, t.cfg.Seed^hashOf(w), m.Task(w, t.cfg.Target))
		if err != nil {
			return err
		}
		t.tasks[i] = newTask(i, k.Task, k.space, s, k.suggested)
	}
	return nil
}

func (c *Config) validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("tuner: "+format, args...))
		}
	}
	check(c.Runner != nil, "no runner")
	check(c.Store != nil, "no store")
	check(c.Trials >= 0, "%d trials", c.Trials)
	check(c.Time >= 0, "a time limit of %v", c.Time)
	check(c.Batch > 0, "batches of %d", c.Batch)
	check(c.Ahead >= 0, "%d batches ahead", c.Ahead)
	check(c.FailureLimit > 0, "a failure limit of %d", c.FailureLimit)
	check(len(c.Tasks) > 0, "the model has nothing to tune")
	return errors.Join(append(errs, c.Protocol.Validate())...)
}

// hashOf makes the tasks' random sequences differ.
func hashOf(w schedules.Workload) uint64 {
	h := fnv.New64a()
	h.Write([]byte(w.String())) // never fails, says package hash
	return h.Sum64()
}

// job makes the job of a candidate.
func (t *tuner) job(k *task, s schedules.Schedule, p measure.Protocol) measure.Job {
	t.nextID++
	return measure.Job{
		ID: t.nextID, Workload: k.Workload, Schedule: s, ISA: t.cfg.Target.ISA,
		Mode: kernels.Native, Protocol: p, Seed: layerSeed,
	}
}

func (t *tuner) emit(e Event) { t.cfg.Listen(e) }
