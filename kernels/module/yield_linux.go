package module

import "golang.org/x/sys/unix"

// yieldBriefly lets another thread have the core. The Go scheduler must not know
// of the call: it takes the place of a goroutine that it finds in a system call
// after 10 ms of running, and then looks again every 20 us, which took a quarter
// of the speed of two threads.
func yieldBriefly() { _, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }

// yieldLong is the same for a long wait: a collection need not wait for the call.
func yieldLong() { _, _, _ = unix.Syscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
