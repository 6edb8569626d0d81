package worker

import (
	"time"

	"golang.org/x/sys/unix"
)

// clock is the time since the machine started, with the time that it was suspended:
// leases go on meanwhile, but package time's clock stands still.
func clock() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return time.Since(started) // a kernel before 2.6.39
	}
	return time.Duration(ts.Nano())
}
