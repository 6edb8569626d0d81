//go:build unix

package logs

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// A fileLock keeps other writers out. It is on a file of its own: closing any
// descriptor of the database itself would drop SQLite's locks. The kernel
// releases it when the process ends, however that happens.
type fileLock struct{ f *os.File }

// acquire takes the lock, waiting for another holder at most for wait.
func acquire(path string, wait time.Duration) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fmt.Errorf("cannot be written: %s: %w", path, withoutPath(err))
	}
	deadline := time.Now().Add(wait)
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			f.Close() // the error that matters is err
			return nil, fmt.Errorf("cannot lock %s: %w", path, err)
		}
		if !time.Now().Before(deadline) {
			f.Close() // the error that matters is the holder's
			return nil, fmt.Errorf("%s is writing to it; only one process can (reading is possible at any time)", holder(path))
		}
		time.Sleep(min(20*time.Millisecond, time.Until(deadline)))
	}
	l := &fileLock{f}
	l.sign()
	return l, nil
}

// sign stores the process's number for the messages of others; a lock works
// without.
func (l *fileLock) sign() {
	if l.f.Truncate(0) == nil {
		l.f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	}
}

// holder names the process that holds the lock.
func holder(path string) string {
	text, err := os.ReadFile(path)
	pid := strings.TrimSpace(string(text))
	if err != nil || pid == "" || len(pid) > 10 {
		return "another process"
	}
	return "process " + pid
}

// release gives the lock up. The file stays: removing it would let two
// processes lock two files of one name.
func (l *fileLock) release() { l.f.Close() }
