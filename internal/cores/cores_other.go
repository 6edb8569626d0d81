//go:build !linux

// Package cores says on which cores this process may run, and keeps threads there.
package cores

import (
	"errors"
	"runtime"
)

// Allowed numbers the cores; without pinning the numbers mean nothing.
func Allowed() ([]int, error) {
	cores := make([]int, runtime.NumCPU())
	for i := range cores {
		cores[i] = i
	}
	return cores, nil
}

// Pin fails.
func Pin(int) error { return errors.New("no pinning on this operating system") }
