//go:build unix

package service

import (
	"fmt"
	"os"
	"syscall"
)

// lockStore makes this process the one that runs the jobs of a store, until the
// file is closed. Two would run each job twice.
func lockStore(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close() // the error that matters is err
		return nil, fmt.Errorf("%s: another process serves this store (%w)", path, err)
	}
	return f, nil
}
