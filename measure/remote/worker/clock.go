package worker

import "time"

// started is what clocks without an origin of their own count from.
var started = time.Now()
