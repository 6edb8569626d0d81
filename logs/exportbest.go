package logs

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"iter"
	"slices"

	"qtune/kernels"
	"qtune/kernels/module"
	"qtune/schedules"
)

// ExportBest writes the rows that Best and Chooser need to give the answers that
// they give now, for each workload, instruction set and class of machine: at most
// a final and two trials each. Nothing changes in it that does not change those
// answers, and it is sorted: made to be kept under version control. Import reads
// it; the log that it makes has the same export.
func (l *Log) ExportBest(ctx context.Context, w io.Writer) error {
	tasks, err := l.tasks(ctx)
	if err != nil {
		return err
	}
	best, err := l.bestOf(ctx, tasks)
	if err != nil {
		return err
	}
	return writeBest(w, best)
}

// writeBest writes an export of answers, which are sorted by workload.
func writeBest(w io.Writer, all ...answer) error {
	head, err := encodeLines([]logLine{{"log", exportFormat}})
	if err != nil {
		return err
	}
	end, err := encodeLines([]endLine{{"end"}})
	if err != nil {
		return err
	}
	parts := [][]byte{head}
	for _, a := range all {
		parts = append(parts, a.trials)
	}
	for _, a := range all {
		parts = append(parts, a.finals)
	}
	_, err = w.Write(slices.Concat(append(parts, end)...))
	return err
}

// encodeLines encodes lines of an export.
func encodeLines[T any](lines []T) ([]byte, error) {
	var b bytes.Buffer
	err := emitLines(&b, func(emit func(any) error) error {
		for _, line := range lines {
			if err := emit(line); err != nil {
				return err
			}
		}
		return nil
	})
	return b.Bytes(), err
}

// bestOf finds what decides what tasks get.
func (l *Log) bestOf(ctx context.Context, tasks []Query) (a answer, err error) {
	var best bestLines
	for _, q := range tasks {
		if err := l.addBest(ctx, q, &best); err != nil {
			return a, err
		}
	}
	best.sort()
	if a.trials, err = encodeLines(best.trials); err != nil {
		return a, err
	}
	a.finals, err = encodeLines(best.finals)
	return a, err
}

type bestLines struct {
	trials []trialLine
	finals []finalLine
}

// sort brings the lines into the order of Export.
func (b *bestLines) sort() {
	slices.SortFunc(b.trials, func(x, y trialLine) int {
		return cmp.Or(
			cmp.Compare(x.Workload, y.Workload), cmp.Compare(x.Machine, y.Machine), cmp.Compare(x.ISA, y.ISA),
			cmp.Compare(x.Generator, y.Generator), cmp.Compare(x.Protocol, y.Protocol), x.Time.Compare(y.Time), cmp.Compare(x.Check, y.Check))
	})
	slices.SortFunc(b.finals, func(x, y finalLine) int {
		return cmp.Or(
			cmp.Compare(x.Workload, y.Workload), cmp.Compare(x.Machine, y.Machine), cmp.Compare(x.ISA, y.ISA), cmp.Compare(x.Schedule, y.Schedule),
			cmp.Compare(x.Generator, y.Generator), cmp.Compare(x.Protocol, y.Protocol), x.Time.Compare(y.Time))
	})
}

// addBest adds the rows that decide what q gets: the best record, and what
// chooser.others offers beside it.
func (l *Log) addBest(ctx context.Context, q Query, to *bestLines) error {
	best, source, err := l.Best(ctx, q)
	if err != nil || source > Stale {
		return err
	}
	type line struct {
		final finalLine
		of    Record
	}
	form := func(r *finalRow, f Final) line { return line{r.line(f, nil), f.record()} }
	for f, err := range readFinals(ctx, l, finalsOf, []any{q.Workload.String(), string(q.Target.ISA)}, form) {
		if err != nil {
			return err
		}
		if f.of == best {
			to.finals = append(to.finals, f.final)
		}
	}
	for t, err := range fastestLayouts(ctx, l, best, func(r *trialRow, t Trial) trialLine { return r.line(t, nil) }) {
		if err != nil {
			return err
		}
		to.trials = append(to.trials, t)
	}
	return nil
}

// fastestLayouts yields the fastest trial like best, and the fastest of each
// other layout, in a form: what chooser.others reads.
func fastestLayouts[T any](ctx context.Context, l *Log, best Record, form func(*trialRow, Trial) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		space, err := l.cache.space(best.Workload, best.Target.ISA)
		if err != nil {
			return // an instruction set without schedules: nothing is chosen
		}
		type candidate struct {
			form     T
			schedule schedules.Schedule
		}
		seen := map[module.Layout]bool{}
		for c, err := range likeBest(ctx, l, best, func(r *trialRow, t Trial) candidate { return candidate{form(r, t), t.Schedule} }) {
			if err != nil {
				yield(c.form, err)
				return
			}
			layout := module.LayoutOf(best.Workload, c.schedule)
			if len(seen) > 0 && (seen[layout] || space.Validate(c.schedule) != nil) {
				continue
			}
			seen[layout] = true
			if !yield(c.form, nil) {
				return
			}
		}
	}
}

// tasks lists what the log has a successful measurement of: a query for each
// workload, instruction set and class of machine, sorted.
func (l *Log) tasks(ctx context.Context) ([]Query, error) {
	return l.readTasks(ctx, `SELECT DISTINCT w.id, w.text, p.isa, m.class, min(m.text) FROM (
			SELECT workload, machine, isa FROM finals
			UNION SELECT w.id, m.id, u.isa FROM workloads w CROSS JOIN machines m CROSS JOIN setups u WHERE `+anyOfGroup+`
		) p JOIN workloads w ON w.id = p.workload JOIN machines m ON m.id = p.machine
		GROUP BY w.text, p.isa, m.class ORDER BY w.text, p.isa, m.class`)
}

// readTasks makes a Query of each row (workload's id and text, instruction set,
// machine's class and text).
func (l *Log) readTasks(ctx context.Context, query string, args ...any) ([]Query, error) {
	rows, err := l.query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Query
	for rows.Next() {
		var (
			id                            int64
			workload, isa, class, machine string
		)
		if err := rows.Scan(&id, &workload, &isa, &class, &machine); err != nil {
			return nil, l.wrap(err)
		}
		w, err := l.cache.workload(workload)
		var t schedules.Target
		if err == nil {
			t, err = l.cache.target(isa, machine)
		}
		if err != nil {
			l.skip("workloads", id, err)
			continue
		}
		all = append(all, Query{Workload: w, Target: t, Generator: kernels.Generator})
	}
	return all, l.wrap(rows.Err())
}
