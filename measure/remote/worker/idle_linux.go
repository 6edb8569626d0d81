package worker

// NewIdleness returns what looks at cores; nil where the operating system does not
// tell.
func NewIdleness(cores []int) Idleness { return procStat{cores} }
