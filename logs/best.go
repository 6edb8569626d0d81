package logs

import (
	"cmp"
	"context"
	"database/sql"
	"iter"
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
	records, err := l.records(ctx, q.Workload, q.Target.ISA)
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
	case r.Target.Machine != q.Target.Machine && r.Target.Machine.Class() != q.Target.Machine.Class():
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

// records returns, for a workload and instruction set, all finals and the best
// trial of each machine, generator and protocol.
func (l *Log) records(ctx context.Context, w schedules.Workload, isa schedules.ISA) ([]Record, error) {
	var all []Record
	damaged := false
	args := []any{w.String(), string(isa)}
	for r, err := range read(ctx, l.reader(func(error) { damaged = true }), "records", bestRecords, args, l.scanRecord) {
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	if damaged {
		return l.wholeRecords(ctx, args)
	}
	return all, nil
}

// scanRecord reads a row of bestRecords.
func (l *Log) scanRecord(rows *sql.Rows) (int64, func() (Record, error), error) {
	var (
		t trialRow
		f finalRow
	)
	err := rows.Scan(&t.id, &t.workload, &t.machine, &t.isa, &t.schedule, &t.generator, &t.protocol, &t.seed, &t.status, &t.message,
		&t.samples, &t.centerNS, &t.loNS, &t.hiNS, &t.codeHash, &t.time, &t.session, &t.written, &f.defaultSchedule, &f.defaultNS)
	return t.id, func() (Record, error) {
		if t.status == StatusOK {
			trial, err := t.trial(l.cache)
			return trial.record(), err
		}
		f.workload, f.machine, f.isa, f.schedule, f.generator, f.protocol = t.workload, t.machine, t.isa, t.schedule, t.generator, t.protocol
		f.tunedNS, f.codeHash, f.time, f.session, f.written = t.centerNS, t.codeHash, t.time, t.session, t.written
		final, err := f.final(l.cache)
		return final.record(), err
	}, err
}

// wholeRecords is records where a row that would be among them is damaged: it
// reads all, and tells what it skips.
func (l *Log) wholeRecords(ctx context.Context, args []any) ([]Record, error) {
	var all []Record
	for f, err := range l.finals(ctx, finalsOf, args...) {
		if err != nil {
			return nil, err
		}
		all = append(all, f.record())
	}
	type group struct{ machine, generator, protocol string }
	last := group{}
	for t, err := range l.trials(ctx, fromTrials+"WHERE w.text = ? AND u.isa = ? AND t.status = 'ok' ORDER BY setup, machine, "+byTime, args...) {
		if err != nil {
			return nil, err
		}
		if g := (group{t.Target.Machine.String(), t.Generator, t.Protocol}); g != last {
			last = g
			all = append(all, t.record())
		}
	}
	return all, nil
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

// Queries that are made often say +? where ? would do: SQLite plans a query with
// "column = ?" again whenever the driver forgets the value of the last call.

const (
	byTime = "center_ns, length(schedule), schedule, time"

	finalsOf = fromFinals + "WHERE w.text = +? AND f.isa = +?"

	ofGroup = "INDEXED BY trials_by_center WHERE workload = w.id AND setup = u.id AND machine = m.id AND status = 'ok'"

	// fromFastest looks up the first trial of each machine and setup along the
	// index trials_by_center: it does not read the others. Only trials of equal
	// times, which are rare, are sorted.
	fromFastest = `FROM workloads w CROSS JOIN setups u CROSS JOIN machines m CROSS JOIN trials t ON t.id = (
			SELECT CASE (SELECT count(*) FROM trials ` + ofGroup + ` AND center_ns = first.center_ns)
				WHEN 1 THEN id
				ELSE (SELECT id FROM trials ` + ofGroup + ` AND center_ns = first.center_ns ORDER BY ` + byTime + ` LIMIT 1) END
			FROM trials first ` + ofGroup + ` ORDER BY center_ns LIMIT 1)
		WHERE w.text = +?1 AND u.isa = +?2`

	// bestRecords gives finals in the columns of trials, with an empty status.
	bestRecords = trialColumns + ", '', 0.0 " + fromFastest + `
		UNION ALL SELECT f.id, w.text, m.text, f.isa, f.schedule, f.generator, f.protocol, 0, '', '',
		x'', f.tuned_ns, 0.0, 0.0, f.code_hash, f.time, coalesce(f.session, 0), f.checksum, f.default_schedule, f.default_ns ` +
		fromFinals + "WHERE w.text = +?1 AND f.isa = +?2"
)

// likeBest yields the fastest successful trials of the workload of r on the same
// machine with the same generator and protocol, in order, in a form. A hundred
// are enough for who looks for another as fast, however large the log.
func likeBest[T any](ctx context.Context, l *Log, r Record, form func(*trialRow, Trial) T) iter.Seq2[T, error] {
	return readTrials(ctx, l, `FROM workloads w CROSS JOIN machines m CROSS JOIN setups u CROSS JOIN trials t INDEXED BY trials_by_center
		ON t.workload = w.id AND t.setup = u.id AND t.machine = m.id AND t.status = 'ok'
		WHERE w.text = +? AND m.text = +? AND u.isa = +? AND u.generator = +? AND u.protocol = +?
		ORDER BY `+byTime+` LIMIT 100`,
		[]any{r.Workload.String(), r.Target.Machine.String(), string(r.Target.ISA), r.Generator, r.Protocol}, form)
}
