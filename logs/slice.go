package logs

import (
	"cmp"
	"context"
	"io"
	"slices"

	"qtune/schedules"
)

// A Slice is a part of a log. Fields that are zero leave all in.
type Slice struct {
	Workload schedules.Workload
	ISA      schedules.ISA
	Machine  string // a machine's text, or words from the start of it
}

// args are the arguments of a query's conditions on workload, instruction set and
// machine.
func (s Slice) args() []any {
	workload := ""
	if s.Workload != (schedules.Workload{}) {
		workload = s.Workload.String()
	}
	return []any{workload, string(s.ISA), s.Machine}
}

const (
	machineStarts = "substr(m.text || ' ', 1, length(?3) + 1) = ?3 || ' '"

	ofSlice       = "WHERE (?1 = '' OR w.text = ?1) AND (?2 = '' OR u.isa = ?2) AND (?3 = '' OR " + machineStarts + ") "
	ofFinalsSlice = "WHERE (?1 = '' OR w.text = ?1) AND (?2 = '' OR f.isa = ?2) AND (?3 = '' OR " + machineStarts + ") "
)

// ExportSlice writes a part of the log as Export writes all of it. Rows name their
// sessions; what else is known of those stays here.
func (l *Log) ExportSlice(ctx context.Context, w io.Writer, s Slice) error {
	sessions, err := l.Sessions(ctx)
	if err != nil {
		return err
	}
	keys := map[int64]string{}
	for _, s := range sessions {
		keys[s.ID] = s.Key
	}
	return emitLines(w, func(emit func(any) error) error {
		if err := emit(logLine{"log", exportFormat}); err != nil {
			return err
		}
		trials := readTrials(ctx, l, trialsInOrder+ofSlice+trialOrder, s.args(), func(r *trialRow, t Trial) trialLine { return r.line(t, keys) })
		for line, err := range trials {
			if err != nil {
				return err
			}
			if err := emit(line); err != nil {
				return err
			}
		}
		finals := readFinals(ctx, l, fromFinals+ofFinalsSlice+finalOrder, s.args(), func(r *finalRow, f Final) finalLine { return r.line(f, keys) })
		for line, err := range finals {
			if err != nil {
				return err
			}
			if err := emit(line); err != nil {
				return err
			}
		}
		return emit(endLine{"end"})
	})
}

// ExportBestOf is ExportBest of some workloads, for an instruction set or all
// ("") and the machines whose text starts with the words of machine. Unlike
// ExportBest it does not read the whole log: it answers look-ups.
func (l *Log) ExportBestOf(ctx context.Context, w io.Writer, workloads []schedules.Workload, isa schedules.ISA, machine string) error {
	workloads = slices.Clone(workloads)
	slices.SortFunc(workloads, func(a, b schedules.Workload) int {
		return cmp.Compare(l.cache.workloadText(a), l.cache.workloadText(b))
	})
	l.answers.refresh()
	var all []answer
	for _, workload := range slices.Compact(workloads) {
		a, err := l.answer(ctx, answerKey{workload, isa, machine})
		if err != nil {
			return err
		}
		all = append(all, a)
	}
	return writeBest(w, all...)
}

// answer returns the lines about one workload.
func (l *Log) answer(ctx context.Context, k answerKey) (answer, error) {
	a, ok, mark := l.answers.get(k)
	if ok {
		return a, nil
	}
	tasks, err := l.readTasks(ctx, tasksOfSlice, Slice{k.workload, k.isa, k.machine}.args()...)
	if err != nil {
		return a, err
	}
	if a, err = l.bestOf(ctx, tasks); err != nil {
		return a, err
	}
	l.answers.put(k, a, mark)
	return a, nil
}

// tasksOfSlice finds by the index whether a group has a trial: it does not read
// them.
const tasksOfSlice = `SELECT w.id, w.text, p.isa, m.class, min(m.text) FROM (
		SELECT f.workload, f.machine, f.isa FROM finals f JOIN workloads w ON w.id = f.workload WHERE w.text = ?1
		UNION SELECT w.id, m.id, u.isa FROM workloads w CROSS JOIN setups u CROSS JOIN machines m
			WHERE w.text = ?1 AND EXISTS (SELECT 1 FROM trials t ` + ofGroup + `)
	) p JOIN workloads w ON w.id = p.workload JOIN machines m ON m.id = p.machine
	WHERE (?2 = '' OR p.isa = ?2) AND (?3 = '' OR ` + machineStarts + `)
	GROUP BY w.text, p.isa, m.class ORDER BY w.text, p.isa, m.class`
