package logs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/mattn/go-sqlite3"
)

// applicationID marks an SQLite file as a log ("qtun").
const applicationID = 0x7174756e

var errUnfinished = errors.New("somebody writes to it, or it was not closed properly: it holds changes in its -wal file, which need a writable folder to read")

// Open opens the log at path. Errors are one line that names the file.
func Open(path string, o Options) (*Log, error) {
	l := &Log{path: path, readOnly: o.ReadOnly || o.Frozen, warn: o.Warn, cache: newCache()}
	if err := l.open(o); err != nil {
		if l.db != nil {
			l.db.Close() // the error that matters is err
		}
		if l.lock != nil {
			l.lock.close()
		}
		return nil, l.wrap(err)
	}
	l.answers = newAnswers(l.db)
	return l, nil
}

func (l *Log) open(o Options) error {
	exists, err := checkFile(l.path)
	if err != nil {
		return err
	}
	if l.readOnly {
		if !exists {
			return fs.ErrNotExist
		}
		return l.openReader(o.Frozen)
	}
	if l.lock, err = newFileLock(l.path + ".lock"); err != nil {
		return err
	}
	if err := l.lock.acquire(context.Background()); err != nil {
		return err
	}
	defer l.lock.release()
	l.db, err = connect(l.path, "mode=rwc&_journal_mode=WAL&_synchronous=FULL&_txlock=immediate&_cache_size=-65536")
	if err != nil {
		return err
	}
	ms, err := migrations()
	if err != nil {
		return err
	}
	version, err := l.version(len(ms), true)
	if err != nil {
		return err
	}
	return migrate(l.db, version, ms)
}

// openReader opens without writing, also in a folder that cannot be written;
// frozen, without a file beside the log.
func (l *Log) openReader(frozen bool) (err error) {
	if !frozen {
		l.db, err = connect(l.path, "mode=rw&_query_only=true&_cache_size=-65536")
	}
	if frozen || unwritable(err) {
		// The files that readers share cannot be made. Without changes that
		// wait in a -wal file, the database can be read as it is.
		if info, walErr := os.Stat(l.path + "-wal"); walErr == nil && info.Size() > 0 {
			return errUnfinished
		}
		l.db, err = connect(l.path, "mode=ro&immutable=1&_cache_size=-65536")
	}
	if err != nil {
		return err
	}
	ms, err := migrations()
	if err != nil {
		return err
	}
	version, err := l.version(len(ms), false)
	if err != nil || version == len(ms) {
		return err
	}
	if frozen {
		return fmt.Errorf("it has schema version %d of %d: open it without freezing it once to bring it up to date", version, len(ms))
	}
	return l.upgrade()
}

// upgrade brings the schema of a log that is open for reading up to date.
func (l *Log) upgrade() error {
	if err := l.db.Close(); err != nil {
		return err
	}
	w := &Log{path: l.path, cache: newCache()}
	err := w.open(Options{})
	if w.db != nil {
		err = errors.Join(err, w.db.Close())
	}
	if w.lock != nil {
		w.lock.close()
	}
	if err != nil {
		return fmt.Errorf("it has the schema of an older version, and could not be brought up to date: %w", err)
	}
	return l.openReader(false)
}

// checkFile tells whether path exists, and refuses what is no SQLite file.
func checkFile(path string) (exists bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, withoutPath(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, withoutPath(err)
	}
	if info.IsDir() {
		return false, errors.New("it is a folder")
	}
	const magic = "SQLite format 3\x00"
	head := make([]byte, len(magic))
	n, err := io.ReadFull(f, head)
	if n == 0 && errors.Is(err, io.EOF) {
		return true, nil // as SQLite leaves a new database that nothing was written to
	}
	if string(head[:n]) != magic {
		return false, errors.New("it is not an SQLite file")
	}
	return true, nil
}

// withoutPath drops the file name, which wrap adds.
func withoutPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// How many connections wait for the next query, and how long. A new one takes 0.4 ms,
// 60 times a query: it opens files, and knows neither pages nor statements. One that waits
// holds up to 64 MB of pages.
const (
	idleConns = 8
	idleTime  = time.Minute
)

// connect opens the database and reads its first page.
func connect(path, query string) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	name := "file:" + (&url.URL{Path: abs}).EscapedPath() + "?_busy_timeout=60000&_foreign_keys=true&_stmt_cache_size=32&" + query
	db, err := sql.Open("sqlite3", name)
	if err != nil {
		return nil, err
	}
	db.SetMaxIdleConns(idleConns)
	db.SetConnMaxIdleTime(idleTime)
	var n int
	if err := db.QueryRow("SELECT count(*) FROM sqlite_schema").Scan(&n); err != nil {
		db.Close() // the error that matters is err
		return nil, err
	}
	return db, nil
}

// version returns the schema's version: 0 for an empty file.
func (l *Log) version(newest int, create bool) (int, error) {
	var app, version, tables int
	err := l.db.QueryRow(`SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`).Scan(&app, &version, &tables)
	switch {
	case err != nil:
		return 0, err
	case app == 0 && version == 0 && tables == 0 && create:
		return 0, nil
	case app != applicationID:
		return 0, errors.New("it is an SQLite file, but not a log")
	case version > newest:
		return 0, fmt.Errorf("a newer version of this program wrote it (schema %d, this one knows %d)", version, newest)
	}
	return version, nil
}

// unwritable tells whether SQLite failed for lack of permission to write.
func unwritable(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.Code == sqlite3.ErrCantOpen || e.Code == sqlite3.ErrReadonly)
}

// IsFull tells whether err, of a log or of any file, says that the disk is full.
func IsFull(err error) bool {
	var e sqlite3.Error
	if errors.As(err, &e) {
		return e.Code == sqlite3.ErrFull || isFull(e.SystemErrno)
	}
	return isFull(err)
}

func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// explain puts SQLite's errors that users meet in words.
func explain(err error) error {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return err
	}
	if IsFull(err) {
		return fmt.Errorf("the disk is full (%w)", err)
	}
	switch e.Code {
	case sqlite3.ErrCorrupt, sqlite3.ErrNotADB:
		// SQLite quotes what it cannot read, which may be long and anything.
		text := strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsGraphic(r) || r == ' ' }), " ")
		return fmt.Errorf("the file is damaged (%s)", clip(text))
	case sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrPerm:
		return fmt.Errorf("the file or its folder cannot be written (%w)", err)
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return fmt.Errorf("another process keeps it locked (%w)", err)
	}
	return err
}
