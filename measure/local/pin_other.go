//go:build !linux

package local

import (
	"errors"
	"os/exec"
	"runtime"
)

// allowedCores numbers the cores; without pinning the numbers mean nothing.
func allowedCores() ([]int, error) {
	cores := make([]int, runtime.NumCPU())
	for i := range cores {
		cores[i] = i
	}
	return cores, nil
}

func pin(int) error { return errors.New("no pinning on this operating system") }

// dieWithParent: here the child ends by itself when its input does, unless a
// candidate loops for ever.
func dieWithParent(*exec.Cmd) {}
