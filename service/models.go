package service

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"qtune/qnn"
	"qtune/qnn/tflite"
	"qtune/service/api"
)

const (
	modelSuffix  = ".tflite"
	uploadPrefix = ".upload-"
)

// modelPath is where the file of a model is. hash has passed api.CheckHash.
func (s *Store) modelPath(hash string) string {
	return filepath.Join(s.dir, modelFolder, hash+modelSuffix)
}

// Models lists the models, the latest first.
func (s *Store) Models(ctx context.Context) ([]api.Model, error) {
	return list(ctx, s, scanModel, "SELECT hash, name, bytes, owner, created FROM service_models ORDER BY created DESC, hash")
}

// Model returns one model.
func (s *Store) Model(ctx context.Context, hash string) (api.Model, error) {
	models, err := list(ctx, s, scanModel, "SELECT hash, name, bytes, owner, created FROM service_models WHERE hash = ?", hash)
	if err == nil && len(models) == 0 {
		err = refuse(NotFound, "there is no model %s", api.Clip(hash))
	}
	if err != nil {
		return api.Model{}, err
	}
	return models[0], nil
}

func scanModel(rows *sql.Rows) (m api.Model, err error) {
	var created int64
	err = rows.Scan(&m.Hash, &m.Name, &m.Bytes, &m.Owner, &created)
	m.Created = timeOf(created)
	return m, err
}

// An upload is a file that came in and is not accepted yet. It is removed unless
// keep gives it its name.
type upload struct {
	path, hash string
	bytes      int64
}

// receive writes what r gives, at most limit bytes, to a file beside the models.
func (s *Store) receive(r io.Reader, limit int64) (u upload, err error) {
	f, err := os.CreateTemp(filepath.Join(s.dir, modelFolder), uploadPrefix+"*") // mode 0600
	if err != nil {
		return u, err
	}
	u.path = f.Name()
	sum := sha256.New()
	u.bytes, err = io.Copy(io.MultiWriter(f, sum), io.LimitReader(r, limit+1))
	if err == nil && u.bytes > limit {
		err = refuse(TooLarge, "the model has more than the %d bytes that are allowed", limit)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		u.remove()
	}
	u.hash = hex.EncodeToString(sum.Sum(nil))
	return u, err
}

func (u upload) remove() { os.Remove(u.path) } // what it leaves, the next start removes

// readModel reads a network that can be tuned from a file.
func readModel(path string) (*qnn.Graph, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	g, err := tflite.Import(file)
	if err == nil {
		err = g.CheckQuantised()
	}
	if err != nil {
		return nil, refuse(Invalid, "not a quantised TensorFlow Lite model: %v", err)
	}
	return g, nil
}

// checkRoom refuses an upload that is no model yet where the files of all models would
// have more bytes than limit.
func (s *Store) checkRoom(ctx context.Context, u upload, limit int64) error {
	models, err := s.Models(ctx)
	if err != nil {
		return err
	}
	used := int64(0)
	for _, m := range models {
		if m.Hash == u.hash {
			return nil
		}
		used += m.Bytes
	}
	if u.bytes > limit-used {
		return refuse(Full, "no room for a model of %d bytes: the models have %d, at most %d are allowed", u.bytes, used, limit)
	}
	return nil
}

// keep makes an upload a model, unless it is one already; new tells which.
func (s *Store) keep(ctx context.Context, u upload, name, owner string) (m api.Model, isNew bool, err error) {
	if err := os.Rename(u.path, s.modelPath(u.hash)); err != nil {
		return m, false, err
	}
	if err := syncFolder(filepath.Join(s.dir, modelFolder)); err != nil {
		return m, false, err
	}
	err = s.log.Update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "INSERT INTO service_models VALUES (?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING",
			u.hash, api.CleanName(name), u.bytes, owner, time.Now().UnixNano())
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		isNew = n > 0
		return err
	})
	if err != nil {
		return m, false, err
	}
	m, err = s.Model(ctx, u.hash)
	return m, isNew, err
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// deleteUnused removes models that no job is of and that came before a point in
// time. It returns how many.
func (s *Store) deleteUnused(ctx context.Context, before time.Time) (int, error) {
	var gone []string
	err := s.log.Update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `DELETE FROM service_models WHERE created < ?
			AND NOT EXISTS (SELECT 1 FROM service_jobs WHERE model = hash) RETURNING hash`, stamp(before))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var hash string
			if err := rows.Scan(&hash); err != nil {
				return err
			}
			gone = append(gone, hash)
		}
		return rows.Err()
	})
	if err != nil {
		return 0, err
	}
	for _, hash := range gone {
		err = errors.Join(err, os.Remove(s.modelPath(hash)))
	}
	return len(gone), err
}

// sweep removes what a process that was killed left among the models: uploads, and
// files without a row.
func (s *Store) sweep(ctx context.Context) error {
	models, err := s.Models(ctx)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, m := range models {
		known[m.Hash+modelSuffix] = true
		if _, err := os.Stat(s.modelPath(m.Hash)); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the file of model %s (%s) is missing: %s", m.Hash, m.Name, s.modelPath(m.Hash))
		}
	}
	files, err := os.ReadDir(filepath.Join(s.dir, modelFolder))
	if err != nil {
		return err
	}
	for _, f := range files {
		if !known[f.Name()] && f.Type().IsRegular() {
			if err := os.Remove(filepath.Join(s.dir, modelFolder, f.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
