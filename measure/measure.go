// Package measure says how good a candidate is: a Job names one (what to
// compute, how, with which instructions, measured by which Protocol), a Result
// holds what came out, either raw samples with their Summary or a Status that
// says why there are none. A failure is a Status with a message, never a magic
// time.
//
// The package holds only the vocabulary and the statistics. Packages below it
// carry jobs out: local in child processes of this machine, sim on paper, for
// tests of the tuner. All offer the same two methods, which the tuner declares.
package measure

import (
	"fmt"
	"math"
	"strconv"

	"qtune/kernels"
	"qtune/schedules"
)

// Nanos is a time in nanoseconds. Times of kernels are fractions of a sample,
// so it is not an integer. The zero Nanos means "not known" where a time is
// optional.
type Nanos float64

// String prints n with three significant digits, in the unit that suits it.
func (n Nanos) String() string {
	unit, scale := "ns", 1.0
	switch a := math.Abs(float64(n)); {
	case a >= 1e9:
		unit, scale = "s", 1e9
	case a >= 1e6:
		unit, scale = "ms", 1e6
	case a >= 1e3:
		unit, scale = "us", 1e3
	}
	v := float64(n) / scale
	digits := 2
	switch a := math.Abs(v); {
	case a >= 100:
		digits = 0
	case a >= 10:
		digits = 1
	}
	return strconv.FormatFloat(v, 'f', digits, 64) + " " + unit
}

// A Job is one candidate to check and time. The layer's numbers and the input
// are a function of the workload and Seed, so a job means the same everywhere.
type Job struct {
	ID       uint64 // the sender's; comes back in the Result
	Workload schedules.Workload
	Schedule schedules.Schedule
	ISA      schedules.ISA
	Mode     kernels.Mode // Emulated is checked but cannot be timed: no samples
	Protocol Protocol
	Seed     uint64

	// GiveUp is the time beyond which a candidate is hopeless: where the first
	// two samples are above it, no more are taken. 0 = take all.
	GiveUp Nanos
}

// String names the job in messages.
func (j Job) String() string {
	return fmt.Sprintf("%v | %v | %v", j.Workload, j.Schedule, j.ISA)
}

// A Result is what became of a Job.
type Result struct {
	ID      uint64 // of the Job
	Status  Status
	Message string // why, where Status is not OK

	// SamplesNS are the raw samples: nanoseconds of one run of the layer, sample
	// i taken in round i of the batch, so that the i-th samples of the jobs of
	// one batch were neighbours in time. Empty unless Status is OK.
	SamplesNS []float64
	Summary   Summary

	CodeHash    string // of the code that ran, where it was built
	Core        int    // that the samples were taken on; AnyCore where not pinned
	Disturbed   int    // samples that were repeated because the machine was disturbed
	Calibration Nanos  // center of the calibration kernel's time during the batch; 0 = none
	// Noise is how much the calibration kernel's time varied during the batch: half
	// the distance of its quartiles, relative to the median. 0 = not known.
	Noise float64
}

// Failed makes the Result of a job that has no samples.
func Failed(j Job, s Status, format string, args ...any) Result {
	return Result{ID: j.ID, Status: s, Message: fmt.Sprintf(format, args...), Core: AnyCore}
}
