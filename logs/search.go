package logs

import (
	"context"
	"database/sql"
	"strings"

	"qtune/schedules"
)

// A Match sums up the trials of a workload with one instruction set on one machine,
// of all generators and protocols.
type Match struct {
	Workload schedules.Workload
	Target   schedules.Target
	Trials   int
	Failed   int
	BestNS   float64 // 0 = none worked
}

// maxWords bounds a search.
const maxWords = 16

// Search returns up to limit matches, sorted by workload, instruction set and
// machine, of the workloads whose text holds every word of text. More tells that
// there are others.
func (l *Log) Search(ctx context.Context, text string, limit int) (matches []Match, more bool, err error) {
	where, args := "true", []any{}
	for i, word := range strings.Fields(text) {
		if i == maxWords {
			break
		}
		where += " AND instr(w.text, ?) > 0"
		args = append(args, word)
	}
	query := `SELECT w.id, w.text, u.isa, m.text, count(*), sum(t.status <> 'ok'),
		coalesce(min(CASE t.status WHEN 'ok' THEN t.center_ns END), 0.0)
		FROM workloads w JOIN trials t ON t.workload = w.id JOIN machines m ON m.id = t.machine JOIN setups u ON u.id = t.setup
		WHERE ` + where + " GROUP BY w.id, u.isa, m.id ORDER BY w.text, u.isa, m.text LIMIT ?"
	for m, err := range read(ctx, l, "workloads", query, append(args, limit+1), l.scanMatch) {
		if err != nil {
			return nil, false, err
		}
		if len(matches) == limit {
			return matches, true, nil
		}
		matches = append(matches, m)
	}
	return matches, false, nil
}

func (l *Log) scanMatch(rows *sql.Rows) (id int64, value func() (Match, error), err error) {
	var (
		m                      Match
		workload, isa, machine string
	)
	err = rows.Scan(&id, &workload, &isa, &machine, &m.Trials, &m.Failed, &m.BestNS)
	return id, func() (Match, error) {
		var err error
		if m.Workload, err = l.cache.workload(workload); err != nil {
			return m, err
		}
		m.Target, err = l.cache.target(isa, machine)
		return m, err
	}, err
}
