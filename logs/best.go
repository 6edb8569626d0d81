package logs

import (
	"cmp"
	"context"
	"slices"
	"time"

	"qtune/kernels"
	"qtune/schedules"
)

// A Query asks for the best known schedule.
type Query struct {
	Workload  schedules.Workload
	Target    schedules.Target
	Generator string
	Protocol  string // "" = any
}

// A Record is a measured schedule that is worth using.
type Record struct {
	Workload  schedules.Workload
	Target    schedules.Target
	Schedule  schedules.Schedule
	Generator string
	Protocol  string
	CenterNS  float64
	CodeHash  string
	Time      time.Time

	Final           bool               // the winner of a final; else the best of the trials
	DefaultSchedule schedules.Schedule // in that final
	DefaultNS       float64            // of the default schedule there; 0 = not known
}

// Source says how much a schedule can be trusted, the best first. Only an Exact
// one was measured under the circumstances asked for; all others must be
// adapted and validated (schedules.Space.Adapt).
type Source uint8

// Sources, in the order of the lookup.
const (
	Exact      Source = iota // same machine class and protocol, and the code that would be generated now
	Stale                    // same machine class, but other code or another protocol
	OtherCPU                 // same instruction set on another CPU
	OtherShape               // another workload, see Nearest
	Heuristic                // nothing was measured that helps
)

var sourceNames = [...]string{"exact", "stale", "other cpu", "nearest", "heuristic"}

// String returns for example "exact".
func (s Source) String() string { return sourceNames[min(int(s), len(sourceNames)-1)] }

// Best returns the best record of exactly the workload asked for. Among the
// records of the best Source, a final goes before trials. Finals that disagree
// are decided by all that was measured of their schedules (decide.go); of trials,
// the latest count: times of different sessions do not compare. Source is
// Heuristic, and the Record zero, where there is none.
func (l *Log) Best(ctx context.Context, q Query) (Record, Source, error) {
	if err := ctx.Err(); err != nil {
		return Record{}, Heuristic, l.wrap(err)
	}
	ctx = context.WithoutCancel(ctx) // watching it would take longer than the queries
	records, err := l.records(ctx, q)
	if err != nil || len(records) == 0 {
		return Record{}, Heuristic, err
	}
	ranked := q.rank(records)
	best := ranked[0]
	if best.Final {
		d, err := l.decide(ctx, peers(ranked))
		if err != nil {
			return Record{}, Heuristic, err
		}
		best.Record = d.Winner
	}
	return best.Record, best.source, nil
}

// A ranked record is one with its grade.
type ranked struct {
	Record
	source   Source
	likeness int
}

// rank sorts records, the best first.
func (q Query) rank(records []Record) []ranked {
	var all []ranked
	for _, r := range records {
		current := q.isCurrent(r)
		all = append(all, ranked{r, q.source(r, current), q.likeness(r, current)})
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(
			cmp.Compare(a.source, b.source),
			-cmp.Compare(a.likeness, b.likeness),
			-compareBool(a.Final, b.Final),
			b.Time.Compare(a.Time),
			cmp.Compare(a.CenterNS, b.CenterNS),
			cmp.Compare(a.Schedule.String(), b.Schedule.String()),
		)
	})
	return all
}

// peers are the finals that are as good as the first record, which is one.
func peers(all []ranked) []Record {
	var same []Record
	for _, r := range all {
		if r.Final && r.source == all[0].source && r.likeness == all[0].likeness {
			same = append(same, r.Record)
		}
	}
	return same
}

// isCurrent tells whether what was measured is the code that would be generated
// now: the same version of the generator did it, or one that gives this schedule
// the same code.
func (q Query) isCurrent(r Record) bool {
	return r.Generator == q.Generator || r.CodeHash != "" && codeHash(r) == r.CodeHash
}

// codeHash is the hash of r's code as it is generated now, "" where it cannot be.
func codeHash(r Record) string {
	k, err := kernels.Build(r.Workload, r.Schedule, r.Target.ISA)
	if err != nil {
		return ""
	}
	return k.CodeHash()
}

// source classifies a record of the workload asked for.
func (q Query) source(r Record, current bool) Source {
	switch {
	case !r.Target.Machine.Alike(q.Target.Machine):
		return OtherCPU
	case !current || q.Protocol != "" && r.Protocol != q.Protocol:
		return Stale
	}
	return Exact
}

// likeness counts what the circumstances of r have in common with those asked
// for.
func (q Query) likeness(r Record, current bool) int {
	n := 0
	a, b := q.Target.Machine, r.Target.Machine
	for _, same := range []bool{
		a.Vendor == b.Vendor,
		a.Vendor == b.Vendor && a.Family == b.Family,
		a.Vendor == b.Vendor && a.Family == b.Family && a.Model == b.Model,
		current,
		q.Protocol == "" || r.Protocol == q.Protocol,
	} {
		if same {
			n++
		}
	}
	return n
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func (f Final) record() Record {
	return Record{
		Workload: f.Workload, Target: f.Target, Schedule: f.Schedule, Generator: f.Generator, Protocol: f.Protocol,
		CenterNS: f.TunedNS, CodeHash: f.CodeHash, Time: f.Time,
		Final: true, DefaultSchedule: f.DefaultSchedule, DefaultNS: f.DefaultNS,
	}
}

func (t Trial) record() Record {
	return Record{
		Workload: t.Workload, Target: t.Target, Schedule: t.Schedule, Generator: t.Generator, Protocol: t.Protocol,
		CenterNS: t.CenterNS, CodeHash: t.CodeHash, Time: t.Time,
	}
}
