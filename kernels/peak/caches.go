package peak

import "qtune/schedules"

// A Level is a cache, or memory.
type Level struct {
	Name    string // "L1", "L2", "L3" or "memory"
	Bytes   int    // of the cache; memory has 0
	Shared  bool   // by all cores, else each has its own
	Assumed bool   // the CPU does not tell the size
	Buffer  int    // how much each of the threads has to read to measure it
}

// What a core that says nothing about its caches has at least. (Virtual machines
// often hide the last one.)
const (
	assumedL1 = 32 << 10
	assumedL2 = 512 << 10
	assumedL3 = 32 << 20
)

// Levels returns the caches of m and its memory, the nearest first, with buffers
// for threads threads. A buffer is well inside its level, and as far as can be
// at least twice as large as the level before, none of which is then hit by
// reading in order.
func Levels(m schedules.Machine, threads int) []Level {
	l1 := Level{Name: "L1", Bytes: m.L1D}
	if m.L1D <= 0 {
		l1.Bytes, l1.Assumed = assumedL1, true
	}
	l2 := Level{Name: "L2", Bytes: m.L2}
	if m.L2 <= l1.Bytes {
		l2.Bytes, l2.Assumed = max(assumedL2, 4*l1.Bytes), true
	}
	l3 := Level{Name: "L3", Bytes: m.L3, Shared: true}
	if m.L3 <= l2.Bytes {
		l3.Bytes, l3.Assumed = max(assumedL3, 4*l2.Bytes), true
	}
	l1.Buffer = l1.Bytes / 2
	l2.Buffer = max(l2.Bytes/2, min(2*l1.Bytes, l2.Bytes*3/4))
	l3.Buffer = max(l3.Bytes/2/threads, min(2*l2.Bytes, l3.Bytes*3/4))
	return []Level{l1, l2, l3, {Name: "memory", Shared: true, Buffer: memoryBuffer(l3.Bytes, threads)}}
}

// memoryBuffer is twice the last cache, of which a CPU may have several, but not
// so much for each of many threads that all together need gigabytes.
func memoryBuffer(l3, threads int) int {
	const least, all = 64 << 20, 2 << 30
	return max(least, min(2*l3, all/threads))
}
