package logs

import (
	"context"
	"database/sql"
	"sync"

	"qtune/schedules"
)

// An answerKey is a question of ExportBestOf, for one workload.
type answerKey struct {
	workload schedules.Workload
	isa      schedules.ISA
	machine  string
}

// An answer is what ExportBest writes of workloads, one for ExportBestOf: lines.
type answer struct{ trials, finals []byte }

// maxAnswers bounds what is remembered: some kilobytes each.
const maxAnswers = 1 << 12

// answers remembers what ExportBestOf found, for as long as the rows stay that it was
// found in: a service is asked for the same networks over and over, while it tunes
// another. What this Log writes changes the answers for those workloads; what somebody
// else writes, which shows in the version that SQLite gives the file's data, may
// change any. It is safe for concurrent use.
type answers struct {
	db *sql.DB
	mu struct {
		sync.Mutex
		eye     *sql.Conn // sees commits of all other connections; nil until it is asked
		version int64     // https://www.sqlite.org/pragma.html#pragma_data_version, as eye saw it last
		known   map[answerKey]answer
		// Changes are numbered, so that no answer is kept that is older than one.
		changes uint64
		all     uint64                        // the last change of anything
		of      map[schedules.Workload]uint64 // the last of a workload, if later
	}
}

func newAnswers(db *sql.DB) *answers {
	a := &answers{db: db}
	a.forget()
	return a
}

// forget drops all answers. The caller holds the lock, or has the only reference.
func (a *answers) forget() {
	a.mu.changes++
	a.mu.all = a.mu.changes
	a.mu.known, a.mu.of = map[answerKey]answer{}, map[schedules.Workload]uint64{}
}

// look sees whether somebody else has written. The caller holds the lock.
func (a *answers) look() (changed bool) {
	var version int64
	err := a.mu.eye.QueryRowContext(context.Background(), "PRAGMA data_version").Scan(&version)
	changed = err != nil || version != a.mu.version
	a.mu.version = version
	return changed
}

// refresh drops all answers if somebody else has written since the last time.
func (a *answers) refresh() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.mu.eye == nil {
		eye, err := a.db.Conn(context.Background())
		if err != nil {
			return // the log has been closed: whoever reads it will say so
		}
		a.mu.eye = eye
	}
	if a.look() {
		a.forget()
	}
}

// get returns the answer to a question, as of the last refresh at least, and else a
// mark for put.
func (a *answers) get(k answerKey) (found answer, ok bool, mark uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	found, ok = a.mu.known[k]
	return found, ok, a.mu.changes
}

// put remembers what was found after get gave a mark, unless it may have changed.
func (a *answers) put(k answerKey, found answer, mark uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.mu.eye == nil || a.mu.all > mark || a.mu.of[k.workload] > mark {
		return
	}
	if len(a.mu.known) >= maxAnswers {
		a.forget()
	}
	a.mu.known[k] = found
}

// before is called by a writer who has his turn: what others wrote since it was looked is
// not his.
func (a *answers) before() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.mu.eye != nil && a.look() {
		a.forget()
	}
}

// after is called when he has committed, still in his turn.
func (a *answers) after(w *writer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.mu.eye == nil {
		return
	}
	a.look() // the change is his own
	if w.deleted || len(a.mu.of) >= maxAnswers {
		a.forget()
		return
	}
	if len(w.workloads) == 0 {
		return
	}
	a.mu.changes++
	for k := range w.workloads {
		a.mu.of[k] = a.mu.changes
	}
	for k := range a.mu.known {
		if w.workloads[k.workload] {
			delete(a.mu.known, k)
		}
	}
}

// close gives the connection back.
func (a *answers) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.mu.eye != nil {
		a.mu.eye.Close() // the database's Close says what is wrong
		a.mu.eye = nil
	}
}
