package local

import (
	"slices"
	"time"

	"qtune/kernels"
	"qtune/measure"
	"qtune/schedules"
)

// A contender is a candidate that is being timed.
type contender struct {
	*candidate
	index     int // in the request
	want      digest
	inner     int  // runs a sample
	preheat   bool // run once, unmeasured, before each sample
	hopeless  bool // beyond the job's GiveUp: no more samples
	samples   []float64
	disturbed int // samples that were repeated
}

// hopelessSamples is how many samples a hopeless candidate gets: one of them may
// have been disturbed.
const hopelessSamples = 2

// timeJobs times jobs start to end of q, interleaved: a sample of each in turn.
func (c *child) timeJobs(q request, start, end int) error {
	c.memory.Reuse()
	var running []*contender
	defer func() {
		for _, t := range running {
			t.close()
		}
	}()
	for i := start; i < end; i++ {
		if err := c.say(message{Kind: startMessage, Job: i}); err != nil {
			return err
		}
		t, res := c.enter(q, i)
		if res == nil {
			running = append(running, t)
		} else if err := c.say(message{Kind: resultMessage, Job: i, Result: res}); err != nil {
			return err
		}
	}
	if len(running) == 0 {
		return nil
	}
	if err := c.rounds(running); err != nil {
		return err
	}
	for _, t := range running {
		if err := c.say(message{Kind: resultMessage, Job: t.index, Result: t.result(c.clock), Want: t.want}); err != nil {
			return err
		}
	}
	return nil
}

// enter builds job i, checks it if q asks so, and warms it up. A Result is the
// end of it: a failure, or an emulated job, which has no time.
func (c *child) enter(q request, i int) (*contender, *measure.Result) {
	j := q.Jobs[i]
	cand, fail := c.build(j, copies(j))
	if fail != nil {
		return nil, fail
	}
	t := &contender{candidate: cand, index: i}
	if fail = c.admit(t, q); fail == nil && j.Mode == kernels.Emulated {
		fail = &measure.Result{ID: j.ID}
	}
	if fail != nil {
		fail.CodeHash = cand.hash
		cand.close()
		return nil, fail
	}
	return t, nil
}

func (c *child) admit(t *contender, q request) (fail *measure.Result) {
	if q.Check {
		if t.want, fail = c.check(t.candidate); fail != nil {
			return fail
		}
	} else {
		t.want = q.Want[t.index] // compared when it has been timed
		if fail = t.run(); fail != nil {
			return fail
		}
	}
	if t.job.Mode == kernels.Emulated {
		return nil
	}
	return t.warmUp()
}

// warmUp decides how many runs make a sample. The candidate has run once.
func (t *contender) warmUp() *measure.Result {
	p := t.job.Protocol
	for range p.WarmUp - 1 {
		if fail := t.run(); fail != nil {
			return fail
		}
	}
	t.inner = 1
	once := max(t.sample(), 1)
	t.inner = int(min(max(float64(p.MinSample)/once, 1), maxInner))
	// A sample of several runs warms itself up; for one as long as a sample the
	// others' traces in the caches do not count.
	t.preheat = once < float64(p.MinSample)
	return nil
}

// maxInner bounds the runs of one sample.
const maxInner = 10_000

// sample returns the nanoseconds of one run. The candidate has run before: it
// is native, so that Run returns no error.
func (t *contender) sample() float64 {
	if t.preheat {
		_ = t.rig.Run()
	}
	start := time.Now()
	for range t.inner {
		_ = t.rig.Run()
	}
	return float64(time.Since(start).Nanoseconds()) / float64(t.inner)
}

// aliveInterval is how often the parent hears of a child in its rounds. To
// hear it takes some time of the parent's, perhaps on this core: after every
// message in every round, whoever came first was 20 us slower than the others.
const aliveInterval = 300 * time.Millisecond

// rounds takes the samples: in each round one of every contender that is not
// done, each round beginning with another one, so that no place is anybody's.
func (c *child) rounds(running []*contender) error {
	if c.clock == nil {
		c.clock = newCalibration()
	}
	c.clock.begin()
	most := 0
	for _, t := range running {
		most = max(most, t.job.Protocol.Samples)
	}
	var alive time.Time
	before := 0.0
	for round := range most {
		if time.Since(alive) > aliveInterval {
			if err := c.say(message{Kind: roundsMessage}); err != nil {
				return err
			}
			alive = time.Now()
			before = c.clock.settle()
		}
		for i := range running {
			if t := running[(round+i)%len(running)]; round < t.job.Protocol.Samples && !t.hopeless {
				before = t.take(c.clock, before)
			}
		}
	}
	return nil
}

// take adds a sample. before is the calibration's last tick, and the next one
// is returned. Where they say that the machine was disturbed, the sample is
// taken once more, and the better one kept.
func (t *contender) take(clock *calibration, before float64) (after float64) {
	s := t.sample()
	after = clock.tick()
	if clock.disturbed(before, after) {
		t.disturbed++
		s = min(s, t.sample())
		after = clock.tick()
	}
	t.samples = append(t.samples, s)
	if len(t.samples) == hopelessSamples {
		t.hopeless = t.job.GiveUp > 0 && slices.Min(t.samples) > float64(t.job.GiveUp)
	}
	return after
}

func (t *contender) result(clock *calibration) *measure.Result {
	if fail := t.verify(t.want); fail != nil {
		fail.CodeHash = t.hash
		return fail
	}
	return &measure.Result{
		ID: t.job.ID, SamplesNS: t.samples, Summary: measure.Summarise(t.samples),
		CodeHash: t.hash, Disturbed: t.disturbed, Calibration: clock.center(), Noise: measure.Variation(clock.batch),
	}
}

// Sizes of a machine whose caches are not known.
const (
	unknownL2 = 1 << 20
	maxCopies = 64
	// coldBytes is more than most last caches.
	coldBytes = 40 << 20
	// batchMemory bounds the buffers of the contenders of one set of rounds.
	batchMemory = 256 << 20
)

// copies is how many sets of constants a job's rig rotates through.
//
// Together they are one and a half times the L2 cache, and then one: least
// recently used goes first, so that each comes from beyond it. Of constants below
// 1/32 of it (32 KiB of 1 MiB) the cost of fetching vanishes in that of using
// them, so the number is bounded. A network with constants beyond the L2 cache in
// one layer does not fit into the last one: those come from memory.
func copies(j measure.Job) int {
	if j.Protocol.Cache == measure.Warm || j.Mode == kernels.Emulated {
		return 1
	}
	l2 := schedules.HostMachine().L2
	if l2 == 0 {
		l2 = unknownL2
	}
	bytes := max(j.Workload.WeightBytes(), 1)
	if bytes > l2 {
		return min(coldBytes/bytes+1, maxCopies)
	}
	return min(3*l2/2/bytes+1, maxCopies)
}

// fitting is how many of the jobs can be in memory at a time; one at least.
func (c *child) fitting(jobs []measure.Job) int {
	sum := 0
	for i, j := range jobs {
		w := j.Workload
		// Constants can be widened to 16 bits, and borders added to the buffers.
		sum += 2*copies(j)*w.WeightBytes() + 2*(w.InputBytes()+w.OutputBytes())
		if sum > batchMemory {
			return max(i, 1)
		}
	}
	return len(jobs)
}
