package logs

import (
	"context"
	"iter"
)

// mergeBatch is the number of rows of one transaction: others write in between.
const mergeBatch = 5000

// Merge adds what another log holds and l does not. Damaged rows of from are
// reported to its Options.Warn. After an error, rows before it may be stored;
// merging again goes on.
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
		return nil
	})
	if err != nil {
		return ImportStats{}, err
	}
	err = mergeRows(ctx, l, from.AllTrials(ctx), &stats, func(w *writer, t Trial) (bool, error) {
		t.Session = ids[t.Session]
		return w.trial(t)
	})
	if err != nil {
		return stats, err
	}
	err = mergeRows(ctx, l, from.AllFinals(ctx), &stats, func(w *writer, f Final) (bool, error) {
		f.Session = ids[f.Session]
		return w.final(f)
	})
	return stats, err
}

// mergeRows adds rows, some in each transaction.
func mergeRows[T any](ctx context.Context, l *Log, rows iter.Seq2[T, error], stats *ImportStats, add func(*writer, T) (bool, error)) error {
	batch := make([]T, 0, mergeBatch)
	flush := func() error {
		done := *stats
		err := l.write(ctx, func(w *writer) error {
			for _, row := range batch {
				added, err := add(w, row)
				if err != nil {
					return err
				}
				done.count(added)
			}
			return nil
		})
		if err == nil {
			*stats = done
			batch = batch[:0]
		}
		return err
	}
	for row, err := range rows {
		if err != nil {
			return err
		}
		if batch = append(batch, row); len(batch) == cap(batch) {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// A Conflict is a task whose finals named different winners.
type Conflict struct {
	Query
	Decision
}

// Conflicts returns the tasks whose finals disagree, and what Best makes of them.
func (l *Log) Conflicts(ctx context.Context) ([]Conflict, error) {
	tasks, err := l.tasks(ctx)
	if err != nil {
		return nil, err
	}
	var all []Conflict
	for _, q := range tasks {
		records, err := l.records(ctx, q)
		if err != nil {
			return nil, err
		}
		ranked := q.rank(records)
		if len(ranked) == 0 || !ranked[0].Final || ranked[0].source > Stale {
			continue
		}
		d, err := l.decide(ctx, peers(ranked))
		if err != nil {
			return nil, err
		}
		if len(d.Estimates) > 0 {
			all = append(all, Conflict{q, d})
		}
	}
	return all, nil
}
