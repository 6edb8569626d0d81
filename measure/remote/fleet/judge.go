package fleet

import (
	"context"
	"fmt"
	"slices"

	"qtune/measure"
	"qtune/measure/remote"
)

// A peer is a worker, as the census found it.
type peer struct {
	status remote.Status
	here   bool // it answered the last census
}

// A judge keeps what speaks against workers. The Runner's lock guards it.
type judge struct {
	strikes   map[string]int           // wrong answers and broken messages
	losses    map[string]int           // batches in a row that were lost with it
	clocks    map[string]measure.Nanos // last time of its calibration kernel
	slow      map[string]int           // answers in a row of which that was off
	reference string                   // the worker whose calibration the others' times are brought to
	aside     map[string]bool          // who was put aside by this tuner
}

// Limits of a judge's patience.
const (
	maxStrikes = 2
	maxLosses  = 3
	maxSlow    = 3
	// drift is how far a worker's calibration may be from that of the others.
	drift = 1.25
)

func bump(m *map[string]int, worker string) {
	if *m == nil {
		*m = map[string]int{}
	}
	(*m)[worker]++
}

// strike notes an answer that was wrong, or no answer.
func (j *judge) strike(worker string) { bump(&j.strikes, worker) }

// lost notes a batch whose worker vanished with it.
func (j *judge) lost(worker string) { bump(&j.losses, worker) }

// answered notes an answer, and the worker's calibration in it: 0 = none.
func (j *judge) answered(worker string, clock measure.Nanos) {
	delete(j.losses, worker)
	if clock <= 0 {
		return
	}
	if j.clocks == nil {
		j.clocks, j.slow = map[string]measure.Nanos{}, map[string]int{}
	}
	if j.reference == "" {
		j.reference = worker
	}
	j.clocks[worker] = clock
	if usual := j.usual(worker); usual > 0 && (clock > drift*usual || usual > drift*clock) {
		j.slow[worker]++
	} else {
		j.slow[worker] = 0
	}
}

// usual is the middle of the other workers' calibrations; 0 where there are fewer
// than two: of two that differ nobody knows who is wrong.
func (j *judge) usual(worker string) measure.Nanos {
	var others []measure.Nanos
	for name, c := range j.clocks {
		if name != worker && !j.aside[name] {
			others = append(others, c)
		}
	}
	if len(others) < 2 {
		return 0
	}
	slices.Sort(others)
	return others[len(others)/2]
}

// factor is what a worker's times are multiplied with, so that those of equal
// machines compare: the calibration kernel's there and at the reference.
func (j *judge) factor(worker string) float64 {
	mine, theirs := j.clocks[worker], j.clocks[j.reference]
	if worker == j.reference || mine <= 0 || theirs <= 0 {
		return 1
	}
	return float64(theirs / mine)
}

// verdict says why a worker is to be put aside now; "" = it is not.
func (j *judge) verdict(worker string) string {
	why := ""
	switch {
	case j.aside[worker]:
	case j.strikes[worker] >= maxStrikes:
		why = fmt.Sprintf("%d wrong or broken answers, which another worker gave right", j.strikes[worker])
	case j.losses[worker] >= maxLosses:
		why = fmt.Sprintf("lost with %d batches in a row", j.losses[worker])
	case j.slow[worker] >= maxSlow:
		why = fmt.Sprintf("its calibration kernel takes %v, that of the others %v", j.clocks[worker], j.usual(worker))
	}
	if why != "" {
		if j.aside == nil {
			j.aside = map[string]bool{}
		}
		j.aside[worker] = true
	}
	return why
}

// accept makes the results of an answer: comparable with those of other workers,
// and with failures that another worker does not have set right.
func (r *Runner) accept(ctx context.Context, jobs []measure.Job, a *remote.Answer) ([]measure.Result, error) {
	results := r.normalise(a)
	var doubtful []int
	for i, res := range results {
		if res.Status == measure.WrongAnswer || res.Status == measure.Crash || res.Status == measure.Timeout {
			doubtful = append(doubtful, i)
		}
	}
	if len(doubtful) > 0 && r.others(a.Worker.Name) {
		if err := r.confirm(ctx, jobs, results, doubtful, a.Worker.Name); err != nil {
			return nil, err
		}
	}
	r.judge(ctx, a.Worker.Name)
	return results, nil
}

// normalise brings an answer's times to the reference worker's.
func (r *Runner) normalise(a *remote.Answer) []measure.Result {
	var clock measure.Nanos
	for _, res := range a.Results {
		if res.Calibration > 0 {
			clock = res.Calibration
		}
	}
	worker := a.Worker.Name
	r.mu.Lock()
	r.mu.judge.answered(worker, clock)
	factor, reference := r.mu.judge.factor(worker), r.mu.judge.reference
	r.mu.Unlock()
	results := slices.Clone(a.Results)
	for i := range results {
		res := &results[i]
		if res.Status != measure.OK {
			res.Message = fmt.Sprintf("worker %s: %s", worker, res.Message)
			continue
		}
		res.Message = fmt.Sprintf("worker %s %s", worker, a.Worker.Version)
		if factor == 1 {
			continue
		}
		res.Message += fmt.Sprintf(", times x%.4f: as on worker %s by the calibration kernel", factor, reference)
		for k := range res.SamplesNS {
			res.SamplesNS[k] *= factor
		}
		res.Summary = measure.Summarise(res.SamplesNS)
	}
	return results
}

// others tells whether somebody else could measure, too.
func (r *Runner) others(worker string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, p := range r.mu.peers {
		if name != worker && p.here && p.status.State != remote.Aside && p.status.State != remote.Draining {
			return true
		}
	}
	return false
}

// avoidTimes is how often a batch for somebody else may come to the same worker.
const avoidTimes = 10

// confirm has another worker measure the failures of one, each in a batch of its
// own: what that one can measure was not the candidate's fault.
func (r *Runner) confirm(ctx context.Context, jobs []measure.Job, results []measure.Result, doubtful []int, worker string) error {
	for _, i := range doubtful {
		var second *remote.Answer
		for range avoidTimes {
			out, err := r.place(ctx, jobs[i:i+1], worker)
			if err != nil {
				return err
			}
			if out.answer != nil && out.answer.Refused == "" {
				second = out.answer
				break
			}
		}
		if second == nil || second.Worker.Name == worker || second.Results[0].Status != measure.OK {
			continue
		}
		r.cfg.Log.Warn("a failure that another worker does not have", "worker", worker, "failure", results[i].Status, "message", results[i].Message, "other", second.Worker.Name)
		results[i] = r.normalise(second)[0]
		r.mu.Lock()
		r.mu.judge.strike(worker)
		r.mu.Unlock()
	}
	return nil
}

// judge puts a worker aside where enough speaks against it.
func (r *Runner) judge(ctx context.Context, worker string) {
	r.mu.Lock()
	why := r.mu.judge.verdict(worker)
	r.mu.Unlock()
	if why == "" {
		return
	}
	r.cfg.Log.Warn("put aside", "worker", worker, "why", why)
	if err := remote.PutAside(ctx, r.workers, worker, why); err != nil {
		r.cfg.Log.Warn("not put aside", "worker", worker, "error", err)
	}
}
