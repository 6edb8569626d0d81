package logs

import (
	"context"
	"database/sql"
	"iter"
)

// records returns, for the workload and instruction set of q, all finals and the
// best trial of each machine, generator and protocol: those of machines of the
// class asked for, which go before all others, or of the others if there are none.
func (l *Log) records(ctx context.Context, q Query) ([]Record, error) {
	scan := recordScan{log: l, workload: l.cache.workloadText(q.Workload), isa: string(q.Target.ISA)}
	class := q.Target.Machine.Class()
	for _, query := range []string{recordsOfClass, recordsOfOthers} {
		var all []Record
		damaged := false
		for r, err := range read(ctx, l.reader(func(error) { damaged = true }), "records", query, []any{scan.workload, scan.isa, class}, scan.next) {
			if err != nil {
				return nil, err
			}
			all = append(all, r)
		}
		if damaged {
			return l.wholeRecords(ctx, scan.workload, scan.isa)
		}
		if len(all) > 0 {
			return all, nil
		}
	}
	return nil, nil
}

// A recordScan reads the rows of a query of records. What they all have in common
// is not among the columns.
type recordScan struct {
	log           *Log
	workload, isa string
	t             trialRow
	f             finalRow
}

func (s *recordScan) next(rows *sql.Rows) (int64, func() (Record, error), error) {
	t, f := &s.t, &s.f
	err := rows.Scan(&t.id, &t.status, &t.machine, &t.schedule, &t.generator, &t.protocol, &t.seed, &t.message,
		&t.samples, &t.centerNS, &t.loNS, &t.hiNS, &t.codeHash, &t.time, &t.written, &f.defaultSchedule, &f.defaultNS)
	t.workload, t.isa = s.workload, s.isa
	return t.id, s.record, err
}

// record checks the row that was read last.
func (s *recordScan) record() (Record, error) {
	t, f := &s.t, &s.f
	if t.status == StatusOK {
		trial, err := t.trial(s.log.cache)
		return trial.record(), err
	}
	f.workload, f.machine, f.isa, f.schedule, f.generator, f.protocol = t.workload, t.machine, t.isa, t.schedule, t.generator, t.protocol
	f.tunedNS, f.codeHash, f.time, f.written = t.centerNS, t.codeHash, t.time, t.written
	final, err := f.final(s.log.cache)
	return final.record(), err
}

// wholeRecords is records where a row that would be among them is damaged: it
// reads all, and tells what it skips.
func (l *Log) wholeRecords(ctx context.Context, workload, isa string) ([]Record, error) {
	var all []Record
	for f, err := range l.finals(ctx, finalsOf, workload, isa) {
		if err != nil {
			return nil, err
		}
		all = append(all, f.record())
	}
	type group struct{ machine, generator, protocol string }
	last := group{}
	for t, err := range l.trials(ctx, fromTrials+"WHERE w.text = ? AND u.isa = ? AND t.status = 'ok' ORDER BY setup, machine, "+byTime, workload, isa) {
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

// Queries that are made often say +? where ? would do: SQLite plans a query with
// "column = ?" again whenever the driver forgets the value of the last call.

const (
	byTime = "center_ns, length(schedule), schedule, time"

	finalsOf = fromFinals + "WHERE w.text = +? AND f.isa = +?"

	ofGroup = "INDEXED BY trials_by_center WHERE workload = w.id AND setup = u.id AND machine = m.id AND status = 'ok' AND leading = 1"

	anyOfGroup = "EXISTS (SELECT 1 FROM trials " + ofGroup + ")"

	leadersInOrder = `FROM workloads w CROSS JOIN machines m CROSS JOIN setups u CROSS JOIN trials t INDEXED BY trials_by_center
		ON t.workload = w.id AND t.setup = u.id AND t.machine = m.id AND t.status = 'ok' AND t.leading = 1
		WHERE w.text = +? AND m.text = +? AND u.isa = +? AND u.generator = +? AND u.protocol = +?
		ORDER BY ` + byTime + ` LIMIT +?`

	// fromFastest looks up the first trial of each machine and setup along the
	// index trials_by_center: it does not read the others. Only trials of equal
	// times, which are rare, are sorted.
	fromFastest = `FROM workloads w CROSS JOIN setups u CROSS JOIN machines m CROSS JOIN trials t ON t.id = (
			SELECT CASE (SELECT count(*) FROM trials ` + ofGroup + ` AND center_ns = first.center_ns)
				WHEN 1 THEN id
				ELSE (SELECT id FROM trials ` + ofGroup + ` AND center_ns = first.center_ns ORDER BY ` + byTime + ` LIMIT 1) END
			FROM trials first ` + ofGroup + ` ORDER BY center_ns LIMIT 1)
		WHERE w.text = +?1 AND u.isa = +?2`

	// Finals are given in the columns of trials, with an empty status.
	fastestRecords = `SELECT t.id, t.status, m.text, t.schedule, u.generator, u.protocol, t.seed, t.message, t.samples, t.center_ns, t.lo_ns, t.hi_ns,
		t.code_hash, t.time, t.checksum, '', 0.0 ` + fromFastest
	finalRecords = `UNION ALL SELECT f.id, '', m.text, f.schedule, f.generator, f.protocol, 0, '', x'', f.tuned_ns, 0.0, 0.0,
		f.code_hash, f.time, f.checksum, f.default_schedule, f.default_ns ` + fromFinals + "WHERE w.text = +?1 AND f.isa = +?2"

	recordsOfClass  = fastestRecords + " AND m.class = +?3 " + finalRecords + " AND m.class = +?3"
	recordsOfOthers = fastestRecords + " AND m.class <> +?3 " + finalRecords + " AND m.class <> +?3"
)

// likeBest yields the leaders of the group of r in order, in a form: enough for who
// looks for another as fast, however large the log.
func likeBest[T any](ctx context.Context, l *Log, r Record, form func(*trialRow, Trial) T) iter.Seq2[T, error] {
	return readTrials(ctx, l, leadersInOrder,
		[]any{r.Workload.String(), r.Target.Machine.String(), string(r.Target.ISA), r.Generator, r.Protocol, leaders}, form)
}
