//go:build unix

package hub

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lock takes the folder for this process: the server itself does not refuse to run
// twice on one. The kernel frees it when the process ends. The file stays: removing
// it would let two processes lock two files of one name.
func lock(dir string) (release func(), err error) {
	path := filepath.Join(dir, lockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, secretMode)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		if f.Truncate(0) == nil { // the number is for the message of others
			f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
		}
		return func() { f.Close() }, nil
	}
	f.Close()
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("%s: cannot be locked: %w", path, err)
	}
	holder := "another process"
	if text, err := readFile(path); err == nil && len(text) > 0 && len(text) < 12 {
		holder = "process " + strings.TrimSpace(string(text))
	}
	return nil, fmt.Errorf("%s: a hub runs on it already (%s)", dir, holder)
}
