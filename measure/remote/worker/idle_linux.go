package worker

// NewIdleness returns what looks at cores, which others may use for a part of the
// time, from 0 to 1; nil where the operating system does not tell.
func NewIdleness(cores []int, maxBusy float64) Idleness { return procStat{cores, maxBusy} }
