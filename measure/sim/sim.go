// Package sim is a machine on paper: a Runner whose times are a formula of
// workload and schedule, with seeded noise and failures on demand. Tests of the
// tuner see with it what real machines never show twice: the true optimum, the
// same noise again, any failure at any trial.
//
// The landscape is like those of real kernels: each knob has a best value,
// numbers cost by their distance in powers of two, words by an order of their
// own, and the product of all numbers (a register tile's area) has an optimum
// too, so that knobs are not independent.
package sim

import (
	"context"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"time"

	"qtune/measure"
	"qtune/schedules"
)

// Config says what machine is simulated.
type Config struct {
	Seed  uint64  // of the landscape and the noise
	Noise float64 // relative size of what noise adds to a sample; 0.02 is a quiet machine

	// Fail gives a job a status other than OK, and a message. nil: none fails.
	Fail func(measure.Job) (measure.Status, string)
	// Gate lets a batch be measured for each element that comes from it, and all once
	// it is closed. nil: none waits.
	Gate <-chan struct{}
	// Delay is how long a batch takes.
	Delay time.Duration
	// Slots is the Runner's; 0 means 2.
	Slots int
}

// A Runner pretends to measure. It is safe for concurrent use.
type Runner struct{ cfg Config }

// New makes a Runner.
func New(cfg Config) *Runner {
	if cfg.Slots == 0 {
		cfg.Slots = 2
	}
	return &Runner{cfg}
}

// Slots is how many batches should be under way at a time.
func (r *Runner) Slots() int { return r.cfg.Slots }

// Measure returns a Result for each job, in their order.
func (r *Runner) Measure(ctx context.Context, jobs []measure.Job) ([]measure.Result, error) {
	if r.cfg.Gate != nil {
		select {
		case <-r.cfg.Gate:
		case <-ctx.Done():
		}
	}
	if r.cfg.Delay > 0 {
		timer := time.NewTimer(r.cfg.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
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
	if r.cfg.Fail != nil {
		if status, message := r.cfg.Fail(j); status != measure.OK {
			return measure.Failed(j, status, "%s", message)
		}
	}
	cost := float64(r.Cost(j.Workload, j.Schedule))
	res := measure.Result{ID: j.ID, Core: 0, CodeHash: strconv.FormatUint(r.hash(j.Schedule.String(), ""), 16)}
	for i := range j.Protocol.Samples {
		u := r.unit(j.String()+j.Protocol.String(), strconv.Itoa(i))
		res.SamplesNS = append(res.SamplesNS, cost*(1-r.cfg.Noise*math.Log(u)))
		if i == 1 && j.GiveUp > 0 && slices.Min(res.SamplesNS) > float64(j.GiveUp) {
			break
		}
	}
	res.Summary = measure.Summarise(res.SamplesNS)
	return res
}

// peakMACs is the simulated machine's peak: multiply-accumulates a nanosecond.
const peakMACs = 100

// Cost is the true time of a schedule.
func (r *Runner) Cost(w schedules.Workload, s schedules.Schedule) measure.Nanos {
	cost := float64(w.MACs()) / peakMACs
	area, numbers := 0.0, 0
	for _, name := range s.Names() {
		key := w.String() + " " + name
		value := s.Str(name, "")
		weight := 0.02 + 0.15*r.unit(key, "weight")
		if n, err := strconv.Atoi(value); err == nil {
			log := math.Log2(float64(max(n, 1)))
			cost *= 1 + weight*math.Abs(log-3*r.unit(key, "best"))
			area += log
			numbers++
			continue
		}
		cost *= 1 + 2*weight*r.unit(key, value)
	}
	best := float64(numbers) * (0.5 + r.unit(w.String(), "area"))
	return measure.Nanos(cost * (1 + 0.1*math.Abs(area-best)))
}

// unit is a number in (0,1] that belongs to two texts.
func (r *Runner) unit(a, b string) float64 {
	return (float64(r.hash(a, b)>>11) + 1) / (1 << 53)
}

func (r *Runner) hash(a, b string) uint64 {
	h := fnv.New64a()
	for _, s := range []string{strconv.FormatUint(r.cfg.Seed, 16), a, b} {
		h.Write([]byte(s)) // never fails, says package hash
		h.Write([]byte{0})
	}
	z := h.Sum64() // FNV's high bits change little with the last bytes: mix (splitmix64)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
