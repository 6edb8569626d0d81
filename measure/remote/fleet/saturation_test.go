package fleet

import (
	"container/heap"
	"testing"
	"time"
)

// hubBatch is what a hub takes for a batch, on two cores with files as its store:
// BenchmarkThroughput, and 900 to 1,300 batches a second were measured by others.
const hubBatch = time.Second / 1000

// saturation simulates workers that take batches from a hub which handles one after
// the other, and returns how much of their time they measure.
func saturation(workers, jobs int, trial time.Duration) float64 {
	measuring := time.Duration(jobs) * trial
	var asks times // when workers ask for their next batch
	for i := range workers {
		asks = append(asks, time.Duration(i)*measuring/time.Duration(workers))
	}
	heap.Init(&asks)
	const batches = 50 // of each worker
	var free, end, busy time.Duration
	for range batches * workers {
		asked := heap.Pop(&asks).(time.Duration)
		free = max(free, asked) + hubBatch
		heap.Push(&asks, free+measuring)
		end = max(end, free+measuring)
		busy += measuring
	}
	return float64(busy) / float64(end) / float64(workers)
}

// times is a heap.
type times []time.Duration

func (t times) Len() int           { return len(t) }
func (t times) Less(i, j int) bool { return t[i] < t[j] }
func (t times) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *times) Push(x any)        { *t = append(*t, x.(time.Duration)) }
func (t *times) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}

// TestSaturation shows where a hub is full: with 15 ms a trial, as local measuring
// takes, and batches of 8, at about 120 workers. A thousand need batches of 64 (tune
// --batch), the most that the protocol allows; beyond that, a second hub.
func TestSaturation(t *testing.T) {
	const trial = 15 * time.Millisecond
	for _, c := range []struct {
		workers, jobs int
		least, most   float64 // of the workers' time
	}{
		{8, 8, 0.95, 1},
		{100, 8, 0.9, 1},
		{250, 8, 0.4, 0.6},
		{1000, 8, 0.1, 0.2},
		{1000, 64, 0.9, 1},
	} {
		if got := saturation(c.workers, c.jobs, trial); got < c.least || got > c.most {
			t.Errorf("%d workers, batches of %d: they measure %.0f %% of their time, want %.0f to %.0f", c.workers, c.jobs, 100*got, 100*c.least, 100*c.most)
		}
	}
}
