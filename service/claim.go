package service

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"qtune/service/api"
)

// A waiting job is one that can be started.
type waiting struct {
	id  int64
	key string
}

// waitingJobs lists what can be started, the most urgent first; what has begun goes
// before what has not.
func (s *Store) waitingJobs(ctx context.Context) ([]waiting, error) {
	return list(ctx, s, func(rows *sql.Rows) (w waiting, err error) {
		err = rows.Scan(&w.id, &w.key)
		return w, err
	}, "SELECT id, key FROM service_jobs WHERE state = 'queued' ORDER BY priority DESC, started = 0, id")
}

// A claim is what a job needs to run.
type claim struct {
	job     api.Job
	session int64   // of the log
	hidden  []int64 // sessions whose trials it must not see
	since   time.Time
}

// claimJob makes a waiting job a running one. It returns nil where the job does not
// wait any more, also because an equal one has answered it. Where it fails the job
// still waits.
func (s *Store) claimJob(ctx context.Context, id int64) (*claim, error) {
	c := &claim{}
	answered := false
	err := s.log.Update(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		if answered, err = answerJob(ctx, tx, id); err != nil || answered {
			return err
		}
		var hidden string
		if err := tx.QueryRowContext(ctx, "SELECT session, hidden FROM service_jobs WHERE id = ?", id).Scan(&c.session, &hidden); err != nil {
			return err
		}
		return json.Unmarshal([]byte(hidden), &c.hidden)
	})
	if err != nil || answered {
		return nil, err
	}
	if c.job, err = s.Job(ctx, id); err != nil {
		return nil, err
	}
	if c.session == 0 {
		err = s.beginSession(ctx, c)
	} else {
		err = s.findSession(ctx, c)
	}
	if err != nil {
		return nil, err
	}
	err = s.log.Update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "UPDATE service_jobs SET state = 'running', started = CASE started WHEN 0 THEN ? ELSE started END WHERE id = ? AND state = 'queued'",
			time.Now().UnixNano(), id)
		return oneRow(res, err, refuse(Conflict, "job %d does not wait", id))
	})
	if err == nil {
		c.job, err = s.Job(ctx, id) // with what has changed
	}
	return c, err
}

// beginSession gives a job its session of the log, and notes which others run: what
// those measure from now on must not change what this one finds.
func (s *Store) beginSession(ctx context.Context, c *claim) error {
	session, err := s.log.BeginSession(ctx, fmt.Sprintf("tune serve: job %d, model %s (%s)", c.job.ID, c.job.Spec.Model, c.job.ModelName), c.job.Spec.Seed)
	if err != nil {
		return err
	}
	c.session, c.since = session.ID, session.Started
	return s.log.Update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var hidden string
		err := tx.QueryRowContext(ctx, `SELECT json_group_array(session) FROM service_jobs
			WHERE session <> 0 AND state IN ('running', 'queued', 'paused', 'failed')`).Scan(&hidden)
		if err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(hidden), &c.hidden); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE service_jobs SET session = ?, hidden = ? WHERE id = ?", c.session, hidden, c.job.ID)
		return err
	})
}

func (s *Store) findSession(ctx context.Context, c *claim) error {
	sessions, err := s.log.Sessions(ctx)
	if err != nil {
		return err
	}
	for _, o := range sessions {
		if o.ID == c.session {
			c.since = o.Started
			return nil
		}
	}
	return fmt.Errorf("job %d: session %d is not in the log", c.job.ID, c.session)
}
