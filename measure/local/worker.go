package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qtune/kernels"
	"qtune/measure"
)

// A worker is a place for a child: when one dies, the next request starts
// another. It is used by one goroutine at a time.
type worker struct {
	cfg   Config
	core  int
	child *process // nil where none runs
}

func (w *worker) close() {
	if w.child != nil {
		w.child.close()
		w.child = nil
	}
}

// inRounds is the place of a child that was measuring all jobs in turn.
const inRounds = -1

// A death is the end of a child in the middle of a request.
type death struct {
	job     int // it was at, or inRounds
	status  measure.Status
	message string
}

// measure carries out q. When a child dies, the job it was at gets the blame
// and the others of its group are asked again. Where the place is not known,
// or the child was ended from outside, each is asked again alone, and then
// blamed; so every death brings the end nearer.
func (w *worker) measure(ctx context.Context, q request) ([]reply, error) {
	replies := make([]reply, len(q.Jobs))
	done := make([]bool, len(q.Jobs))
	all := make([]int, len(q.Jobs))
	for i := range all {
		all[i] = i
	}
	for groups := [][]int{all}; len(groups) > 0; {
		group := groups[0]
		groups = groups[1:]
		d, err := w.request(ctx, q.only(group), func(i int, r reply) { replies[group[i]], done[group[i]] = r, true })
		if err != nil {
			return nil, err
		}
		if d == nil {
			continue
		}
		guilty := -1
		switch {
		case len(group) == 1:
			guilty = group[0]
		case d.job != inRounds && d.status != measure.WorkerLost:
			guilty = group[d.job]
		}
		if guilty >= 0 && !done[guilty] {
			replies[guilty] = reply{result: measure.Failed(q.Jobs[guilty], d.status, "%s", d.message)}
			done[guilty] = true
		}
		rest := unfinished(group, done)
		if guilty >= 0 {
			groups = append(groups, rest...)
		} else {
			groups = append(groups, split(rest)...)
		}
	}
	return replies, nil
}

// unfinished is the group of those of a group that are not done, if any.
func unfinished(group []int, done []bool) [][]int {
	var rest []int
	for _, i := range group {
		if !done[i] {
			rest = append(rest, i)
		}
	}
	if rest == nil {
		return nil
	}
	return [][]int{rest}
}

// split makes a group of every job.
func split(groups [][]int) [][]int {
	var singles [][]int
	for _, g := range groups {
		for _, i := range g {
			singles = append(singles, []int{i})
		}
	}
	return singles
}

// only is the request for some of the jobs of q.
func (q request) only(group []int) request {
	part := request{Check: q.Check, Time: q.Time}
	for _, i := range group {
		part.Jobs = append(part.Jobs, q.Jobs[i])
		if q.Want != nil {
			part.Want = append(part.Want, q.Want[i])
		}
	}
	return part
}

// request sends q to the child, started if there is none, and hands on what it
// answers, job by job. A nil death means all are answered.
func (w *worker) request(ctx context.Context, q request, answer func(int, reply)) (*death, error) {
	if w.child == nil {
		p, err := spawn(ctx, w.cfg.Argv, w.cfg.Env, w.core)
		if err != nil {
			return nil, err
		}
		w.child = p
	}
	place := 0
	limit := w.cfg.Grace
	// Where the child is dead already, no message will come either.
	writeErr := writeFrame(w.child.stdin, q)
	for {
		m, err := w.child.next(ctx, limit)
		switch {
		case errors.Is(err, errDeadline):
			w.child.kill()
			w.child = nil
			return &death{place, measure.Timeout, fmt.Sprintf("no answer within %v", limit.Round(100*time.Millisecond))}, nil
		case errors.Is(err, errExit):
			status, message := w.child.obituary()
			w.child = nil
			if writeErr != nil { // it died between requests: no job's doing
				status, message, place = measure.WorkerLost, fmt.Sprintf("%v%s", writeErr, message), inRounds
			}
			return &death{place, status, message}, nil
		case err != nil:
			w.child.kill()
			w.child = nil
			return nil, err
		}
		if !m.fits(len(q.Jobs)) {
			w.child.kill()
			w.child = nil
			return &death{place, measure.Crash, fmt.Sprintf("the measuring process answered nonsense: %q of job %d", m.Kind, m.Job)}, nil
		}
		switch m.Kind {
		case endMessage:
			return nil, nil
		case startMessage:
			place, limit = m.Job, w.cfg.Grace+jobLimit(q.Jobs[m.Job])
		case roundsMessage:
			place, limit = inRounds, w.cfg.Grace+roundLimit(q.Jobs)
		case resultMessage:
			m.Result.Core = w.child.core
			answer(m.Job, reply{result: *m.Result, want: m.Want})
		}
	}
}

// Slowest rates, in multiply-accumulates per second, that are not taken for an
// endless loop. They leave room for the reference, which is plain Go, for the
// race detector, and for a machine that is busy with other things.
const (
	slowMACs     = 10e6
	slowEmulated = 1e6
)

// workLimit is the time that one pass over the layer may take.
func workLimit(j measure.Job) time.Duration {
	rate := slowMACs
	if j.Mode == kernels.Emulated {
		rate = slowEmulated
	}
	return time.Duration(float64(j.Workload.MACs()) / rate * float64(time.Second))
}

// jobLimit is the time that building, checking and warming up may take: the
// reference, and the runs.
func jobLimit(j measure.Job) time.Duration {
	return workLimit(j) + time.Duration(j.Protocol.WarmUp)*(j.Protocol.MinSample+time.Millisecond)
}

// roundLimit is the time that one round over the jobs may take.
func roundLimit(jobs []measure.Job) time.Duration {
	var sum time.Duration
	for _, j := range jobs {
		sum += workLimit(j) + 4*j.Protocol.MinSample
	}
	return sum
}
