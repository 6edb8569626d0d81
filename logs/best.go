package logs

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

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
	Final     bool    // the winner of a final; else the best of the trials
	DefaultNS float64 // of the default schedule in that final; 0 = not known
	CodeHash  string
	Time      time.Time
}

// Source says how much a schedule can be trusted, the best first. Only an Exact
// one was measured under the circumstances asked for; all others must be
// adapted and validated (schedules.Space.Adapt).
type Source uint8

// Sources, in the order of the lookup.
const (
	Exact       Source = iota // same machine class, generator and protocol
	SameMachine               // same machine class, other generator or protocol
	OtherCPU                  // same instruction set on another CPU
	OtherShape                // another workload, see Nearest
	Heuristic                 // nothing was measured that helps
)

var sourceNames = [...]string{"exact", "same machine, other version or protocol", "same instructions, other CPU", "nearest shape", "heuristic"}

// String returns a phrase for people.
func (s Source) String() string { return sourceNames[min(int(s), len(sourceNames)-1)] }

// Best returns the best record of exactly the workload asked for. Among the
// records of the best Source, a final goes before trials, and then the latest
// measurement: times of different sessions do not compare. Source is Heuristic,
// and the Record zero, where there is none.
func (l *Log) Best(ctx context.Context, q Query) (Record, Source, error) {
	records, err := l.records(ctx, q.Workload, q.Target.ISA)
	if err != nil || len(records) == 0 {
		return Record{}, Heuristic, err
	}
	best := slices.MinFunc(records, q.compare)
	return best, q.source(best), nil
}

// source classifies a record of the workload asked for.
func (q Query) source(r Record) Source {
	switch {
	case r.Target.Machine.Class() != q.Target.Machine.Class():
		return OtherCPU
	case r.Generator != q.Generator || q.Protocol != "" && r.Protocol != q.Protocol:
		return SameMachine
	}
	return Exact
}

// compare orders records, the best first.
func (q Query) compare(a, b Record) int {
	return cmp.Or(
		cmp.Compare(q.source(a), q.source(b)),
		-cmp.Compare(q.likeness(a), q.likeness(b)),
		-compareBool(a.Final, b.Final),
		b.Time.Compare(a.Time),
		cmp.Compare(a.CenterNS, b.CenterNS),
		cmp.Compare(a.Schedule.String(), b.Schedule.String()),
	)
}

// likeness counts what the circumstances of r have in common with those asked
// for.
func (q Query) likeness(r Record) int {
	n := 0
	a, b := q.Target.Machine, r.Target.Machine
	for _, same := range []bool{
		a.Vendor == b.Vendor,
		a.Vendor == b.Vendor && a.Family == b.Family,
		a.Vendor == b.Vendor && a.Family == b.Family && a.Model == b.Model,
		r.Generator == q.Generator,
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

// records returns, for a workload and instruction set, all finals and the best
// trial of each machine class, generator and protocol.
func (l *Log) records(ctx context.Context, w schedules.Workload, isa schedules.ISA) ([]Record, error) {
	var all []Record
	for f, err := range l.finals(ctx, "WHERE w.text = ? AND f.isa = ?", w.String(), string(isa)) {
		if err != nil {
			return nil, err
		}
		all = append(all, Record{
			Workload: f.Workload, Target: f.Target, Schedule: f.Schedule, Generator: f.Generator, Protocol: f.Protocol,
			CenterNS: f.TunedNS, Final: true, DefaultNS: f.DefaultNS, CodeHash: f.CodeHash, Time: f.Time,
		})
	}
	ids, err := l.fastest(ctx, w, isa)
	if err != nil {
		return nil, err
	}
	for _, group := range ids {
		r, ok, err := l.firstWhole(ctx, group)
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, r)
		}
	}
	return all, nil
}

// fastest returns the ids of the successful trials of each machine class,
// generator and protocol, the fastest first.
func (l *Log) fastest(ctx context.Context, w schedules.Workload, isa schedules.ISA) (map[[3]string][]int64, error) {
	rows, err := l.db.QueryContext(ctx, `SELECT t.id, m.class, t.generator, t.protocol
		FROM trials t JOIN workloads w ON w.id = t.workload JOIN machines m ON m.id = t.machine
		WHERE w.text = ? AND t.isa = ? AND t.status = 'ok' ORDER BY t.center_ns, length(t.schedule), t.schedule`, w.String(), string(isa))
	if err != nil {
		return nil, l.wrap(err)
	}
	defer rows.Close()
	groups := map[[3]string][]int64{}
	for rows.Next() {
		var (
			id  int64
			key [3]string
		)
		if err := rows.Scan(&id, &key[0], &key[1], &key[2]); err != nil {
			return nil, l.wrap(err)
		}
		groups[key] = append(groups[key], id)
	}
	return groups, l.wrap(rows.Err())
}

// firstWhole returns the first of the trials that is not damaged.
func (l *Log) firstWhole(ctx context.Context, ids []int64) (Record, bool, error) {
	for _, id := range ids {
		for t, err := range l.trials(ctx, "WHERE t.id = ?", id) {
			if err != nil {
				return Record{}, false, err
			}
			return Record{
				Workload: t.Workload, Target: t.Target, Schedule: t.Schedule, Generator: t.Generator, Protocol: t.Protocol,
				CenterNS: t.CenterNS, CodeHash: t.CodeHash, Time: t.Time,
			}, true, nil
		}
	}
	return Record{}, false, nil
}

// likeBest yields the fastest successful trials of the workload of r on the same
// kind of machine with the same generator and protocol, in order. A hundred
// are enough for who looks for another as fast, however large the log.
func (l *Log) likeBest(ctx context.Context, r Record) iter.Seq2[Trial, error] {
	return l.trials(ctx, `WHERE w.text = ? AND t.isa = ? AND m.class = ? AND t.generator = ? AND t.protocol = ? AND t.status = 'ok'
		ORDER BY t.center_ns, length(t.schedule), t.schedule LIMIT 100`,
		r.Workload.String(), string(r.Target.ISA), r.Target.Machine.Class(), r.Generator, r.Protocol)
}
