package replay

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"qtune/kernels"
	"qtune/logs"
	"qtune/measure"
	"qtune/schedules"
)

// A Measurer measures a batch of jobs in turn.
type Measurer interface {
	Measure(ctx context.Context, jobs []measure.Job) ([]measure.Result, error)
}

// How a space is recorded. Every schedule is measured in sweeps, each in another
// order, until enough samples were taken while the machine was quiet; then the
// leaders again in rounds of fewer schedules: of thousands of schedules the
// fastest by a few samples is also the luckiest.
const (
	sweepSamples  = 4
	enoughSamples = 5 // quiet ones, for a ranking
	giveUp        = 2 // times the best: two samples say enough
	hopelessNeed  = 2
	maxSweeps     = 6
	recordBatch   = 8

	leaderRounds  = 4
	leaderSamples = 8
	leaderWithin  = 1.10 // of the best
	maxLeaders    = 240  // of the first round; each next one has half

	// quietWithin is by how much the start schedule may be slower in a round of
	// a batch than in its fastest tenth: beyond, the machine was busy with others.
	quietWithin = 1.06
)

// A Recorder measures complete spaces.
type Recorder struct {
	Runner   Measurer
	Target   schedules.Target
	Protocol measure.Protocol // its Samples are the recorder's own matter
}

// Record measures every schedule of a space. The rows, one for each, hold the
// samples, of four significant digits. Each batch has the start schedule among
// its jobs, and only those samples count beside which it was as fast as ever. The
// start schedule's row is the oldest by time.
func (r *Recorder) Record(ctx context.Context, space *schedules.Space) ([]logs.Trial, error) {
	s := &session{Recorder: r, space: space, rng: rand.New(rand.NewPCG(1, 2)), rows: map[schedules.Schedule]*row{}}
	all := slices.Collect(space.All())
	for range maxSweeps {
		lacking := slices.DeleteFunc(slices.Clone(all), s.known)
		if err := s.sweep(ctx, lacking, sweepSamples); err != nil {
			return nil, err
		}
	}
	n := maxLeaders
	for range leaderRounds {
		if err := s.sweep(ctx, s.leaders(n), leaderSamples); err != nil {
			return nil, err
		}
		n /= 2
	}
	return s.trials(all), nil
}

// A session is one recording.
type session struct {
	*Recorder
	space      *schedules.Space
	rng        *rand.Rand
	rows       map[schedules.Schedule]*row
	references []float64 // samples of the start schedule
	quiet      float64   // the fastest tenth of them
	best       float64
}

// A row is what is known of a schedule.
type row struct {
	status  measure.Status
	message string
	samples []sample
}

// A sample was taken near a sample of the start schedule.
type sample struct{ ns, reference float64 }

// known tells whether no more samples of a schedule are needed.
func (s *session) known(c schedules.Schedule) bool {
	r := s.rows[c]
	if r == nil {
		return false
	}
	got := s.quietSamples(c)
	return r.status != measure.OK || len(got) >= enoughSamples ||
		len(got) >= hopelessNeed && slices.Min(got) > giveUp*s.best
}

// quietSamples returns a schedule's samples of quiet moments, oldest first.
func (s *session) quietSamples(c schedules.Schedule) []float64 {
	var out []float64
	for _, m := range s.rows[c].samples {
		if m.reference <= quietWithin*s.quiet {
			out = append(out, m.ns)
		}
	}
	return out
}

// sweep measures the list once, in a random order.
func (s *session) sweep(ctx context.Context, list []schedules.Schedule, samples int) error {
	order := slices.Clone(list)
	s.rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for batch := range slices.Chunk(order, recordBatch) {
		if err := s.measure(ctx, batch, samples); err != nil {
			return err
		}
	}
	if len(s.references) > 0 {
		s.quiet = slices.Sorted(slices.Values(s.references))[len(s.references)/10]
	}
	return nil
}

func (s *session) measure(ctx context.Context, batch []schedules.Schedule, samples int) error {
	var jobs []measure.Job
	for i, c := range append([]schedules.Schedule{s.space.Start()}, batch...) {
		j := measure.Job{ID: uint64(i), Workload: s.space.Workload(), Schedule: c, ISA: s.Target.ISA,
			Mode: kernels.Native, Protocol: s.Protocol, Seed: 1}
		if i > 0 {
			j.GiveUp = measure.Nanos(giveUp * s.best)
		}
		j.Protocol.Samples = samples
		jobs = append(jobs, j)
	}
	results, err := s.Runner.Measure(ctx, jobs)
	if err != nil {
		return err
	}
	if results[0].Status != measure.OK {
		return fmt.Errorf("the start schedule of %v: %s", s.space.Workload(), results[0].Message)
	}
	beside := results[0].SamplesNS
	s.references = append(s.references, beside...)
	for i, res := range results[1:] {
		known := s.rows[batch[i]]
		if known == nil {
			known = &row{}
			s.rows[batch[i]] = known
		}
		known.status, known.message = res.Status, res.Message
		for round, ns := range res.SamplesNS {
			known.samples = append(known.samples, sample{ns, beside[round]})
		}
		if c := float64(res.Summary.Center); c > 0 && (s.best == 0 || c < s.best) {
			s.best = c
		}
	}
	return nil
}

// samples returns the samples that count: those of quiet moments, or of the least
// disturbed where there are too few.
func (s *session) samples(c schedules.Schedule) []float64 {
	out := s.quietSamples(c)
	if len(out) < hopelessNeed {
		all := slices.Clone(s.rows[c].samples)
		slices.SortStableFunc(all, func(a, b sample) int { return cmp.Compare(a.reference, b.reference) })
		out = nil
		for _, m := range all[:min(hopelessNeed, len(all))] {
			out = append(out, m.ns*s.quiet/m.reference)
		}
	}
	for i := range out {
		out[i] = fourDigits(out[i])
	}
	return out
}

func fourDigits(v float64) float64 {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'e', 3, 64), 64) // its own text is no error
	return v
}

// leaders returns the n fastest, if they are near the best.
func (s *session) leaders(n int) []schedules.Schedule {
	type timed struct {
		schedule schedules.Schedule
		center   float64
	}
	var list []timed
	for c, r := range s.rows {
		if r.status == measure.OK {
			list = append(list, timed{c, float64(measure.Summarise(s.samples(c)).Center)})
		}
	}
	slices.SortFunc(list, func(a, b timed) int {
		return cmp.Or(cmp.Compare(a.center, b.center), cmp.Compare(a.schedule.String(), b.schedule.String()))
	})
	var out []schedules.Schedule
	for _, t := range list[:min(n, len(list))] {
		if t.center <= leaderWithin*list[0].center {
			out = append(out, t.schedule)
		}
	}
	return out
}

// trials returns the rows.
func (s *session) trials(all []schedules.Schedule) []logs.Trial {
	now := time.Now().UTC().Truncate(time.Second)
	var out []logs.Trial
	for _, c := range all {
		r := s.rows[c]
		t := logs.Trial{Workload: s.space.Workload(), Target: s.Target, Schedule: c, Generator: kernels.Generator,
			Protocol: s.Protocol.String(), Seed: 1, Status: r.status.String(), Message: r.message, Time: now}
		if c == s.space.Start() {
			t.Time = now.Add(-time.Second)
		}
		if r.status == measure.OK {
			t.SamplesNS = s.samples(c)
			sum := measure.Summarise(t.SamplesNS)
			t.CenterNS, t.LoNS, t.HiNS = float64(sum.Center), float64(sum.Lo), float64(sum.Hi)
		}
		out = append(out, t)
	}
	return out
}
