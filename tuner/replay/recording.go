// Package replay runs searches against spaces that were measured completely: the
// same search again with other seeds, in milliseconds, on any machine, and with
// the true optimum known. Tests of the tuner stand on it, and comparisons of
// strategies.
//
//	Recorder   measures every schedule of a space -> rows of a log
//	Read       an export of such a log -> Recordings
//	Study      strategies on Recordings -> how far their choices are from the best
//	Runner     answers a tuner's jobs from Recordings
package replay

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"

	"qtune/logs"
	"qtune/measure"
	"qtune/schedules"
)

// A Recording is a workload's space with what each of its schedules took. It is
// immutable.
type Recording struct {
	Workload schedules.Workload
	Target   schedules.Target
	Protocol string
	Space    *schedules.Space // of the recorded schedules only
	rows     map[schedules.Schedule]logs.Trial
	best     measure.Nanos
}

// ReadFile reads the recordings of an export.
func ReadFile(path string) ([]*Recording, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	list, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

// Read reads the recordings of an export, which may be compressed by gzip, in the
// order of their workloads' texts. Any log serves in which a workload was measured completely.
func Read(r io.Reader) ([]*Recording, error) {
	type key struct {
		workload schedules.Workload
		target   schedules.Target
		protocol string
	}
	found := map[key][]logs.Trial{}
	for t, err := range logs.ReadTrials(r) {
		if err != nil {
			return nil, err
		}
		k := key{t.Workload, t.Target, t.Protocol}
		found[k] = append(found[k], t)
	}
	if len(found) == 0 {
		return nil, errors.New("no trials")
	}
	var list []*Recording
	for k, rows := range found {
		rec, err := newRecording(rows)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.workload, err)
		}
		list = append(list, rec)
	}
	slices.SortFunc(list, func(a, b *Recording) int {
		return cmp.Or(cmp.Compare(a.Workload.String(), b.Workload.String()), cmp.Compare(a.Target.String(), b.Target.String()),
			cmp.Compare(a.Protocol, b.Protocol))
	})
	return list, nil
}

// newRecording makes a Recording of the rows of one workload. The oldest row is
// of the default schedule, as in any log of a search.
func newRecording(rows []logs.Trial) (*Recording, error) {
	oldest := slices.MinFunc(rows, func(a, b logs.Trial) int { return a.Time.Compare(b.Time) })
	r := &Recording{Workload: oldest.Workload, Target: oldest.Target, Protocol: oldest.Protocol, rows: map[schedules.Schedule]logs.Trial{}}
	var points []schedules.Schedule
	for _, t := range rows {
		if _, twice := r.rows[t.Schedule]; !twice {
			points = append(points, t.Schedule)
		}
		r.rows[t.Schedule] = t
		if c := measure.Nanos(t.CenterNS); c > 0 && (r.best == 0 || c < r.best) {
			r.best = c
		}
	}
	if r.best == 0 {
		return nil, errors.New("no schedule worked")
	}
	var err error
	r.Space, err = schedules.RecordedSpace(r.Workload, r.Target.ISA, points, oldest.Schedule)
	return r, err
}

// From returns r with another schedule in the default's place, drawn by seed from
// those that worked: what a search is worth that begins with no good guess.
func (r *Recording) From(seed uint64) (*Recording, error) {
	all := slices.Collect(r.Space.All())
	all = slices.DeleteFunc(all, func(s schedules.Schedule) bool { return r.Time(s) == 0 })
	other := *r
	var err error
	rng := rand.New(rand.NewPCG(seed, 0x5eed))
	other.Space, err = schedules.RecordedSpace(r.Workload, r.Target.ISA, slices.Collect(r.Space.All()), all[rng.IntN(len(all))])
	return &other, err
}

// Time is what a schedule takes, by all its samples; 0 where it failed.
func (r *Recording) Time(s schedules.Schedule) measure.Nanos {
	return measure.Nanos(r.rows[s].CenterNS)
}

// Best is the shortest time of the space.
func (r *Recording) Best() measure.Nanos { return r.best }

// Efficiency is how fast a schedule is as a part of the fastest: 1 is the best.
func (r *Recording) Efficiency(s schedules.Schedule) float64 {
	if t := r.Time(s); t > 0 {
		return float64(r.best / t)
	}
	return 0
}

// observe draws n samples of a schedule, with replacement: the noise of another
// measurement of it. A failure has none.
func (r *Recording) observe(rng *rand.Rand, s schedules.Schedule, n int) []float64 {
	from := r.rows[s].SamplesNS
	if len(from) == 0 {
		return nil
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = from[rng.IntN(len(from))]
	}
	return out
}
