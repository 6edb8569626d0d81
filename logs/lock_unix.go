//go:build unix

package logs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// A fileLock makes the writers of a log take turns: each holds it over one
// transaction. It is on a file of its own: closing any descriptor of the
// database itself would drop SQLite's locks. The kernel releases it when the
// process ends, however that happens.
type fileLock struct {
	f    *os.File
	path string
}

// How a writer waits for others. SQLite alone would fail after a while, with
// "database is locked": its waiting is not fair.
const (
	lockWait  = 5 * time.Minute // no transaction takes so long: the holder hangs
	lockRetry = 2 * time.Millisecond
)

func newFileLock(path string) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fmt.Errorf("cannot be written: %s: %w", path, withoutPath(err))
	}
	return &fileLock{f, path}, nil
}

// acquire takes the lock. It waits for other processes.
func (l *fileLock) acquire(ctx context.Context) error {
	deadline := time.Now().Add(lockWait)
	for {
		err := syscall.Flock(int(l.f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			l.sign()
			return nil
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			return fmt.Errorf("cannot lock %s: %w", l.path, err)
		case !time.Now().Before(deadline):
			return fmt.Errorf("%s has been writing to it for %v", holder(l.path), lockWait)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockRetry):
		}
	}
}

// sign stores the process's number for the messages of others; a lock works
// without. All numbers are as long, so that nothing is left of another's.
func (l *fileLock) sign() { l.f.WriteAt(fmt.Appendf(nil, "%-10d\n", os.Getpid()), 0) }

// holder names the process that holds the lock.
func holder(path string) string {
	text, err := os.ReadFile(path)
	pid := strings.TrimSpace(string(text))
	if err != nil || pid == "" || len(pid) > 10 {
		return "another process"
	}
	return "process " + pid
}

// release gives the lock up.
func (l *fileLock) release() { syscall.Flock(int(l.f.Fd()), syscall.LOCK_UN) }

// close gives up what the lock holds. The file stays: removing it would let two
// processes lock two files of one name.
func (l *fileLock) close() { l.f.Close() }
