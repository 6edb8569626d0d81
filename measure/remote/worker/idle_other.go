//go:build !linux

package worker

// NewIdleness returns what looks at cores, which others may use for a part of the
// time, from 0 to 1; nil where the operating system does not tell.
func NewIdleness([]int, float64) Idleness { return nil }
