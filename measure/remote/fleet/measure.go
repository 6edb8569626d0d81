package fleet

import (
	"context"
	"strings"

	"golang.org/x/sync/errgroup"

	"qtune/kernels"
	"qtune/measure"
	"qtune/schedules"
)

// Measure has workers check and time jobs, of which those of one workload are
// compared with each other: one worker measures them in turn. It returns a Result
// for each job, in their order; an error only where ctx ended, or a job could not
// be sent. It waits as long as there is no worker.
func (r *Runner) Measure(ctx context.Context, jobs []measure.Job) ([]measure.Result, error) {
	results := make([]measure.Result, len(jobs))
	g, ctx := errgroup.WithContext(ctx)
	for _, group := range alike(jobs) {
		g.Go(func() error {
			part := make([]measure.Job, len(group))
			for i, at := range group {
				part[i] = jobs[at]
				part[i].ID = uint64(i) // a caller's need not be unique
			}
			got, err := r.measure(ctx, part)
			if err != nil {
				return err
			}
			for i, at := range group {
				results[at] = got[i]
				results[at].ID = jobs[at].ID
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return results, nil
}

// alike returns the places of jobs that can be of one batch.
func alike(jobs []measure.Job) [][]int {
	type key struct {
		workload schedules.Workload
		isa      schedules.ISA
		protocol measure.Protocol
		seed     uint64
		mode     kernels.Mode
	}
	at := map[key]int{}
	var groups [][]int
	for i, j := range jobs {
		k := key{j.Workload, j.ISA, j.Protocol, j.Seed, j.Mode}
		g, ok := at[k]
		if !ok {
			g = len(groups)
			at[k] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], i)
	}
	return groups
}

// refusals is how often a batch may be refused.
const refusals = 3

// measure is Measure for jobs of one batch.
func (r *Runner) measure(ctx context.Context, jobs []measure.Job) ([]measure.Result, error) {
	for try := 1; ; try++ {
		out, err := r.place(ctx, jobs, "")
		switch {
		case err != nil:
			return nil, err
		case out.lost != nil && len(jobs) == 1:
			return []measure.Result{measure.Failed(jobs[0], measure.Crash, "the workers that measured it were lost: %s", strings.Join(out.lost, ", "))}, nil
		case out.lost != nil:
			r.cfg.Log.Warn("a batch took its workers with it: halved to find the schedule", "workers", out.lost, "jobs", len(jobs))
			return r.halves(ctx, jobs)
		case out.answer.Refused == "":
			return r.accept(ctx, jobs, out.answer)
		}
		r.cfg.Log.Warn("refused", "worker", out.answer.Worker.Name, "why", out.answer.Refused)
		switch {
		case len(jobs) > 1:
			return r.halves(ctx, jobs)
		case try == refusals:
			return []measure.Result{measure.Failed(jobs[0], measure.WorkerLost, "refused by worker %s: %s", out.answer.Worker.Name, out.answer.Refused)}, nil
		}
	}
}

// halves measures the halves of a batch as batches of their own.
func (r *Runner) halves(ctx context.Context, jobs []measure.Job) ([]measure.Result, error) {
	half := len(jobs) / 2
	var results [2][]measure.Result
	g, ctx := errgroup.WithContext(ctx)
	for i, part := range [][]measure.Job{jobs[:half], jobs[half:]} {
		g.Go(func() (err error) {
			results[i], err = r.measure(ctx, part)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return append(results[0], results[1]...), nil
}
