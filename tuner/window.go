package tuner

import (
	"fmt"

	"qtune/measure"
	"qtune/schedules"
	"qtune/tuner/strategy"
)

// Batches are planned in order, and learned from in the same order, one when the
// one Config.Ahead places before it has been. So what is planned depends on
// results alone: not on how many are measured at a time, nor on which are fast.
const (
	leastAhead = 2 // so that one is checked while another is timed
	mostAhead  = 4
)

// defaultAhead is the window for so many tasks: the more there are, the more can
// be planned that does not wait for each other's results.
func defaultAhead(tasks int) int { return min(max(tasks, leastAhead), mostAhead) }

// A batch is planned, measured and learned from as one.
type batch struct {
	owners  []*task
	jobs    []measure.Job
	results []measure.Result // of jobs; those of open are not there yet
	open    []int            // jobs that have no result
	running bool             // the runner has it
	tries   int              // how often the runner had it
	before  int              // results measured, of any batch, when it last came back
}

// openJobs are the jobs that have no result.
func (b *batch) openJobs() []measure.Job {
	jobs := make([]measure.Job, len(b.open))
	for i, at := range b.open {
		jobs[i] = b.jobs[at]
	}
	return jobs
}

// advance learns from the batches whose turn it is and plans as many as there may
// be. It returns which trials were a task's new best.
func (t *tuner) advance() (improved []Improved) {
	for {
		for len(t.window) < t.cfg.Ahead {
			b := t.next()
			if b == nil {
				break
			}
			t.window = append(t.window, b)
		}
		if len(t.window) == 0 || len(t.window[0].open) > 0 {
			return improved
		}
		improved = append(improved, t.digest(t.window[0])...)
		t.window = t.window[1:]
	}
}

// finish learns from what was measured of batches whose turn does not come any
// more.
func (t *tuner) finish() (improved []Improved) {
	for _, b := range t.window {
		improved = append(improved, t.digest(b)...)
	}
	t.window = nil
	return improved
}

// next plans a batch; nil if there is none.
func (t *tuner) next() *batch {
	for {
		t.endFlat()
		shares := plan(t.tasks, t.reachable(), t.cfg.Trials-t.planned, t.cfg.Batch)
		if shares == nil {
			return nil
		}
		b := new(batch)
		for _, s := range shares {
			t.add(b, s.task, s.task.ask(s.n))
		}
		if len(b.jobs) > 0 {
			return b
		}
	}
}

// endFlat ends the search of tasks that have gone flat.
func (t *tuner) endFlat() {
	for _, k := range t.tasks {
		if k.ended == "" && k.flat() {
			k.ended = fmt.Sprintf("flat: nothing new in %d trials, and the model expects less than can be measured", recentTrials)
		}
	}
}

// add takes what a task was asked for into a batch, with the results that the
// store has.
func (t *tuner) add(b *batch, k *task, asked []schedules.Schedule) {
	for _, s := range asked {
		j := t.job(k, s, t.cfg.Protocol)
		j.GiveUp = hopeless * k.time()
		r, known := k.known[s]
		if known {
			delete(k.known, s)
			k.stored++
		} else {
			b.open = append(b.open, len(b.jobs))
		}
		b.jobs = append(b.jobs, j)
		b.owners = append(b.owners, k)
		b.results = append(b.results, r)
	}
	if len(asked) > 0 {
		k.inFlight++
	}
	t.planned += len(asked)
}

// digest tells tasks and strategies what became of a batch. It returns which
// trials are a task's new best.
func (t *tuner) digest(b *batch) (improved []Improved) {
	tell := map[*task][]strategy.Trial{}
	var order []*task // of tell, so that the run does not depend on a map's order
	for _, k := range b.owners {
		if _, ok := tell[k]; !ok {
			tell[k] = nil
			order = append(order, k)
			k.inFlight--
		}
	}
	open := b.open
	for i, r := range b.results {
		if len(open) > 0 && open[0] == i {
			open = open[1:]
			continue
		}
		k, s := b.owners[i], b.jobs[i].Schedule
		before := k.best
		tell[k] = append(tell[k], k.learn(s, r, t.cfg.FailureLimit))
		if k.best != before {
			improved = append(improved, Improved{Task: k.index, Workload: k.Workload, Schedule: s, Time: k.time(), Before: before.summary.Center, Default: k.fallback})
		}
	}
	for _, k := range order {
		k.strategy.Tell(tell[k])
	}
	return improved
}

// How often a candidate must be lost until that is its result: twice where others
// came back in between, so that it is not the runner; else so often that, if it is
// the runner, lostLimit is reached before.
const (
	lostTries     = 2
	mostLostTries = 7
)

// arrive takes in what the runner says of a batch's open jobs. Lost ones stay
// open, to be measured again, until that is their result.
func (t *tuner) arrive(b *batch, results []measure.Result) {
	b.running = false
	b.tries++
	var lost []int
	for i, at := range b.open {
		b.results[at] = results[i]
		if results[i].Status == measure.WorkerLost {
			lost = append(lost, at)
			t.lost++
			continue
		}
		t.lost = 0
		t.measured++
		t.toStore(b, at)
	}
	if b.tries >= lostTries && t.measured > b.before || b.tries >= mostLostTries {
		for _, at := range lost {
			t.toStore(b, at)
		}
		lost = nil
	}
	b.open, b.before = lost, t.measured
}

// pending begins a batch that has to be measured, nil if there is none: the first
// of those that were tried least, so that one that is lost does not hold up others.
func (t *tuner) pending() *batch {
	var next *batch
	for _, b := range t.window {
		if !b.running && len(b.open) > 0 && (next == nil || b.tries < next.tries) {
			next = b
		}
	}
	if next != nil {
		next.running = true
	}
	return next
}

func (t *tuner) toStore(b *batch, at int) {
	t.unsaved = append(t.unsaved, trialOfTask{b.owners[at], b.jobs[at].Schedule, b.results[at]})
}
