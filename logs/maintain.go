package logs

import (
	"context"
	"errors"
	"fmt"
)

// Merge adds what another log holds and l does not. Damaged rows of from are
// reported to its Options.Warn.
func (l *Log) Merge(ctx context.Context, from *Log) (ImportStats, error) {
	var stats ImportStats
	sessions, err := from.Sessions(ctx)
	if err != nil {
		return stats, err
	}
	ids := map[int64]int64{0: 0} // from's to l's
	err = l.write(ctx, func(w *writer) error {
		for _, s := range sessions {
			id, added, err := w.session(s)
			if err != nil {
				return err
			}
			ids[s.ID] = id
			stats.count(added)
		}
		for t, err := range from.AllTrials(ctx) {
			if err != nil {
				return err
			}
			t.Session = ids[t.Session]
			added, err := w.trial(t)
			if err != nil {
				return err
			}
			stats.count(added)
		}
		for f, err := range from.AllFinals(ctx) {
			if err != nil {
				return err
			}
			f.Session = ids[f.Session]
			added, err := w.final(f)
			if err != nil {
				return err
			}
			stats.count(added)
		}
		return nil
	})
	if err != nil {
		return ImportStats{}, err
	}
	return stats, nil
}

// Verify reads everything and returns what is damaged: pages by SQLite's own
// check, rows by their checksums.
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
	if ctx.Err() != nil {
		return damage, l.wrap(ctx.Err())
	}
	pages, err := l.checkPages(ctx)
	return append(damage, pages...), err
}

// reader returns a view of l that reports damaged rows to warn.
func (l *Log) reader(warn func(error)) *Log {
	return &Log{path: l.path, readOnly: true, warn: warn, db: l.db, cache: l.cache}
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

// Prune removes all but the keep fastest successful trials of each workload,
// machine, instruction set, generator and protocol, failures among them, and
// returns how many it removed. Finals and sessions stay. The file shrinks.
func (l *Log) Prune(ctx context.Context, keep int) (removed int64, err error) {
	if keep < 1 {
		return 0, l.wrap(fmt.Errorf("prune: keep %d, must be positive", keep))
	}
	err = l.write(ctx, func(w *writer) error {
		res, err := w.tx.ExecContext(ctx, `DELETE FROM trials WHERE id NOT IN (
			SELECT id FROM (
				SELECT id, row_number() OVER (
					PARTITION BY workload, machine, setup
					ORDER BY center_ns, length(schedule), schedule) AS rank
				FROM trials WHERE status = 'ok')
			WHERE rank <= ?)`, keep)
		if err != nil {
			return err
		}
		removed, err = res.RowsAffected()
		return err
	})
	if err != nil {
		return 0, err
	}
	done, err := l.turn(ctx)
	if err != nil {
		return removed, l.wrap(err)
	}
	defer done()
	_, err = l.db.ExecContext(ctx, "VACUUM")
	return removed, l.wrap(err)
}
