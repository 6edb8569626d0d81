package logs

import (
	"database/sql"
	"errors"
	"math"
)

// A group is the trials of one workload on one machine with one setup: those that
// compare.
type group struct {
	workload, machine, setup int64   // ids
	slowest                  float64 // a trial beyond does not lead: so many are faster
}

type groupKey struct{ workload, machine, isa, generator, protocol string }

// leaders is how many trials of a group can be looked up by their time, the fastest.
// A trial that is among them is among those of fewer trials, too: whether it leads
// is known when it is added. Where it does not, the index by time does not grow.
const leaders = 100

// leads tells whether the trial may be one of the fastest of its group.
func (g *group) leads(r *trialRow) bool { return r.status == StatusOK && r.centerNS <= g.slowest }

// group returns that of t, of which r is the stored form, with new rows for what is
// new of it.
func (w *writer) group(t Trial, r *trialRow) (*group, error) {
	key := groupKey{r.workload, r.machine, r.isa, r.generator, r.protocol}
	if g := w.groups[key]; g != nil {
		return g, nil
	}
	if err := checkIdentity(t.Workload, t.Target); err != nil {
		return nil, err
	}
	var g group
	var err error
	if g.workload, err = w.intern("workloads", insertWorkload, r.workload, string(t.Workload.Op)); err != nil {
		return nil, err
	}
	if g.machine, err = w.intern("machines", insertMachine, r.machine, t.Target.Machine.Class()); err != nil {
		return nil, err
	}
	if g.setup, err = w.setup(r); err != nil {
		return nil, err
	}
	err = w.tx.QueryRowContext(w.ctx, slowestLeader, g.workload, g.setup, g.machine, leaders-1).Scan(&g.slowest)
	if errors.Is(err, sql.ErrNoRows) {
		g.slowest = math.Inf(1)
	} else if err != nil {
		return nil, err
	}
	w.groups[key] = &g
	return &g, nil
}

// setup returns the id of what r was measured with, besides the machine.
func (w *writer) setup(r *trialRow) (int64, error) {
	key := [3]string{r.isa, r.generator, r.protocol}
	if id, ok := w.setups[key]; ok {
		return id, nil
	}
	if err := w.exec(insertSetup, r.isa, r.generator, r.protocol); err != nil {
		return 0, err
	}
	id, err := w.queryID("SELECT id FROM setups WHERE isa = ? AND generator = ? AND protocol = ?", r.isa, r.generator, r.protocol)
	if err == nil {
		w.setups[key] = id
	}
	return id, err
}

const (
	insertSetup = "INSERT INTO setups (isa, generator, protocol) VALUES (?, ?, ?) ON CONFLICT (isa, generator, protocol) DO NOTHING"

	slowestLeader = `SELECT center_ns FROM trials INDEXED BY trials_by_center
		WHERE workload = +? AND setup = +? AND machine = +? AND status = 'ok' AND leading = 1 ORDER BY center_ns LIMIT 1 OFFSET +?`
)
