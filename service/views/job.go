package views

import (
	"context"
	"time"

	"qtune/logs"
	"qtune/measure"
	"qtune/schedules"
)

// A Job is a network that a service tunes, or has tuned. The service fills it.
type Job struct {
	ID       string
	Model    string // as its sender calls it
	Owner    string
	State    string // such as "queued", "running", "paused", "done", "failed", "cancelled"
	Error    string // why it failed
	SameAs   string // an equal job that had found the result; empty: none
	Target   string
	Priority int

	Submitted, Started, Ended time.Time // zero = not yet

	Done, Budget, Failed int // trials
	PerSecond            float64
	Left                 time.Duration // 0 = not known
	// Network is the sum of the tasks' best times, each as often as it occurs;
	// Default that of their default schedules. 0 = some task has none.
	Network, Default measure.Nanos
	Whole            *Whole // nil = not measured
	NoWhole          string // why it could not be
	Failures         []FailureKind
	Tasks            []JobTask
	HasNetwork       bool // its network can be shown: something of it was measured
}

// A Whole is what inferences of a whole network took, with default and with tuned
// schedules: medians.
type Whole struct {
	Runs           int // inferences of each
	Default, Tuned measure.Nanos
	Reverted       []string // workloads whose default schedules were faster in the network
}

// Gain is Default / Tuned.
func (w *Whole) Gain() float64 { return gain(w.Default, w.Tuned) }

// IsOver tells that nothing more happens to the job.
func (j *Job) IsOver() bool { return !j.Ended.IsZero() }

// Progress is the part of the budget that is spent, 0 to 1.
func (j *Job) Progress() float64 {
	if j.Budget == 0 {
		return 0
	}
	return min(float64(j.Done)/float64(j.Budget), 1)
}

// InFinals tells that all trials are done, and the leaders meet again.
func (j *Job) InFinals() bool { return j.State == "running" && j.Progress() == 1 }

// EndedEarly tells that the job is done although it has trials left.
func (j *Job) EndedEarly() bool { return j.State == "done" && j.Progress() < 1 }

// Gain is Default / Network; 0 = not known.
func (j *Job) Gain() float64 { return gain(j.Default, j.Network) }

// A JobTask is a task's place in a Job.
type JobTask struct {
	Workload      schedules.Workload
	Target        schedules.Target
	Count, Trials int
	Failed        int
	Default, Best measure.Nanos // 0 = not known yet
	Noise         float64       // of a trial, Spread.Median; 0 = not known yet
	State         string        // such as "searching", "ended", "skipped"
	// Curve is the best time after each trial; 0 while there is none.
	Curve    []measure.Nanos
	Failures []FailureKind
}

// NewJobTask looks up how far a task is. Its Count and State are the job's to say, but
// for one that cannot be tuned: that is "skipped".
func NewJobTask(ctx context.Context, log *logs.Log, w schedules.Workload, target schedules.Target) (JobTask, error) {
	space, err := schedules.SpaceFor(w, target.ISA)
	if err != nil {
		return JobTask{Workload: w, Target: target, State: "skipped"}, nil
	}
	t := &Task{Workload: w, Target: target}
	trials, err := t.comparable(ctx, log)
	if err != nil {
		return JobTask{}, err
	}
	for _, trial := range trials {
		t.add(trial)
	}
	k := JobTask{Workload: w, Target: target, Trials: t.Trials, Failed: t.Trials - len(t.Points), Default: t.trialOf(space.Start()),
		Noise: t.spread().Median, Curve: t.Curve, Failures: t.Failures}
	if len(t.Curve) > 0 {
		k.Best = t.Curve[len(t.Curve)-1]
	}
	return k, nil
}

// Gain is Default / Best; 0 = not known.
func (t *JobTask) Gain() float64 { return gain(t.Default, t.Best) }

// Share is the part of all the tasks' trials that one has had.
func (j *Job) Share(t JobTask) float64 {
	all := 0
	for _, k := range j.Tasks {
		all += k.Trials
	}
	if all == 0 {
		return 0
	}
	return float64(t.Trials) / float64(all)
}

// A Worker measures for a service.
type Worker struct {
	Name     string
	Target   string // instruction set and machine
	State    string // such as "idle", "measuring", "put aside", "lost"
	Note     string // why it was put aside
	Slots    int
	Trials   int // measured
	Failed   int
	LastSeen time.Time
}

func gain(before, after measure.Nanos) float64 {
	if before == 0 || after == 0 {
		return 0
	}
	return float64(before / after)
}
