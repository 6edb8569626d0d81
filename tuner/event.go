package tuner

import (
	"fmt"
	"time"

	"qtune/measure"
	"qtune/schedules"
)

// An Event is something that happened, for a display. Its String is a line for
// people.
type Event interface {
	fmt.Stringer
	event()
}

// Resumed is the first event: what the store knew.
type Resumed struct {
	Trials  int // that count toward the budget
	Ignored int // of another protocol or generator, or damaged
	// Suggested is how many schedules are tried early, because they were fast with
	// another generator.
	Suggested int
	Budget    int
	Tasks     int
	Skipped   []Skipped
}

// Progress follows every commit, a few times a second.
type Progress struct {
	Done, Budget int // trials in the store that count
	Failed       int // of this run
	PerSecond    float64
	Elapsed, ETA time.Duration // ETA 0 = not known
	// Network is the sum of all tasks' best times, each as often as it occurs;
	// Default that of their default schedules. 0 while some task has none.
	Network, Default measure.Nanos
	Tasks            []TaskProgress
}

// TaskProgress is one task's place in Progress.
type TaskProgress struct {
	Workload      schedules.Workload
	Count, Trials int           // in the network; in the store
	Default, Best measure.Nanos // 0 = not known yet
	// Expected is the time of an inference that one more trial is expected to save:
	// the next trials go where it is most. 0 where the search has ended.
	Expected measure.Nanos
	Ended    bool
}

// Improved says that a task has a new best schedule, when the batches planned
// before are back as well. The trial may not be committed yet.
type Improved struct {
	Task            int
	Workload        schedules.Workload
	Schedule        schedules.Schedule
	Time            measure.Nanos
	Before, Default measure.Nanos // 0 = none
}

// Failed says that a candidate failed.
type Failed struct {
	Task     int
	Workload schedules.Workload
	Schedule schedules.Schedule
	Status   measure.Status
	Message  string
}

// Ended says that a task has no more trials, before the budget is spent.
type Ended struct {
	Task     int
	Workload schedules.Workload
	Reason   string
}

// Finalist is the outcome of a task's final.
type Finalist struct {
	Task     int
	Done, Of int // finals
	Workload schedules.Workload
	Schedule schedules.Schedule
	Default  measure.Nanos // 0 = it failed
	Tuned    measure.Nanos
}

// Finished is the last event.
type Finished struct{ Report *Report }

func (Resumed) event()  {}
func (Progress) event() {}
func (Improved) event() {}
func (Failed) event()   {}
func (Ended) event()    {}
func (Finalist) event() {}
func (Finished) event() {}

func (e Resumed) String() string {
	s := fmt.Sprintf("%d tasks, %d trials", e.Tasks, e.Budget)
	if e.Trials > 0 {
		s += fmt.Sprintf(", of which the log has %d", e.Trials)
	}
	if e.Suggested > 0 {
		s += fmt.Sprintf("; %d schedules that were fast with another code generator are tried first", e.Suggested)
	}
	for _, k := range e.Skipped {
		s += fmt.Sprintf("\nnot tuned: %v: %s", k.Task.Workload, k.Reason)
	}
	return s
}

func (e Progress) String() string {
	s := fmt.Sprintf("%d/%d trials, %.0f/s, %d failed", e.Done, e.Budget, e.PerSecond, e.Failed)
	if e.Network > 0 {
		s += fmt.Sprintf(", sum of layers %v", e.Network)
		if e.Default > 0 {
			s += fmt.Sprintf(" (default %v)", e.Default)
		}
	}
	if e.ETA > 0 {
		s += fmt.Sprintf(", %v left", e.ETA.Round(time.Second))
	}
	return s
}

func (e Improved) String() string {
	return fmt.Sprintf("task %d: %v with %v", e.Task, e.Time, e.Schedule)
}

func (e Failed) String() string {
	return fmt.Sprintf("task %d: %v: %v: %s", e.Task, e.Schedule, e.Status, e.Message)
}

func (e Ended) String() string { return fmt.Sprintf("task %d: %s", e.Task, e.Reason) }

func (e Finalist) String() string {
	if e.Default == 0 {
		return fmt.Sprintf("final %d/%d: task %d: %v with %v, the default failed", e.Done, e.Of, e.Task, e.Tuned, e.Schedule)
	}
	return fmt.Sprintf("final %d/%d: task %d: %v, default %v (%.2fx)", e.Done, e.Of, e.Task, e.Tuned, e.Default, float64(e.Default/e.Tuned))
}

func (e Finished) String() string {
	return fmt.Sprintf("%d trials in %v", e.Report.Counts.New, e.Report.Wall.Round(time.Millisecond))
}

// progress describes the present.
func (t *tuner) progress() Progress {
	p := Progress{
		Done: t.counts.Known + t.counts.New, Budget: t.cfg.Trials,
		Failed: t.counts.New - t.counts.ByStatus[measure.OK], Elapsed: time.Since(t.started),
	}
	p.PerSecond = float64(t.counts.New) / p.Elapsed.Seconds()
	if p.PerSecond > 0 {
		p.ETA = time.Duration(float64(p.Budget-p.Done) / p.PerSecond * float64(time.Second))
	}
	if t.cfg.Time > 0 {
		p.ETA = max(0, min(p.ETA, t.cfg.Time-p.Elapsed))
	}
	bests, defaults := true, true
	for _, k := range t.tasks {
		e := TaskProgress{Workload: k.Workload, Count: k.Count, Trials: k.stored, Default: k.fallback, Best: k.time(), Ended: k.ended != ""}
		if !e.Ended {
			e.Expected = measure.Nanos(k.gain() * float64(1+k.inFlight))
		}
		p.Tasks = append(p.Tasks, e)
		bests = bests && k.time() > 0
		defaults = defaults && k.fallback > 0
		p.Network += measure.Nanos(k.Count) * k.time()
		p.Default += measure.Nanos(k.Count) * k.fallback
	}
	if !bests {
		p.Network = 0
	}
	if !defaults {
		p.Default = 0
	}
	return p
}
