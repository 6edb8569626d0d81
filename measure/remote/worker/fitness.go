package worker

import (
	"fmt"
	"sync"
	"time"

	"qtune/measure"
)

// When a worker is not to be trusted any more.
const (
	maxDrift    = 1.25 // of the calibration kernel's time against its first
	maxDrifted  = 8    // batches in a row
	maxFailures = 5    // failures to measure or to answer in a row
)

// A fitness is what the last batches say of this worker.
type fitness struct {
	pace pace
	mu   struct {
		sync.Mutex
		failures int           // in a row
		until    time.Duration // no batch before
		failure  string        // the last
		cores    map[int]*drift
		verdict  string // why it must not go on
	}
}

// A drift is how the calibration kernel does on a core.
type drift struct {
	first  measure.Nanos
	beyond int // batches in a row with more than maxDrift
}

func newFitness(p pace) *fitness {
	f := &fitness{pace: p}
	f.reset()
	return f
}

// reset forgets everything.
func (f *fitness) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.failures, f.mu.until, f.mu.failure, f.mu.verdict = 0, 0, "", ""
	f.mu.cores = map[int]*drift{}
}

// measured notes the results of a batch.
func (f *fitness) measured(results []measure.Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range results {
		if r.Calibration <= 0 {
			continue
		}
		d := f.mu.cores[r.Core]
		switch {
		case d == nil:
			f.mu.cores[r.Core] = &drift{first: r.Calibration}
		case float64(r.Calibration) <= maxDrift*float64(d.first):
			d.beyond = 0
		default:
			if d.beyond++; d.beyond >= maxDrifted {
				f.mu.verdict = fmt.Sprintf("the calibration kernel takes %v on core %d, at first %v: the machine has changed", r.Calibration, r.Core, d.first)
			}
		}
		return // it is the batch's
	}
}

// worked notes that a batch could be measured and answered.
func (f *fitness) worked() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.failures, f.mu.failure = 0, ""
}

// failed notes at a time of the clock that nothing could be measured, and returns
// for how long no batch should be taken.
func (f *fitness) failed(now time.Duration, err error) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	pause := min(f.pace.retry<<f.mu.failures, f.pace.tired)
	f.mu.failures++
	f.mu.failure = oneLine(err.Error())
	f.mu.until = now + pause
	if f.mu.failures >= maxFailures {
		f.mu.verdict = f.mu.failure
	}
	return pause
}

// pause returns for how long no batch should be taken, and why.
func (f *fitness) pause(now time.Duration) (time.Duration, string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.until - now, f.mu.failure
}

// verdict returns, once, why this worker must not go on; "" where it may.
func (f *fitness) verdict() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	why := f.mu.verdict
	f.mu.verdict = ""
	return why
}
