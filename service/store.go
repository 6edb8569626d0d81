package service

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"qtune/logs"
)

// Names in the folder of a store.
const (
	logFile     = "tune.db"
	modelFolder = "models"
	lockFile    = "serve.lock"
)

// A Store is a folder that holds what the service knows: the log, with tables of
// the service's own in the same file, and the files of models. Any number of
// processes may have it open. It is safe for concurrent use.
type Store struct {
	dir string
	log *logs.Log
}

// OpenStore opens the store in the folder dir, and makes it where there is none.
// warn is told of damaged rows of the log that are skipped; it may be nil.
func OpenStore(dir string, warn func(error)) (*Store, error) {
	// Models may be secrets of their owners.
	if err := os.MkdirAll(filepath.Join(dir, modelFolder), 0o700); err != nil {
		return nil, err
	}
	s := &Store{dir: dir}
	log, err := logs.Open(s.logPath(), logs.Options{Warn: warn})
	if err != nil {
		return nil, err
	}
	s.log = log
	if err := s.migrate(context.Background()); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return s, nil
}

// logPath is the file of the log.
func (s *Store) logPath() string { return filepath.Join(s.dir, logFile) }

// IsStore tells whether the folder dir is a store.
func IsStore(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, logFile))
	return !errors.Is(err, fs.ErrNotExist) // what cannot be looked at, OpenStore explains
}

// Log returns the log of the store, which Close closes.
func (s *Store) Log() *logs.Log { return s.log }

// Close releases the files.
func (s *Store) Close() error { return s.log.Close() }

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrate brings the service's tables to the newest version. As those of the log,
// files in migrations/ are never changed once released.
func (s *Store) migrate(ctx context.Context) error {
	files, err := migrationFiles.ReadDir("migrations") // sorted by name
	if err != nil {
		return err
	}
	return s.log.Update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var version int
		if _, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS service_version (version INTEGER NOT NULL) STRICT"); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(version), 0) FROM service_version").Scan(&version); err != nil {
			return err
		}
		if version > len(files) {
			return fmt.Errorf("a newer version of this program has served it (schema %d, this one knows %d)", version, len(files))
		}
		for i, f := range files[version:] {
			text, err := migrationFiles.ReadFile(path.Join("migrations", f.Name()))
			if err != nil {
				return err
			}
			if want := fmt.Sprintf("%04d_", version+i+1); !strings.HasPrefix(f.Name(), want) {
				return fmt.Errorf("migration %s: its name must start with %s", f.Name(), want)
			}
			if _, err := tx.ExecContext(ctx, string(text)); err != nil {
				return fmt.Errorf("migration %s: %w", f.Name(), err)
			}
			if _, err := tx.ExecContext(ctx, "INSERT INTO service_version VALUES (?)", version+i+1); err != nil {
				return err
			}
		}
		return nil
	})
}

// stamp is a point in time as it is stored.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// timeOf is the inverse of stamp.
func timeOf(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

// list returns what scan makes of the rows of a query whose text is one of few.
func list[T any](ctx context.Context, s *Store, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := s.log.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := []T{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}
