package tuner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"qtune/kernels"
	"qtune/logs"
	"qtune/measure"
	"qtune/schedules"
)

// In the search every candidate was measured once, at its own time: of
// thousands, the fastest is also the luckiest. So the leaders are measured again
// side by side with the default, by successive halving (Jamieson and Talwalkar,
// 2016): the better half goes on to a round with more samples.
const (
	leaders      = 6
	leaderWithin = 1.15 // of the best time
	finalRounds  = 2
	firstSamples = 8
	moreSamples  = 4 // times as many in the next round
)

// An outcome is the result of a final.
type outcome struct {
	winner   contender
	fallback contender // the default schedule; zero if it failed
	noise    float64   // relative: what differs by less is a tie
}

// finals holds a final for each task that has a working schedule, those of most
// weight first, and records the outcomes.
func (t *tuner) finals(ctx context.Context) error {
	var open []*task
	for _, k := range t.tasks {
		if k.time() > 0 {
			open = append(open, k)
		}
	}
	slices.SortStableFunc(open, func(a, b *task) int {
		return -cmp.Compare(a.time()*measure.Nanos(a.Count), b.time()*measure.Nanos(b.Count))
	})
	type finished struct {
		task *task
		outcome
		err error
	}
	results := make(chan finished)
	running, done := 0, 0
	var failed error
	for done < len(open) {
		for running < min(t.cfg.Runner.Slots(), len(open)-done) && failed == nil && ctx.Err() == nil {
			f := t.newFinal(open[done+running])
			running++
			go func() {
				o, err := f.hold(ctx, t.cfg.Runner)
				results <- finished{f.task, o, err}
			}()
		}
		if running == 0 {
			break
		}
		f := <-results
		running--
		done++
		if f.err == nil {
			f.err = t.record(ctx, f.task, f.outcome)
		}
		if f.err != nil && ctx.Err() == nil {
			failed = errors.Join(failed, fmt.Errorf("final of %v: %w", f.task.Workload, f.err))
		}
		if f.err == nil {
			t.emit(Finalist{Task: f.task.index, Done: done, Of: len(open), Workload: f.task.Workload, Schedule: f.winner.schedule,
				Default: f.fallback.summary.Center, Tuned: f.winner.summary.Center})
		}
	}
	return failed
}

// record stores an outcome.
func (t *tuner) record(ctx context.Context, k *task, o outcome) error {
	k.final = &o
	return t.cfg.Store.RecordFinal(context.WithoutCancel(ctx), logs.Final{
		Workload: k.Workload, Target: t.cfg.Target, Schedule: o.winner.schedule,
		Generator: kernels.Generator, Protocol: t.cfg.Protocol.String(), TunedNS: float64(o.winner.summary.Center),
		DefaultSchedule: k.space.Start(), DefaultNS: float64(o.fallback.summary.Center),
		CodeHash: o.winner.codeHash, Time: time.Now().UTC(), Session: t.cfg.Session,
	})
}

// A final is the last comparison of a task's schedules. It is held outside of
// the tuner's goroutine and so has all it needs.
type final struct {
	task     *task
	fallback *contender // the default schedule; nil if it never worked
	entrants []contender
	job      func(s schedules.Schedule, samples int) measure.Job
}

// newFinal picks the leaders of a task.
func (t *tuner) newFinal(k *task) *final {
	f := &final{task: k}
	ranked := slices.Clone(k.measured)
	slices.SortFunc(ranked, func(a, b contender) int {
		return cmp.Or(cmp.Compare(a.summary.Center, b.summary.Center), cmp.Compare(a.schedule.String(), b.schedule.String()))
	})
	for i, c := range ranked {
		if c.schedule == k.space.Start() {
			f.fallback = &ranked[i]
			continue
		}
		if len(f.entrants) < leaders && c.summary.Center <= leaderWithin*k.time() {
			f.entrants = append(f.entrants, c)
		}
	}
	proto := t.job(k, k.space.Start(), t.cfg.Protocol)
	f.job = func(s schedules.Schedule, samples int) measure.Job {
		j := proto
		j.Schedule, j.Protocol.Samples = s, max(samples, proto.Protocol.Samples)
		return j
	}
	return f
}

// A field is what one round of a final measured: the default, twice, the entrants
// that are left, and how much the machine's speed varied.
type field struct {
	fallback, again *run
	entrants        []run
	machine         float64
}

// A run is a contender with the samples of one round.
type run struct {
	contender
	samples []float64
}

// hold measures round after round and decides.
func (f *final) hold(ctx context.Context, r Runner) (outcome, error) {
	if len(f.entrants) == 0 { // the default has no rival
		return outcome{winner: *f.fallback, fallback: *f.fallback, noise: margin}, nil
	}
	entrants := f.entrants
	var last field
	samples := firstSamples
	for range finalRounds {
		var err error
		if last, err = f.round(ctx, r, entrants, samples); err != nil {
			return outcome{}, err
		}
		samples *= moreSamples
		slices.SortStableFunc(last.entrants, func(a, b run) int { return cmp.Compare(a.summary.Center, b.summary.Center) })
		entrants = entrants[:0:0]
		for _, e := range last.entrants[:(len(last.entrants)+1)/2] {
			entrants = append(entrants, e.contender)
		}
	}
	return last.decide(f.task.space)
}

// round measures the entrants in turn with the default, and the default with
// itself: that is the noise.
func (f *final) round(ctx context.Context, r Runner, entrants []contender, samples int) (field, error) {
	var jobs []measure.Job
	if f.fallback != nil {
		jobs = append(jobs, f.job(f.fallback.schedule, samples), f.job(f.fallback.schedule, samples))
	}
	own := len(jobs)
	for _, e := range entrants {
		jobs = append(jobs, f.job(e.schedule, samples))
	}
	results, err := r.Measure(ctx, jobs)
	if err != nil {
		return field{}, err
	}
	var out field
	for i, res := range results {
		if res.Status != measure.OK {
			continue // it worked before: it is not to be trusted
		}
		out.machine = max(out.machine, res.Noise)
		got := run{contender{jobs[i].Schedule, res.Summary, res.CodeHash}, res.SamplesNS}
		switch {
		case i >= own:
			out.entrants = append(out.entrants, got)
		case i == 0:
			out.fallback = &got
		default:
			out.again = &got
		}
	}
	return out, nil
}

// decide names the winner: the default, unless an entrant is faster beyond
// noise. Entrants that are as fast as the fastest are a tie, which the schedule
// nearest to the default wins, then the first by text.
func (f field) decide(space *schedules.Space) (outcome, error) {
	o := outcome{noise: f.noise()}
	candidates := f.entrants
	if f.fallback != nil {
		o.winner, o.fallback = f.fallback.contender, f.fallback.contender
		candidates = nil
		for _, e := range f.entrants {
			if measure.Compare(e.samples, f.fallback.samples).Faster(o.noise) {
				candidates = append(candidates, e)
			}
		}
	}
	if len(candidates) == 0 {
		if f.fallback == nil {
			return o, errors.New("no schedule worked when measured again")
		}
		return o, nil
	}
	fastest := slices.MinFunc(candidates, func(a, b run) int { return cmp.Compare(a.summary.Center, b.summary.Center) })
	candidates = slices.DeleteFunc(slices.Clone(candidates), func(c run) bool {
		return !measure.Compare(fastest.samples, c.samples).Tie(o.noise)
	})
	winner := slices.MinFunc(candidates, func(a, b run) int {
		return cmp.Or(
			cmp.Compare(space.Start().Distance(a.schedule), space.Start().Distance(b.schedule)),
			cmp.Compare(a.schedule.String(), b.schedule.String()))
	})
	o.winner = winner.contender
	return o, nil
}

// margin is by how much a schedule must be faster than another in a final. Two
// searches of the same space disagree by as much about the fastest.
const margin = 2 * measure.NoiseFloor

// noise is how much the default differs from itself, or the calibration kernel, at
// least the margin.
func (f field) noise() float64 {
	n := max(margin, f.machine)
	if f.fallback == nil || f.again == nil {
		return n
	}
	return max(n, math.Abs(measure.Compare(f.fallback.samples, f.again.samples).Ratio-1))
}
