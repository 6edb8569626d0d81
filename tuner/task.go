package tuner

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"qtune/measure"
	"qtune/schedules"
	"qtune/tuner/strategy"
)

// A task is a workload being tuned. The owner of the tuner changes it.
type task struct {
	schedules.Task
	index    int // in tuner.tasks, and in events
	space    *schedules.Space
	strategy strategy.Strategy

	known    map[schedules.Schedule]measure.Result // in the store, and not yet planned anew
	stored   int                                   // trials that the store has
	asked    int                                   // trials done or planned
	inFlight int                                   // batches planned and not yet learned from

	suggested []schedules.Schedule        // fast ones of another code generator, to be tried early
	taken     int                         // of suggested
	tried     map[schedules.Schedule]bool // suggested ones that were asked, and all that was learned

	measured []contender     // successful trials
	curve    []measure.Nanos // best time after each trial; 0 while there is none
	fallback measure.Nanos   // time of the default schedule; 0 = not known
	best     contender

	promised, kept float64 // by the strategy, of ln(time); see promise

	failures   int    // trials that failed
	firstError string // of them
	lastError  string // kind of the failures that came last in a row
	inARow     int

	ended       string   // why no more is asked of it; "" = it goes on
	endReported bool     // as an event
	final       *outcome // nil before its final
}

// A contender is a schedule that has been timed.
type contender struct {
	schedule schedules.Schedule
	summary  measure.Summary
	codeHash string
}

func newTask(index int, t schedules.Task, space *schedules.Space, s strategy.Strategy, suggested []schedules.Schedule) *task {
	return &task{Task: t, index: index, space: space, strategy: s, suggested: suggested, tried: map[schedules.Schedule]bool{}}
}

// ask returns up to n new candidates. Fewer end the task.
func (k *task) ask(n int) []schedules.Schedule {
	var out []schedules.Schedule
	for k.asked > 0 && k.taken < len(k.suggested) && len(out) < n {
		s := k.suggested[k.taken]
		k.taken++
		if !k.tried[s] {
			k.tried[s] = true
			out = append(out, s)
		}
	}
	for len(out) < n && k.ended == "" {
		asked := k.strategy.Ask(n - len(out))
		k.noteAsked(len(asked))
		if len(asked) < n-len(out) {
			k.ended = "all schedules of the space were tried"
		}
		// The strategy does not know of suggestions before it is told of them.
		out = append(out, slices.DeleteFunc(asked, func(s schedules.Schedule) bool { return k.tried[s] })...)
	}
	k.asked += len(out)
	return out
}

// learn takes in the result of a trial. It returns what to tell the strategy.
func (k *task) learn(s schedules.Schedule, r measure.Result, failureLimit int) strategy.Trial {
	k.tried[s] = true
	told := strategy.Trial{Schedule: s}
	if r.Status == measure.OK {
		c := contender{s, r.Summary, r.CodeHash}
		told.Time = c.summary.Center
		k.measured = append(k.measured, c)
		if k.best.summary.Center == 0 || c.summary.Center < k.best.summary.Center {
			if k.best.summary.Center > 0 {
				k.kept += math.Log(float64(k.best.summary.Center / c.summary.Center))
			}
			k.best = c
		}
		if s == k.space.Start() {
			k.fallback = c.summary.Center
		}
		k.lastError, k.inARow = "", 0
	} else {
		k.fail(r, failureLimit)
	}
	k.curve = append(k.curve, k.best.summary.Center)
	return told
}

// fail counts a failure, and ends the task when one is all there is.
func (k *task) fail(r measure.Result, limit int) {
	k.failures++
	text := r.Status.String() + ": " + r.Message
	if k.firstError == "" {
		k.firstError = text
	}
	kind := failureKind(text)
	if kind != k.lastError {
		k.lastError, k.inARow = kind, 0
	}
	if k.inARow++; k.inARow >= limit && k.ended == "" {
		k.ended = fmt.Sprintf("the same failure %d times in a row: %s", k.inARow, text)
	}
}

// failureKind is a failure's text without the words that have digits: places,
// addresses and values differ where the failure is the same.
func failureKind(text string) string {
	words := strings.Fields(text)
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return strings.ContainsAny(w, "0123456789") }), " ")
}

// time is what one run of the task takes now: tuned, or 0 where unknown.
func (k *task) time() measure.Nanos { return k.best.summary.Center }
