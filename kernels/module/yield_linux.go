package module

import "golang.org/x/sys/unix"

// yieldThread lets another thread have the core. The Go scheduler stays out of
// it, for which moving a locked thread's goroutine costs far more; but the call is
// one that a collection need not wait for.
func yieldThread() { _, _, _ = unix.Syscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
