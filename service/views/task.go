package views

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"qtune/internal/chart"
	"qtune/kernels"
	"qtune/logs"
	"qtune/measure"
	"qtune/schedules"
)

// A Task is what the log holds of one workload on one target: all trials of the
// generator and protocol that were measured last, as times of others do not compare.
type Task struct {
	Workload schedules.Workload
	Target   schedules.Target
	Choice
	Generator, Protocol string
	Points              []Point // trials that worked, in the order of their measuring
	Trials              int     // failures included
	Others              int     // trials of other generators and protocols
	Failures            []FailureKind
	Spread              Spread
	Curve               []measure.Nanos // best time after each trial; 0 while there is none
	Steps               []Step
	Knobs               []KnobView // the one that matters most first
	Knob                KnobView   // the one that Scatter shows; its Name is empty where there is none
	Second              *Second    // nil: no other schedule worked
	// Code is nil where none can be generated, and of what was never measured: who asks
	// for an invented workload would have anything generated, however large.
	Code          *Code
	Best, Scatter *chart.Chart
}

// A Point is a trial that worked.
type Point struct {
	Schedule schedules.Schedule
	Time     measure.Nanos
	Lo, Hi   measure.Nanos // where the time lies with 90 % confidence
	Samples  int
	At       time.Time
}

// spread is the relative error of the time as the samples tell.
func (p Point) spread() float64 { return max(float64((p.Hi-p.Lo)/2/p.Time), 0) }

// A Step is a trial that was faster than all before.
type Step struct {
	Trial    int // from 1
	Time     measure.Nanos
	Schedule schedules.Schedule
}

// A FailureKind counts failures of one status.
type FailureKind struct {
	Status  string
	Count   int
	Message string // of the first
}

// A Spread is the noise of single trials: half the 90 % interval of a time, relative
// to it.
type Spread struct {
	Median, Worst float64
	Chosen        float64 // of the chosen schedule's trial; 0 = not among them
}

// A Code is what the generator makes of the chosen schedule.
type Code struct {
	Hash           string
	Plan, Assembly string
}

// NewTask looks up a workload. knob is that of the scatter; one that is unknown or
// empty means the one that matters most.
func NewTask(ctx context.Context, log *logs.Log, w schedules.Workload, target schedules.Target, knob string) (*Task, error) {
	c, err := ChoiceOf(ctx, log, w, target)
	if err != nil {
		return nil, err
	}
	t := &Task{Workload: w, Target: target, Choice: c}
	trials, err := t.comparable(ctx, log)
	if err != nil {
		return nil, err
	}
	for _, trial := range trials {
		t.add(trial)
	}
	t.Spread = t.spread()
	t.Knobs = t.knobs()
	if i := slices.IndexFunc(t.Knobs, func(k KnobView) bool { return k.Name == knob }); i >= 0 {
		t.Knob = t.Knobs[i]
	} else if len(t.Knobs) > 0 {
		t.Knob = t.Knobs[0]
	}
	space, err := schedules.SpaceFor(w, target.ISA)
	if err != nil {
		return nil, err
	}
	t.Best, t.Scatter = curveChart(t.Curve, t.trialOf(space.Start())), t.scatterChart(t.Knob)
	t.Second = t.second(space)
	if t.Trials > 0 {
		t.Code = codeOf(w, c.Schedule, target.ISA)
	}
	return t, nil
}

// comparable returns the trials of the generator and protocol of the last one that
// worked, in the order of their measuring.
func (t *Task) comparable(ctx context.Context, log *logs.Log) ([]logs.Trial, error) {
	var all []logs.Trial
	for trial, err := range log.Trials(ctx, t.Workload, t.Target) {
		if err != nil {
			return nil, err
		}
		all = append(all, trial)
	}
	slices.SortStableFunc(all, func(a, b logs.Trial) int { return a.Time.Compare(b.Time) })
	for _, trial := range all {
		if trial.Status == logs.StatusOK || t.Generator == "" {
			t.Generator, t.Protocol = trial.Generator, trial.Protocol
		}
	}
	same := slices.DeleteFunc(slices.Clone(all), func(o logs.Trial) bool { return o.Generator != t.Generator || o.Protocol != t.Protocol })
	t.Others = len(all) - len(same)
	return same, nil
}

// add takes in a trial.
func (t *Task) add(trial logs.Trial) {
	t.Trials++
	best := measure.Nanos(0)
	if n := len(t.Curve); n > 0 {
		best = t.Curve[n-1]
	}
	if trial.Status != logs.StatusOK {
		t.Failures = AddFailures(t.Failures, FailureKind{trial.Status, 1, trial.Message})
		t.Curve = append(t.Curve, best)
		return
	}
	p := Point{trial.Schedule, measure.Nanos(trial.CenterNS), measure.Nanos(trial.LoNS), measure.Nanos(trial.HiNS), len(trial.SamplesNS), trial.Time}
	t.Points = append(t.Points, p)
	if best == 0 || p.Time < best {
		best = p.Time
		t.Steps = append(t.Steps, Step{t.Trials, p.Time, p.Schedule})
	}
	t.Curve = append(t.Curve, best)
}

// AddFailures adds failures to kinds, the most frequent first.
func AddFailures(kinds []FailureKind, more FailureKind) []FailureKind {
	if i := slices.IndexFunc(kinds, func(k FailureKind) bool { return k.Status == more.Status }); i >= 0 {
		kinds[i].Count += more.Count
	} else {
		kinds = append(kinds, more)
	}
	slices.SortStableFunc(kinds, func(a, b FailureKind) int { return -cmp.Compare(a.Count, b.Count) })
	return kinds
}

// trialOf is the time of the last trial of a schedule: a final's does not compare
// with the trials of a search. 0: it has none.
func (t *Task) trialOf(s schedules.Schedule) measure.Nanos {
	for _, p := range slices.Backward(t.Points) {
		if p.Schedule == s {
			return p.Time
		}
	}
	return 0
}

func (t *Task) spread() Spread {
	var s Spread
	var all []float64
	for _, p := range t.Points {
		all = append(all, p.spread())
		if p.Schedule == t.Schedule {
			s.Chosen = p.spread()
		}
	}
	if len(all) > 0 {
		slices.Sort(all)
		s.Median, s.Worst = all[len(all)/2], all[len(all)-1]
	}
	return s
}

// codeOf generates the code of a schedule; nil: it cannot be generated.
func codeOf(w schedules.Workload, s schedules.Schedule, isa schedules.ISA) *Code {
	k, err := kernels.Build(w, s, isa)
	if err != nil {
		return nil
	}
	plan, assembly, _ := strings.Cut(k.Dump(), "\n;")
	if len(assembly) > maxAssembly {
		assembly = assembly[:strings.LastIndexByte(assembly[:maxAssembly], '\n')] + "\n; and so on: tune dump prints all of it\n"
	}
	return &Code{k.CodeHash(), plan, ";" + assembly}
}

// maxAssembly is how many bytes of assembly are shown. The largest kernel of
// Inception v3 has a third.
const maxAssembly = 256 << 10
