// Package logs is the store of everything measured: an SQLite file to which
// trials are appended and from which the compiler chooses schedules. In: Trials
// and Finals of the tuner, or the text export of another log. Out: trials for
// resuming, the Best record of a workload, a sorted text export.
//
// Invariants:
//
//   - Rows are only added (Prune, on request, is the exception). The same trial
//     is stored once, however often it is appended, imported or merged.
//   - What Append has returned for stays, also when the process is killed or
//     the power fails: a write-ahead log, synced at each commit.
//   - Any number of processes write: they take turns, a transaction each, by a
//     lock on the file name + ".lock". Others read at any time.
//   - Each row carries a checksum over all it says. A damaged row is reported
//     to Options.Warn and skipped.
//   - The schema only moves forward, by the numbered files in migrations/; a
//     log of a newer version is refused.
//
// File format: https://www.sqlite.org/fileformat2.html. A log that no process
// has open for writing is one file, which can be checked in or copied.
package logs

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"qtune/schedules"
)

// Options say how to open a log. The zero Options open it for writing, and
// create it where it does not exist.
type Options struct {
	ReadOnly bool
	Frozen   bool        // ReadOnly, and nothing is made beside the file; refused while somebody writes
	Warn     func(error) // told of each damaged row that is skipped (a RowError) and of a ClockError; may be nil
}

// A Log is an open store. It is safe for concurrent use.
type Log struct {
	path     string
	readOnly bool
	warn     func(error)
	db       *sql.DB
	lock     *fileLock // between processes; nil where readOnly
	writing  sync.Mutex
	cache    *cache
	answers  *answers
}

// Path returns the file name as given to Open.
func (l *Log) Path() string { return l.path }

// Close releases the file. A writer's Close leaves one file behind, without
// write-ahead log, unless somebody still reads.
func (l *Log) Close() error {
	l.answers.close()
	if l.lock != nil {
		defer l.lock.close()
		// The last to close puts the files together. Without a turn, SQLite takes
		// care by itself.
		_ = l.lock.acquire(context.Background())
	}
	return l.wrap(l.db.Close())
}

// wrap names the log in an error.
func (l *Log) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("log %s: %w", l.path, explain(err))
}

// skip reports a damaged row.
func (l *Log) skip(table string, id int64, err error) {
	if l.warn != nil {
		l.warn(l.wrap(&RowError{table, id, err}))
	}
}

// A RowError is a damaged row.
type RowError struct {
	Table string
	ID    int64
	Err   error
}

func (e *RowError) Error() string { return fmt.Sprintf("%s row %d: %v", e.Table, e.ID, e.Err) }

// Unwrap returns the cause.
func (e *RowError) Unwrap() error { return e.Err }

// StatusOK is the status of a trial with samples. All others are failures.
const StatusOK = "ok"

// A Trial is one measurement of one schedule, or its failure.
type Trial struct {
	Workload  schedules.Workload
	Target    schedules.Target
	Schedule  schedules.Schedule
	Generator string // version of the code generator; results of others are seeds only
	Protocol  string // how it was measured; times of different protocols do not compare
	Seed      uint64 // of the layer's numbers

	Status    string // StatusOK, or the kind of failure
	Message   string // why it failed
	SamplesNS []float64
	CenterNS,
	LoNS, HiNS float64 // summary of the samples

	CodeHash string
	Time     time.Time
	Session  int64 // id in this log; 0 = none
}

// A Final is the outcome of tuning a workload: the schedule that won when the
// finalists and the default were measured side by side.
type Final struct {
	Workload  schedules.Workload
	Target    schedules.Target
	Schedule  schedules.Schedule
	Generator string
	Protocol  string
	TunedNS   float64

	DefaultSchedule schedules.Schedule
	DefaultNS       float64

	CodeHash string
	Time     time.Time
	Session  int64 // id in this log; 0 = none
}

// A Session is one run of a program that wrote to the log.
type Session struct {
	ID      int64  // in this log
	Key     string // random; the same in every log that the session's rows reach
	Command string
	Seed    uint64
	Started time.Time
	Ended   time.Time // zero: it still runs, or was killed
}

// Counts says how much a log holds.
type Counts struct{ Machines, Workloads, Sessions, Trials, Failed, Finals int }

// Stats counts the rows.
func (l *Log) Stats(ctx context.Context) (Counts, error) {
	var c Counts
	err := l.db.QueryRowContext(ctx, `SELECT
		(SELECT count(*) FROM machines), (SELECT count(*) FROM workloads), (SELECT count(*) FROM sessions),
		(SELECT count(*) FROM trials), (SELECT count(*) FROM trials WHERE status <> 'ok'), (SELECT count(*) FROM finals)`).
		Scan(&c.Machines, &c.Workloads, &c.Sessions, &c.Trials, &c.Failed, &c.Finals)
	return c, l.wrap(err)
}
