package logs

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"qtune/schedules"
)

// Append stores trials in one transaction. When it returns nil they are
// durable; when it returns an error none is stored. Trials that the log has
// already, the same in all they say, are left out.
func (l *Log) Append(ctx context.Context, trials []Trial) error {
	return l.write(ctx, func(w *writer) error {
		for i, t := range trials {
			if err := ctx.Err(); err != nil {
				return err
			}
			if _, err := w.trial(t); err != nil {
				return fmt.Errorf("trial %d of %d: %w", i+1, len(trials), err)
			}
		}
		return nil
	})
}

// RecordFinal stores the outcome of tuning a workload. It is durable when
// RecordFinal returns nil.
func (l *Log) RecordFinal(ctx context.Context, f Final) error {
	return l.write(ctx, func(w *writer) error {
		_, err := w.final(f)
		return err
	})
}

// BeginSession stores that a program started to write, and returns the session
// with its ID and Key. It warns of a clock that went back.
func (l *Log) BeginSession(ctx context.Context, command string, seed uint64) (Session, error) {
	var key [8]byte
	rand.Read(key[:]) // never fails
	s := Session{
		Key: hex.EncodeToString(key[:]), Command: cutMessage(command), Seed: seed,
		Started: time.Now().UTC(),
	}
	newest := int64(0)
	err := l.write(ctx, func(w *writer) (err error) {
		if newest, err = w.queryID("SELECT coalesce(max(max(started, ended)), 0) FROM sessions"); err != nil {
			return err
		}
		s.ID, _, err = w.session(s)
		return err
	})
	if back := timeOf(newest).Sub(s.Started); back > 0 && l.warn != nil {
		l.warn(l.wrap(&ClockError{fmt.Sprintf("its last session was %v in the future: a clock is wrong", back.Round(time.Second))}))
	}
	return s, err
}

// EndSession stores that a session ended by itself.
func (l *Log) EndSession(ctx context.Context, id int64) error {
	return l.write(ctx, func(w *writer) error {
		return w.exec("UPDATE sessions SET ended = ? WHERE id = ? AND ended = 0", time.Now().UnixNano(), id)
	})
}

// Sessions returns all sessions, the oldest first.
func (l *Log) Sessions(ctx context.Context) ([]Session, error) {
	rows, err := l.db.QueryContext(ctx, "SELECT id, key, command, seed, started, ended FROM sessions ORDER BY started, key")
	if err != nil {
		return nil, l.wrap(err)
	}
	defer rows.Close()
	var all []Session
	for rows.Next() {
		var (
			s                    Session
			seed, started, ended int64
		)
		if err := rows.Scan(&s.ID, &s.Key, &s.Command, &seed, &started, &ended); err != nil {
			return nil, l.wrap(err)
		}
		s.Seed, s.Started, s.Ended = uint64(seed), timeOf(started), timeOf(ended)
		all = append(all, s)
	}
	return all, l.wrap(rows.Err())
}

// turn waits until no other writes to the log. The caller calls done when it has
// finished.
func (l *Log) turn(ctx context.Context) (done func(), err error) {
	if l.readOnly {
		return nil, errors.New("it was opened for reading only")
	}
	l.writing.Lock()
	if err := l.lock.acquire(ctx); err != nil {
		l.writing.Unlock()
		return nil, err
	}
	return func() {
		l.lock.release()
		l.writing.Unlock()
	}, nil
}

// write runs f in a transaction.
func (l *Log) write(ctx context.Context, f func(*writer) error) error {
	done, err := l.turn(ctx)
	if err != nil {
		return l.wrap(err)
	}
	defer done()
	l.answers.before()
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return l.wrap(err)
	}
	defer tx.Rollback() // does nothing after Commit
	// Statements of a context that can end each get a goroutine of the driver,
	// which takes longer than the statement: callers look at ctx between rows.
	w := &writer{ctx: context.WithoutCancel(ctx), tx: tx, cache: l.cache, ids: map[string]int64{}, setups: map[[3]string]int64{}, groups: map[groupKey]*group{}, workloads: map[schedules.Workload]bool{}}
	if err := f(w); err != nil {
		return l.wrap(err)
	}
	defer l.answers.after(w) // also where it is not known whether it was committed
	return l.wrap(tx.Commit())
}

// A writer adds rows within a transaction.
type writer struct {
	ctx    context.Context
	tx     *sql.Tx
	cache  *cache
	ids    map[string]int64 // of machines and workloads, by text; the two differ in form
	setups map[[3]string]int64
	groups map[groupKey]*group

	workloads map[schedules.Workload]bool // of the rows
	deleted   bool                        // rows were
}

func (w *writer) exec(text string, args ...any) error {
	_, err := w.execCount(text, args...)
	return err
}

// execCount tells whether the statement changed a row.
func (w *writer) execCount(text string, args ...any) (changed bool, err error) {
	res, err := w.tx.ExecContext(w.ctx, text, args...)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// queryID returns the id that a query finds.
func (w *writer) queryID(text string, args ...any) (id int64, err error) {
	err = w.tx.QueryRowContext(w.ctx, text, args...).Scan(&id)
	return id, err
}

// intern returns the id of a text, which insert adds where it is new.
func (w *writer) intern(table, insert, text, about string) (int64, error) {
	if id, ok := w.ids[text]; ok {
		return id, nil
	}
	if err := w.exec(insert, text, about); err != nil {
		return 0, err
	}
	id, err := w.queryID("SELECT id FROM "+table+" WHERE text = ?", text)
	if err == nil {
		w.ids[text] = id
	}
	return id, err
}

const (
	insertWorkload = "INSERT INTO workloads (text, op) VALUES (?, ?) ON CONFLICT (text) DO NOTHING"
	insertMachine  = "INSERT INTO machines (text, class) VALUES (?, ?) ON CONFLICT (text) DO NOTHING"
	insertTrial    = `INSERT INTO trials (workload, machine, setup, schedule, seed, status, message,
		samples, center_ns, lo_ns, hi_ns, code_hash, time, session, checksum, leading)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0), ?, ?)
		ON CONFLICT (workload, machine, setup, time, checksum) DO NOTHING`
	insertFinal = `INSERT INTO finals (workload, machine, isa, schedule, generator, protocol, tuned_ns,
		default_schedule, default_ns, code_hash, time, session, checksum)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0), ?)
		ON CONFLICT (workload, machine, isa, schedule, generator, protocol, time) DO NOTHING`
	insertSession = `INSERT INTO sessions (key, command, seed, started, ended) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET command = excluded.command, seed = excluded.seed,
			started = excluded.started, ended = excluded.ended
		WHERE sessions.started = 0 AND excluded.started <> 0`
)

// trial adds t, and tells whether it is new.
func (w *writer) trial(t Trial) (added bool, err error) {
	r, err := formTrial(t, w.cache)
	if err != nil {
		return false, err
	}
	g, err := w.group(t, r)
	if err != nil {
		return false, err
	}
	w.workloads[t.Workload] = true
	return w.execCount(insertTrial, g.workload, g.machine, g.setup, r.schedule, r.seed, r.status, r.message,
		r.samples, r.centerNS, r.loNS, r.hiNS, r.codeHash, r.time, r.session, r.written, g.leads(r))
}

// final adds f, and tells whether it is new.
func (w *writer) final(f Final) (added bool, err error) {
	r, err := rowOfFinal(f)
	if err != nil {
		return false, err
	}
	workload, err := w.intern("workloads", insertWorkload, r.workload, string(f.Workload.Op))
	if err != nil {
		return false, err
	}
	machine, err := w.intern("machines", insertMachine, r.machine, f.Target.Machine.Class())
	if err != nil {
		return false, err
	}
	w.workloads[f.Workload] = true
	return w.execCount(insertFinal, workload, machine, r.isa, r.schedule, r.generator, r.protocol, r.tunedNS,
		r.defaultSchedule, r.defaultNS, r.codeHash, r.time, r.session, r.written)
}

// session adds s, or what it says to a session known by its key alone.
func (w *writer) session(s Session) (id int64, added bool, err error) {
	if err := checkText("session key", s.Key); err != nil || s.Key == "" {
		return 0, false, fmt.Errorf("a session without a key that is printable: %w", err)
	}
	added, err = w.execCount(insertSession, s.Key, s.Command, int64(s.Seed), stampOf(s.Started), stampOf(s.Ended))
	if err != nil {
		return 0, false, err
	}
	id, err = w.queryID("SELECT id FROM sessions WHERE key = ?", s.Key)
	return id, added, err
}
