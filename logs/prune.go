package logs

import (
	"context"
	"encoding/json"
	"fmt"
)

// Prune removes all but the keep fastest successful trials of each workload,
// machine, instruction set, generator and protocol, failures among them, and
// returns how many it removed. Finals and sessions stay, and so do the trials
// that Chooser offers beside a best one. The file shrinks.
func (l *Log) Prune(ctx context.Context, keep int) (removed int64, err error) {
	if keep < 1 {
		return 0, l.wrap(fmt.Errorf("prune: keep %d, must be positive", keep))
	}
	needed, err := l.neededTrials(ctx)
	if err != nil {
		return 0, err
	}
	ids, err := json.Marshal(needed)
	if err != nil {
		return 0, l.wrap(err)
	}
	err = l.write(ctx, func(w *writer) error {
		w.deleted = true
		res, err := w.tx.ExecContext(ctx, `DELETE FROM trials WHERE id NOT IN (
			SELECT id FROM (
				SELECT id, row_number() OVER (
					PARTITION BY workload, machine, setup ORDER BY center_ns, length(schedule), schedule) AS rank
				FROM trials WHERE status = 'ok')
			WHERE rank <= ?) AND id NOT IN (SELECT value FROM json_each(?))`, keep, string(ids))
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

// neededTrials returns the ids of the trials that choices depend on.
func (l *Log) neededTrials(ctx context.Context) ([]int64, error) {
	tasks, err := l.tasks(ctx)
	if err != nil {
		return nil, err
	}
	ids := []int64{}
	for _, q := range tasks {
		best, source, err := l.Best(ctx, q)
		if err != nil {
			return nil, err
		}
		if source > Stale {
			continue
		}
		for id, err := range fastestLayouts(ctx, l, best, func(r *trialRow, _ Trial) int64 { return r.id }) {
			if err != nil {
				return nil, err
			}
			ids = append(ids, id)
		}
	}
	return ids, nil
}
