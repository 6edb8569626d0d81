package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// firstCore returns the first core that this process may use, if it has one for
// each of the threads.
func firstCore(threads int) (int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return 0, fmt.Errorf("sched_getaffinity: %w", err)
	}
	if set.Count() < threads {
		return 0, fmt.Errorf("--threads %d: this process may use %d cores", threads, set.Count())
	}
	core := 0
	for !set.IsSet(core) {
		core++
	}
	return core, nil
}

// pin keeps the calling thread on a core.
func pin(core int) error {
	var set unix.CPUSet
	set.Set(core)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("pinning to core %d: %w", core, err)
	}
	return nil
}
