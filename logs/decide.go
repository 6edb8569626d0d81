package logs

import (
	"cmp"
	"context"
	"math"
	"slices"

	"qtune/measure"
	"qtune/schedules"
)

// Finals of one workload can name different winners: of searches that did not
// know of each other and were merged, or of one that went on. Their times do not
// compare, each was taken in a session of its own, but how much faster than the
// default schedule a schedule was in the same session does. So each schedule is
// judged by all such ratios, from finals (measured in turn) and from trials of
// the same session, weighted by their errors. The answer depends on the rows
// alone, not on which log was merged into which.

// Relative errors of one ratio, besides what the samples tell.
const (
	finalError = measure.NoiseFloor
	trialError = 0.05 // the two were measured at different times
)

// decisionMargin is by how much a winner must be faster: as in a final.
const decisionMargin = 2 * measure.NoiseFloor

// InNetwork is the protocol of finals that the default schedule won in a whole
// network: what was chosen was slower there than it, whatever it gains alone. Such a
// final overrules all that were held before it.
const InNetwork = "in a network"

// sinceNetwork returns the finals that no later one of a network overrules, of some
// that are sorted, the latest first.
func sinceNetwork(finals []Record) []Record {
	if i := slices.IndexFunc(finals, func(r Record) bool { return r.Protocol == InNetwork }); i >= 0 {
		return finals[:i+1]
	}
	return finals
}

// A Decision is what came of finals that disagree.
type Decision struct {
	Winner    Record
	Estimates []Estimate // of each schedule, the fastest first; empty where all finals agree
}

// An Estimate says how a schedule compares with the default schedule.
type Estimate struct {
	Schedule       schedules.Schedule
	Ratio          float64 // of its time to the default's
	Error          float64 // relative; standard error
	Finals, Trials int     // that it is from
	latest         Record
}

// decide picks one of finals, which are sorted, the latest first.
func (l *Log) decide(ctx context.Context, finals []Record) (Decision, error) {
	finals = sinceNetwork(finals)
	latest := finals[0]
	if !slices.ContainsFunc(finals, func(r Record) bool { return r.Schedule != latest.Schedule }) {
		return Decision{Winner: latest}, nil
	}
	e := evidence{standard: latest.DefaultSchedule}
	for _, f := range finals {
		e.final(f)
	}
	if err := l.sessionTrials(ctx, latest, &e); err != nil {
		return Decision{}, err
	}
	estimates := e.estimates()
	fastest := estimates[0]
	ties := slices.DeleteFunc(slices.Clone(estimates), func(o Estimate) bool {
		return math.Log(o.Ratio/fastest.Ratio) > max(decisionMargin, 2*math.Hypot(o.Error, fastest.Error))
	})
	winner := slices.MinFunc(ties, func(a, b Estimate) int {
		return cmp.Or(
			-compareBool(a.Schedule == e.standard, b.Schedule == e.standard),
			b.latest.Time.Compare(a.latest.Time),
			cmp.Compare(a.Schedule.String(), b.Schedule.String()),
		)
	})
	return Decision{Winner: winner.latest, Estimates: estimates}, nil
}

// evidence collects ratios to the standard schedule.
type evidence struct {
	standard schedules.Schedule
	of       []*ratios
}

// ratios are those of one schedule, as logarithms, weighted by 1/error^2.
type ratios struct {
	Estimate
	sum, weight float64
}

func (r *ratios) add(ratio, relativeError float64) {
	w := 1 / (relativeError * relativeError)
	r.sum += w * math.Log(ratio)
	r.weight += w
}

// find returns the ratios of a schedule, nil where no final named it.
func (e *evidence) find(s schedules.Schedule) *ratios {
	i := slices.IndexFunc(e.of, func(r *ratios) bool { return r.Schedule == s })
	if i < 0 {
		return nil
	}
	return e.of[i]
}

// final adds what a final says. The first of a schedule is its latest.
func (e *evidence) final(f Record) {
	r := e.find(f.Schedule)
	if r == nil {
		r = &ratios{Estimate: Estimate{Schedule: f.Schedule, latest: f}}
		e.of = append(e.of, r)
	}
	r.Finals++
	if f.DefaultNS > 0 && f.DefaultSchedule == e.standard {
		r.add(f.CenterNS/f.DefaultNS, finalError)
	}
}

// session adds the trials of one session.
func (e *evidence) session(trials []Trial) {
	i := slices.IndexFunc(trials, func(t Trial) bool { return t.Schedule == e.standard })
	if i < 0 {
		return
	}
	standard := trials[i]
	for _, t := range trials {
		if r := e.find(t.Schedule); r != nil {
			r.Trials++
			r.add(t.CenterNS/standard.CenterNS, math.Hypot(trialError, math.Hypot(spread(t), spread(standard))))
		}
	}
}

// spread is the relative error of a trial's time as its samples tell.
func spread(t Trial) float64 { return max(t.HiNS-t.LoNS, 0) / 2 / t.CenterNS }

// estimates sums up, the fastest first. Of a schedule that was never compared
// with the standard nothing is known: it counts as equal, with a large error.
func (e *evidence) estimates() []Estimate {
	var all []Estimate
	for _, r := range e.of {
		r.Ratio, r.Error = 1, 1
		if r.Schedule == e.standard {
			r.Error = 0
		} else if r.weight > 0 {
			r.Ratio, r.Error = math.Exp(r.sum/r.weight), 1/math.Sqrt(r.weight)
		}
		all = append(all, r.Estimate)
	}
	slices.SortFunc(all, func(a, b Estimate) int {
		return cmp.Or(cmp.Compare(a.Ratio, b.Ratio), cmp.Compare(a.Schedule.String(), b.Schedule.String()))
	})
	return all
}

// sessionTrials adds the trials of the schedules of e, session by session, that
// were measured like r.
func (l *Log) sessionTrials(ctx context.Context, r Record, e *evidence) error {
	type circumstances struct {
		session  int64
		machine  schedules.Machine
		protocol string
	}
	var order []circumstances // of the sums below, which rounding makes depend on it
	trials := map[circumstances][]Trial{}
	wanted := []schedules.Schedule{e.standard}
	for _, o := range e.of {
		if o.Schedule != e.standard {
			wanted = append(wanted, o.Schedule)
		}
	}
	for _, s := range wanted {
		for t, err := range l.trials(ctx, fromTrials+`WHERE w.text = +? AND m.class = +? AND u.isa = +? AND t.schedule = +? AND u.generator = +?
			AND t.status = 'ok' AND t.session IS NOT NULL ORDER BY t.time`,
			r.Workload.String(), r.Target.Machine.Class(), string(r.Target.ISA), s.String(), r.Generator) {
			if err != nil {
				return err
			}
			c := circumstances{t.Session, t.Target.Machine, t.Protocol}
			if trials[c] == nil {
				order = append(order, c)
			}
			trials[c] = append(trials[c], t)
		}
	}
	for _, c := range order {
		e.session(trials[c])
	}
	return nil
}
