package logs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"qtune/schedules"
)

// Verify reads everything and returns what is damaged: pages by SQLite's own
// check, rows by their checksums, columns that rows are found by, times that say
// that a clock was wrong.
func (l *Log) Verify(ctx context.Context) ([]error, error) {
	var damage []error
	reader := l.reader(func(err error) { damage = append(damage, err) })
	for _, err := range reader.AllTrials(ctx) {
		if err != nil {
			damage = append(damage, err)
		}
	}
	for _, err := range reader.AllFinals(ctx) {
		if err != nil {
			damage = append(damage, err)
		}
	}
	if err := reader.checkNames(ctx); err != nil {
		damage = append(damage, err)
	}
	if ctx.Err() != nil {
		return damage, l.wrap(ctx.Err())
	}
	clocks, err := l.checkClocks(ctx)
	if err != nil {
		return damage, err
	}
	pages, err := l.checkPages(ctx)
	return slices.Concat(damage, clocks, pages), err
}

// reader returns a view of l that reports damaged rows to warn.
func (l *Log) reader(warn func(error)) *Log {
	return &Log{path: l.path, readOnly: true, warn: warn, db: l.db, cache: l.cache, answers: l.answers}
}

// checkNames reports machines and workloads whose text cannot be read, or whose
// class or operator, by which they are looked up, is not that of their text.
func (l *Log) checkNames(ctx context.Context) error {
	for _, c := range []struct {
		table, column string
		about         func(text string) (string, error)
	}{
		{"machines", "class", func(text string) (string, error) {
			m, err := schedules.ParseMachine(text)
			return m.Class(), err
		}},
		{"workloads", "op", func(text string) (string, error) {
			w, err := schedules.ParseWorkload(text)
			return string(w.Op), err
		}},
	} {
		scan := func(rows *sql.Rows) (id int64, check func() (string, error), err error) {
			var text, about string
			err = rows.Scan(&id, &text, &about)
			return id, func() (string, error) {
				want, err := c.about(text)
				if err == nil && about != want {
					err = fmt.Errorf("its %s is %s, not %.60q", c.column, want, about)
				}
				return text, err
			}, err
		}
		for _, err := range read(ctx, l, c.table, "SELECT id, text, "+c.column+" FROM "+c.table, nil, scan) {
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *Log) checkPages(ctx context.Context) ([]error, error) {
	rows, err := l.db.QueryContext(ctx, "PRAGMA integrity_check(20)")
	if err != nil {
		return nil, l.wrap(err)
	}
	defer rows.Close()
	var damage []error
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return damage, l.wrap(err)
		}
		if text != "ok" {
			damage = append(damage, l.wrap(errors.New(text)))
		}
	}
	if err := rows.Err(); err != nil {
		damage = append(damage, l.wrap(err))
	}
	return damage, nil
}

// checkClocks returns what cannot be true of times. The latest of equal finals is
// preferred, so a wrong clock can prefer the wrong one.
func (l *Log) checkClocks(ctx context.Context) ([]error, error) {
	const future = 24 * time.Hour // clocks of other machines may be ahead a little
	var wrong []error
	for _, c := range []struct{ query, message string }{
		{"SELECT count(*) FROM sessions WHERE ended <> 0 AND ended < started", "%d sessions ended before they started: the clock went back"},
		{"SELECT count(*) FROM trials t JOIN sessions s ON s.id = t.session WHERE t.time < s.started", "%d trials are older than their session: the clock went back"},
		{"SELECT count(*) FROM finals f JOIN sessions s ON s.id = f.session WHERE f.time < s.started", "%d finals are older than their session: the clock went back"},
		{fmt.Sprintf("SELECT count(*) FROM trials WHERE time > %d", time.Now().Add(future).UnixNano()), "%d trials are from the future"},
		{fmt.Sprintf("SELECT count(*) FROM finals WHERE time > %d", time.Now().Add(future).UnixNano()), "%d finals are from the future"},
	} {
		n := 0
		if err := l.db.QueryRowContext(ctx, c.query).Scan(&n); err != nil {
			return wrong, l.wrap(err)
		}
		if n > 0 {
			wrong = append(wrong, l.wrap(&ClockError{fmt.Sprintf(c.message, n)}))
		}
	}
	return wrong, nil
}

// A ClockError says that times in the log cannot be true.
type ClockError struct{ text string }

func (e *ClockError) Error() string { return e.text }
