package tuner

import (
	"math"
	"time"

	"qtune/measure"
	"qtune/schedules"
)

// A Report says what a tuning did and gained. Times are of one run of a layer;
// those of a final where there was one, else of the search.
type Report struct {
	Tasks   []TaskReport // in the order of Config.Tasks
	Skipped []Skipped
	// Default and Tuned are the sums over all tasks that have both, each as often
	// as the network has it.
	Default, Tuned measure.Nanos
	// GeoMeanGain is the geometric mean of the tasks' gains; 1 without any.
	GeoMeanGain float64
	Counts      Counts
	Budget      int
	Wall        time.Duration
	Interrupted bool // by the context, so that there are no finals
}

// Counts of trials.
type Counts struct {
	Known    int                    // in the store before, that count toward the budget
	New      int                    // of this run, in the store
	ByStatus map[measure.Status]int // of the new ones
}

// TaskReport is one task's part of a Report.
type TaskReport struct {
	Task     schedules.Task
	Schedule schedules.Schedule // the winner
	Final    bool               // it won a final; else it is the best of the search
	Default  measure.Nanos      // 0 = the default schedule failed or was not tried
	Tuned    measure.Nanos      // 0 = no schedule worked
	Noise    float64            // relative: what differed by less in the final was a tie; 0 = no final
	Gain     float64            // Default / Tuned; 0 = not known
	Share    float64            // of the network's tuned time, 0 to 1
	Trials   int                // known and new
	Failures int
	Error    string // the first failure
	Ended    string // why its search ended before the budget; "" = it did not
}

// report describes what has been done.
func (t *tuner) report(interrupted bool) *Report {
	r := &Report{Skipped: t.skipped, Counts: t.counts, Budget: t.cfg.Trials, Wall: time.Since(t.started), Interrupted: interrupted, GeoMeanGain: 1}
	total, logs, gains := measure.Nanos(0), 0.0, 0
	for _, k := range t.tasks {
		e := k.report()
		if count := measure.Nanos(k.Count); e.Gain > 0 {
			r.Default += count * e.Default
			r.Tuned += count * e.Tuned
			logs += math.Log(e.Gain)
			gains++
		}
		total += measure.Nanos(k.Count) * e.Tuned
		r.Tasks = append(r.Tasks, e)
	}
	for i := range r.Tasks {
		if e := &r.Tasks[i]; total > 0 {
			e.Share = float64(measure.Nanos(e.Task.Count) * e.Tuned / total)
		}
	}
	if gains > 0 {
		r.GeoMeanGain = math.Exp(logs / float64(gains))
	}
	return r
}

func (k *task) report() TaskReport {
	e := TaskReport{Task: k.Task, Schedule: k.best.schedule, Default: k.fallback, Tuned: k.time(),
		Trials: k.stored, Failures: k.failures, Error: k.firstError, Ended: k.ended}
	if f := k.final; f != nil {
		e.Final, e.Noise = true, f.noise
		e.Schedule, e.Default, e.Tuned = f.winner.schedule, f.fallback.summary.Center, f.winner.summary.Center
	}
	if e.Default > 0 && e.Tuned > 0 {
		e.Gain = float64(e.Default / e.Tuned)
	}
	return e
}

// PerSecond is how many trials a second of the whole run were made.
func (r *Report) PerSecond() float64 { return float64(r.Counts.New) / r.Wall.Seconds() }
