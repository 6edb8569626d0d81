//go:build !unix

package worker

// coreLocks do nothing on systems without flock.
type coreLocks struct{}

func lockCores([]int) (coreLocks, error) { return coreLocks{}, nil }

func (coreLocks) release() {}
