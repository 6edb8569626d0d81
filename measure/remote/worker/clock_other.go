//go:build !linux

package worker

import "time"

// clock is the time since the process started.
func clock() time.Duration { return time.Since(started) }
