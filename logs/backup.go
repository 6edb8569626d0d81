package logs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Backup writes a copy of the log, as it is at one moment, to the file at path,
// which must not exist. Others may write to the log meanwhile. The copy is there
// whole and on disk, or not at all; it has all tables of the file, those of others
// too.
func (l *Log) Backup(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("backup %s: %w", path, fs.ErrExist)
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".backup-*") // SQLite makes files beside its own
	if err != nil {
		return fmt.Errorf("backup %s: %w", path, withoutPath(err))
	}
	defer os.RemoveAll(dir)
	copied := filepath.Join(dir, "copy.db")
	if err := l.copyTo(ctx, copied); err != nil {
		return err
	}
	if err := moveSynced(copied, path); err != nil {
		return fmt.Errorf("backup %s: %w", path, withoutPath(err))
	}
	return nil
}

// copyTo writes a copy. VACUUM reads in one transaction, which writers of a
// write-ahead log need not wait for.
func (l *Log) copyTo(ctx context.Context, path string) error {
	conn, err := l.db.Conn(ctx)
	if err != nil {
		return l.wrap(err)
	}
	defer conn.Close()
	if l.readOnly { // which only the database must be: it stays so
		if _, err := conn.ExecContext(ctx, "PRAGMA query_only = 0"); err != nil {
			return l.wrap(err)
		}
		defer conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA query_only = 1")
	}
	_, err = conn.ExecContext(ctx, "VACUUM INTO ?", path)
	return l.wrap(err)
}

// moveSynced brings a file to disk and gives it its name, where there is none yet.
func moveSynced(from, to string) error {
	f, err := os.OpenFile(from, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(from, to); err != nil { // unlike Rename it never replaces
		var l *os.LinkError
		if errors.As(err, &l) {
			err = l.Err
		}
		return err
	}
	dir, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
