package local

import (
	"slices"
	"time"

	"qtune/kernels"
	"qtune/measure"
	"qtune/qnn"
	"qtune/schedules"
)

// A calibration is a fixed piece of work that runs between samples: its time
// changes only with the machine. It is not safe for concurrent use.
type calibration struct {
	run    func()
	inner  int       // runs a tick
	recent []float64 // nanoseconds of the last ticks, a ring
	next   int
	quiet  float64   // center of recent
	batch  []float64 // ticks since begin
}

// How a machine is judged: by ticks of 20 us, against those of the last few
// hundred samples.
const (
	tickTime      = 20 * time.Microsecond
	recentTicks   = 256
	disturbedTick = 1.10
)

// calibrationWorkload fits the L1 cache with its constants and buffers.
var calibrationWorkload = schedules.Workload{
	Op: schedules.Dense, N: 1, H: 1, W: 1, C: 128, O: 64,
	Window: qnn.Window{KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1},
}

func newCalibration() *calibration {
	c := &calibration{run: calibrationRun(), inner: 1}
	c.run()
	for c.once() < float64(tickTime) && c.inner < 1<<20 {
		c.inner *= 2
	}
	for range recentTicks / 8 {
		c.tick()
	}
	return c
}

// calibrationRun is the kernel of the default schedule in the CPU's best
// instruction set, or plain Go where there is none.
func calibrationRun() func() {
	for _, isa := range schedules.HostISAs() {
		space, err := schedules.SpaceFor(calibrationWorkload, isa)
		if err != nil {
			continue
		}
		k, err := kernels.Build(calibrationWorkload, space.Start(), isa)
		if err != nil {
			continue
		}
		rig, err := kernels.NewRig(k, calibrationWorkload.Layer(1), kernels.Native, 1)
		if err != nil {
			continue
		}
		rig.SetInput(schedules.RandomInput(calibrationWorkload.InputBytes(), 1))
		if rig.Run() == nil {
			return func() { _ = rig.Run() }
		}
	}
	x := uint64(1)
	return func() {
		for range 256 {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
		}
	}
}

func (c *calibration) once() float64 {
	start := time.Now()
	for range c.inner {
		c.run()
	}
	return float64(time.Since(start).Nanoseconds())
}

// begin begins a batch.
func (c *calibration) begin() { c.batch = c.batch[:0] }

// tick runs the work once and returns its time.
func (c *calibration) tick() float64 {
	t := c.once()
	c.batch = append(c.batch, t)
	if len(c.recent) < recentTicks {
		c.recent = append(c.recent, t)
	} else {
		c.recent[c.next] = t
	}
	c.next = (c.next + 1) % recentTicks
	if c.next%16 == 0 || c.quiet == 0 {
		s := slices.Clone(c.recent)
		slices.Sort(s)
		c.quiet = s[len(s)/4]
	}
	return t
}

// settle ticks until the machine is quiet, a few times at most, and returns the
// last tick.
func (c *calibration) settle() float64 {
	const most = 8
	t := c.tick()
	for range most {
		if !c.disturbed(t, t) {
			break
		}
		t = c.tick()
	}
	return t
}

// disturbed tells whether the machine was not itself between two ticks.
func (c *calibration) disturbed(before, after float64) bool {
	return max(before, after) > disturbedTick*c.quiet
}

// center is the time of one run of the work.
func (c *calibration) center() measure.Nanos { return measure.Nanos(c.quiet / float64(c.inner)) }
