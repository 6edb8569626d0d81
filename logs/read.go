package logs

import (
	"context"
	"database/sql"
	"iter"

	"qtune/schedules"
)

const (
	trialColumns = `SELECT t.id, w.text, m.text, u.isa, t.schedule, u.generator, u.protocol, t.seed, t.status, t.message,
		t.samples, t.center_ns, t.lo_ns, t.hi_ns, t.code_hash, t.time, coalesce(t.session, 0), t.checksum `
	fromTrials   = "FROM trials t JOIN workloads w ON w.id = t.workload JOIN machines m ON m.id = t.machine JOIN setups u ON u.id = t.setup "
	finalColumns = `SELECT f.id, w.text, m.text, f.isa, f.schedule, f.generator, f.protocol, f.tuned_ns,
		f.default_schedule, f.default_ns, f.code_hash, f.time, coalesce(f.session, 0), f.checksum `
	fromFinals = "FROM finals f JOIN workloads w ON w.id = f.workload JOIN machines m ON m.id = f.machine "
)

// Trials yields the trials of a workload on machines of t's class with t's
// instruction set, in the order in which they were stored: what a tuner starts
// from. All generators and protocols are among them, and failures. A damaged
// row is skipped; an error is the last thing that is yielded.
func (l *Log) Trials(ctx context.Context, w schedules.Workload, t schedules.Target) iter.Seq2[Trial, error] {
	return l.trials(ctx, fromTrials+"WHERE w.text = ? AND m.class = ? AND u.isa = ? ORDER BY t.id",
		w.String(), t.Machine.Class(), string(t.ISA))
}

// AllTrials yields all trials, sorted by workload, machine, instruction set,
// generator and protocol; those of each in the order in which they were
// measured. Damaged rows and errors are as for Trials.
func (l *Log) AllTrials(ctx context.Context) iter.Seq2[Trial, error] { return l.trials(ctx, inOrder) }

// AllFinals yields all finals, sorted by what they measured. Damaged rows and
// errors are as for Trials.
func (l *Log) AllFinals(ctx context.Context) iter.Seq2[Final, error] {
	return l.finals(ctx, finalsInOrder)
}

const (
	// The order of the joins is that of the result: each table is read along an
	// index, and nothing is sorted, however large the log.
	inOrder       = trialsInOrder + trialOrder
	trialsInOrder = `FROM workloads w CROSS JOIN machines m CROSS JOIN setups u CROSS JOIN trials t
		ON t.workload = w.id AND t.machine = m.id AND t.setup = u.id `
	trialOrder    = "ORDER BY w.text, m.text, u.isa, u.generator, u.protocol, t.time, t.checksum"
	finalsInOrder = fromFinals + finalOrder
	finalOrder    = "ORDER BY w.text, m.text, f.isa, f.schedule, f.generator, f.protocol, f.time"
)

func (l *Log) trials(ctx context.Context, from string, args ...any) iter.Seq2[Trial, error] {
	return readTrials(ctx, l, from, args, func(_ *trialRow, t Trial) Trial { return t })
}

func (l *Log) finals(ctx context.Context, from string, args ...any) iter.Seq2[Final, error] {
	return readFinals(ctx, l, from, args, func(_ *finalRow, f Final) Final { return f })
}

// readTrials yields what form makes of each whole trial.
func readTrials[T any](ctx context.Context, l *Log, from string, args []any, form func(*trialRow, Trial) T) iter.Seq2[T, error] {
	return read(ctx, l, "trials", trialColumns+from, args, func(rows *sql.Rows) (int64, func() (T, error), error) {
		var r trialRow
		err := rows.Scan(&r.id, &r.workload, &r.machine, &r.isa, &r.schedule, &r.generator, &r.protocol, &r.seed, &r.status, &r.message,
			&r.samples, &r.centerNS, &r.loNS, &r.hiNS, &r.codeHash, &r.time, &r.session, &r.written)
		return r.id, func() (T, error) {
			t, err := r.trial(l.cache)
			return form(&r, t), err
		}, err
	})
}

// readFinals yields what form makes of each whole final.
func readFinals[T any](ctx context.Context, l *Log, from string, args []any, form func(*finalRow, Final) T) iter.Seq2[T, error] {
	return read(ctx, l, "finals", finalColumns+from, args, func(rows *sql.Rows) (int64, func() (T, error), error) {
		var r finalRow
		err := rows.Scan(&r.id, &r.workload, &r.machine, &r.isa, &r.schedule, &r.generator, &r.protocol, &r.tunedNS,
			&r.defaultSchedule, &r.defaultNS, &r.codeHash, &r.time, &r.session, &r.written)
		return r.id, func() (T, error) {
			f, err := r.final(l.cache)
			return form(&r, f), err
		}, err
	})
}

// read yields the rows of a query that are whole. scan returns a row's id, and
// the check that turns it into a value.
func read[T any](ctx context.Context, l *Log, table, query string, args []any,
	scan func(*sql.Rows) (int64, func() (T, error), error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		rows, err := l.query(ctx, query, args...)
		if err != nil {
			yield(none, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			id, parse, err := scan(rows)
			var value T
			if err == nil {
				value, err = parse()
			}
			if err != nil && ctx.Err() != nil {
				break // Err says so below
			}
			if err != nil {
				l.skip(table, id, err)
				continue
			}
			if !yield(value, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(none, l.wrap(err))
		}
	}
}

// query runs a query. The caller closes the rows.
func (l *Log) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	rows, err := l.db.QueryContext(ctx, text, args...)
	return rows, l.wrap(err)
}

// Machines returns the machines that something was measured on, sorted by text.
func (l *Log) Machines(ctx context.Context) ([]schedules.Machine, error) {
	return texts(ctx, l, "machines", schedules.ParseMachine, "SELECT id, text FROM machines ORDER BY text")
}

// texts parses the texts of a query for (id, text) of a table.
func texts[T any](ctx context.Context, l *Log, table string, parse func(string) (T, error), query string, args ...any) ([]T, error) {
	var all []T
	for v, err := range read(ctx, l, table, query, args, func(rows *sql.Rows) (id int64, value func() (T, error), err error) {
		var text string
		err = rows.Scan(&id, &text)
		return id, func() (T, error) { return parse(text) }, err
	}) {
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// TrialsOf yields all trials of a workload, on whatever, in the order in which
// they were measured.
func (l *Log) TrialsOf(ctx context.Context, w schedules.Workload) iter.Seq2[Trial, error] {
	return l.trials(ctx, fromTrials+"WHERE w.text = ? ORDER BY t.time, t.id", w.String())
}

// FinalsOf yields all finals of a workload, in the order in which they were held.
func (l *Log) FinalsOf(ctx context.Context, w schedules.Workload) iter.Seq2[Final, error] {
	return l.finals(ctx, fromFinals+"WHERE w.text = ? ORDER BY f.time, f.id", w.String())
}
