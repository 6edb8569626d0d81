package service

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"qtune/kernels"
	"qtune/measure"
	"qtune/service/api"
)

// Limits of jobs.
const (
	maxUnfinished = 1000
	maxListed     = 1000
	maxError      = 2000 // bytes of a message
)

// A JobFilter selects jobs of a list.
type JobFilter struct {
	State  api.State // "" = all
	Model  string    // hash; "" = all
	Before int64     // only older ones; 0 = from the latest
	Limit  int       // 0, or more than allowed: as many as are allowed
}

const (
	jobColumns = "SELECT j.id, j.spec, m.name, j.owner, j.state, j.created, j.started, j.finished, j.progress, j.same_as, j.error, "
	fromJobs   = "FROM service_jobs j JOIN service_models m ON m.hash = j.model "
	wholeJob   = jobColumns + "j.result " + fromJobs
	jobOfAList = jobColumns + "'' " + fromJobs
)

// Jobs lists jobs, the latest first, without their results.
func (s *Store) Jobs(ctx context.Context, f JobFilter) ([]api.Job, error) {
	if f.Limit <= 0 || f.Limit > maxListed {
		f.Limit = maxListed
	}
	return list(ctx, s, scanJob, jobOfAList+`WHERE (?1 = '' OR j.state = ?1) AND (?2 = '' OR j.model = ?2) AND (?3 = 0 OR j.id < ?3)
		ORDER BY j.id DESC LIMIT ?4`, string(f.State), f.Model, f.Before, f.Limit)
}

// Job returns one job.
func (s *Store) Job(ctx context.Context, id int64) (api.Job, error) {
	jobs, err := list(ctx, s, scanJob, wholeJob+"WHERE j.id = ?", id)
	if err == nil && len(jobs) == 0 {
		err = refuse(NotFound, "there is no job %d", id)
	}
	if err != nil {
		return api.Job{}, err
	}
	return jobs[0], nil
}

// CountJobs counts jobs by their state.
func (s *Store) CountJobs(ctx context.Context) (map[api.State]int, error) {
	counts := map[api.State]int{}
	_, err := list(ctx, s, func(rows *sql.Rows) (n int, err error) {
		var state api.State
		err = rows.Scan(&state, &n)
		counts[state] = n
		return n, err
	}, "SELECT state, count(*) FROM service_jobs GROUP BY state")
	return counts, err
}

func scanJob(rows *sql.Rows) (api.Job, error) {
	var (
		j                          api.Job
		spec, progress, result     string
		created, started, finished int64
	)
	err := rows.Scan(&j.ID, &spec, &j.ModelName, &j.Owner, &j.State, &created, &started, &finished, &progress, &j.SameAs, &j.Error, &result)
	if err != nil {
		return j, err
	}
	j.Created, j.Started, j.Finished = timeOf(created), timeOf(started), timeOf(finished)
	if err := json.Unmarshal([]byte(spec), &j.Spec); err != nil {
		return j, fmt.Errorf("job %d: %w", j.ID, err)
	}
	if progress != "" {
		j.Progress = new(api.Progress)
		err = json.Unmarshal([]byte(progress), j.Progress)
	}
	if err == nil && result != "" {
		j.Result = new(api.Result)
		err = json.Unmarshal([]byte(result), j.Result)
	}
	if err != nil {
		err = fmt.Errorf("job %d: %w", j.ID, err)
	}
	return j, err
}

// keyOf is the same for jobs that must have the same result: equal but for their
// priority, and measured with the same code in the same way.
func keyOf(spec api.Spec) string {
	spec.Priority = 0
	text := string(mustJSON(spec)) + "\n" + kernels.Generator + "\n" + measure.DefaultProtocol().String()
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// mustJSON is the JSON of a value that has one: all of ours are plain data.
func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// insertJob adds a job: one that waits, or, where an equal one is done, one that is
// done too.
func (s *Store) insertJob(ctx context.Context, owner string, spec api.Spec) (id int64, err error) {
	return id, s.log.Update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		unfinished := 0
		err := tx.QueryRowContext(ctx, "SELECT count(*) FROM service_jobs WHERE state IN ('queued', 'running', 'paused')").Scan(&unfinished)
		if err != nil {
			return err
		}
		if unfinished >= maxUnfinished {
			return refuse(Busy, "%d jobs are unfinished: wait, or cancel some", unfinished)
		}
		res, err := tx.ExecContext(ctx, `INSERT INTO service_jobs (model, spec, key, priority, owner, state, created)
			SELECT hash, ?, ?, ?, ?, ?, ? FROM service_models WHERE hash = ?`,
			string(mustJSON(spec)), keyOf(spec), spec.Priority, owner, string(api.Queued), time.Now().UnixNano(), spec.Model)
		if err := oneRow(res, err, refuse(NotFound, "there is no model %s: upload it first", spec.Model)); err != nil {
			return err
		}
		if id, err = res.LastInsertId(); err != nil {
			return err
		}
		_, err = answerJob(ctx, tx, id)
		return err
	})
}

// answerJob gives a job the result of an equal one that is done, if there is one.
func answerJob(ctx context.Context, tx *sql.Tx, id int64) (answered bool, err error) {
	res, err := tx.ExecContext(ctx, `UPDATE service_jobs AS j SET state = 'done', finished = ?2, result = o.result,
			progress = o.progress, same_as = CASE o.same_as WHEN 0 THEN o.id ELSE o.same_as END
		FROM (SELECT id, key, result, progress, same_as FROM service_jobs WHERE state = 'done' ORDER BY id) o
		WHERE j.id = ?1 AND o.key = j.key AND o.id = (SELECT max(id) FROM service_jobs WHERE key = j.key AND state = 'done')`, id, time.Now().UnixNano())
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// transition brings a job from one of some states to another.
func (s *Store) transition(ctx context.Context, id int64, to api.State, from ...api.State) error {
	return s.log.Update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var state api.State
		if err := tx.QueryRowContext(ctx, "SELECT state FROM service_jobs WHERE id = ?", id).Scan(&state); err != nil {
			return fmt.Errorf("job %d: %w", id, err)
		}
		for _, f := range from {
			if f == state {
				finished := int64(0)
				if to.Ended() {
					finished = time.Now().UnixNano()
				}
				_, err := tx.ExecContext(ctx, "UPDATE service_jobs SET state = ?, finished = ?, error = '' WHERE id = ?", string(to), finished, id)
				return err
			}
		}
		return refuse(Conflict, "job %d is %s: it cannot become %s", id, state, to)
	})
}

// requeue makes those wait that ran when the service ended, however that happened.
func (s *Store) requeue(ctx context.Context) error {
	return s.log.Update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE service_jobs SET state = 'queued' WHERE state = 'running'")
		return err
	})
}

// saveProgress notes how far a job is.
func (s *Store) saveProgress(ctx context.Context, id int64, p api.Progress) error {
	p.Tasks = nil // they are read from the log again
	return s.log.Update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE service_jobs SET progress = ? WHERE id = ?", string(mustJSON(p)), id)
		return err
	})
}

// finish ends a running job with a result, or with an error. It tells whether the
// job still ran.
func (s *Store) finish(ctx context.Context, id int64, result *api.Result, failure error) (ended bool, err error) {
	state, text, message := api.Done, "", ""
	if failure != nil {
		lines := strings.Split(failure.Error(), "\n") // often of several batches that met the same
		state, message = api.Failed, clip(strings.Join(slices.Compact(lines), "; "))
	} else {
		text = string(mustJSON(result))
	}
	err = s.log.Update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "UPDATE service_jobs SET state = ?, finished = ?, result = ?, error = ? WHERE id = ? AND state = 'running'",
			string(state), time.Now().UnixNano(), text, message, id)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		ended = n > 0
		return err
	})
	return ended, err
}

// deleteEnded removes jobs that ended before a point in time, and returns how many.
func (s *Store) deleteEnded(ctx context.Context, before time.Time) (n int64, err error) {
	err = s.log.Update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "DELETE FROM service_jobs WHERE state IN ('done', 'failed', 'cancelled') AND finished < ?", stamp(before))
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}
