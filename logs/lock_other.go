//go:build !unix

package logs

import "context"

// A fileLock does nothing on systems without flock: there SQLite's own locks
// keep the file whole, and a writer that waits for long fails.
type fileLock struct{}

func newFileLock(string) (*fileLock, error) { return &fileLock{}, nil }

func (l *fileLock) acquire(context.Context) error { return nil }

func (l *fileLock) release() {}

func (l *fileLock) close() {}
