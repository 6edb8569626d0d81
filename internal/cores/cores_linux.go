// Package cores says on which cores this process may run, and keeps threads there.
package cores

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// maxCPUs is the size of the kernel's default CPU set.
const maxCPUs = 1024

// Allowed lists the cores that this process may use.
func Allowed() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("sched_getaffinity: %w", err)
	}
	var cores []int
	for c := range maxCPUs {
		if set.IsSet(c) {
			cores = append(cores, c)
		}
	}
	return cores, nil
}

// Pin moves the calling thread to core, and keeps it there.
func Pin(core int) error {
	var set unix.CPUSet
	set.Set(core)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("pinning to core %d: %w", core, err)
	}
	return nil
}
