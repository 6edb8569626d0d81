//go:build unix

package worker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// coreLocks keep cores for one worker of a host: two measurements on a core would
// time each other. The kernel releases them when the process ends.
type coreLocks []*os.File

// lockCores takes all cores, or none.
func lockCores(cores []int) (coreLocks, error) {
	var locks coreLocks
	for _, c := range cores {
		f, err := lockCore(c)
		if err != nil {
			locks.release()
			return nil, err
		}
		locks = append(locks, f)
	}
	return locks, nil
}

func (l coreLocks) release() {
	for _, f := range l {
		f.Close() // nothing was written
	}
}

// lockCore locks the file of a core.
func lockCore(core int) (*os.File, error) {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("qtune-core-%d.lock", core))
	f, err := openLock(path)
	if err != nil {
		return nil, fmt.Errorf("core %d: whether another worker measures on it is not known: %w", core, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("core %d: another worker measures on it (it holds %s)", core, path)
		}
		return nil, fmt.Errorf("core %d: locking %s: %w", core, path, err)
	}
	return f, nil
}

// openLock opens a file of whichever user, or makes it. It only reads, which is
// enough for a lock and all that others may; what others may have put in its place,
// a link or a pipe, is refused.
func openLock(path string) (*os.File, error) {
	const flags = os.O_RDONLY | syscall.O_NOFOLLOW | syscall.O_NONBLOCK
	f, err := os.OpenFile(path, flags, 0)
	if errors.Is(err, fs.ErrNotExist) {
		if f, err = os.OpenFile(path, flags|os.O_CREATE|os.O_EXCL, 0o644); err == nil {
			err = f.Chmod(0o644) // whatever the umask is
		} else if errors.Is(err, fs.ErrExist) { // since a moment ago
			f, err = os.OpenFile(path, flags, 0)
		}
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file", path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
