package replay

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"qtune/measure"
	"qtune/schedules"
)

// A Runner answers jobs from recordings: the same job with the same seed always
// gets the same samples. It is safe for concurrent use.
type Runner struct {
	recordings map[schedules.Workload]*Recording
	seed       uint64
	slots      int
}

// NewRunner makes a Runner, which answers slots batches at a time.
func NewRunner(list []*Recording, seed uint64, slots int) *Runner {
	r := &Runner{recordings: map[schedules.Workload]*Recording{}, seed: seed, slots: slots}
	for _, rec := range list {
		r.recordings[rec.Workload] = rec
	}
	return r
}

// Slots is how many batches should be under way at a time.
func (r *Runner) Slots() int { return r.slots }

// Measure returns a Result for each job, in their order.
func (r *Runner) Measure(ctx context.Context, jobs []measure.Job) ([]measure.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	results := make([]measure.Result, len(jobs))
	for i, j := range jobs {
		results[i] = r.result(j)
	}
	return results, nil
}

func (r *Runner) result(j measure.Job) measure.Result {
	rec := r.recordings[j.Workload]
	if rec == nil || rec.Space.Validate(j.Schedule) != nil {
		return measure.Failed(j, measure.BuildError, "not recorded")
	}
	h := fnv.New64a()
	h.Write([]byte(j.Schedule.String() + j.Protocol.String())) // never fails, says package hash
	samples := rec.observe(rand.New(rand.NewPCG(r.seed, h.Sum64())), j.Schedule, j.Protocol.Samples)
	if samples == nil {
		return measure.Failed(j, measure.Crash, "failed when it was recorded")
	}
	if j.GiveUp > 0 && len(samples) > 2 && slices.Min(samples[:2]) > float64(j.GiveUp) {
		samples = samples[:2]
	}
	return measure.Result{ID: j.ID, SamplesNS: samples, Summary: measure.Summarise(samples), CodeHash: "recorded", Core: 0}
}

// SpaceFor returns the recorded space of a workload, for tuner.Config.
func SpaceFor(list []*Recording) func(schedules.Workload, schedules.ISA) (*schedules.Space, error) {
	return func(w schedules.Workload, isa schedules.ISA) (*schedules.Space, error) {
		for _, rec := range list {
			if rec.Workload == w && rec.Target.ISA == isa {
				return rec.Space, nil
			}
		}
		return nil, schedules.ErrUnknownPoint
	}
}
