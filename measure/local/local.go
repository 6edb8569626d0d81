// Package local measures candidates on this machine, in child processes: what
// a candidate does to its process (a fault, an illegal instruction, an endless
// loop) becomes a Status of its Result.
//
// A child is the same binary with a hidden subcommand, which calls Child. It is
// pinned to a core and stays alive from batch to batch, so that synthetic
// layers, inputs and reference outputs are computed once for a workload. A
// watchdog kills a child that does not answer; the job that it was at is
// blamed, the others of the batch are measured again by its successor.
//
// Every candidate is first run once and its output compared with qnn/ref; only
// those with the right bytes are timed. The jobs of a batch are timed in turn,
// a sample of each per round, with a fixed calibration kernel between: where it
// has become slower the machine is disturbed, and the sample is taken again.
//
// By default one child, on a core of its own, does all the timing, while
// children on other cores check the next batch; so times are comparable across
// batches. With Config.Parallel = n, n children on n cores check and time a
// batch each.
package local

import (
	"context"
	"fmt"
	"slices"
	"time"

	"qtune/internal/cores"
	"qtune/measure"
)

// Config says which processes measure. The zero value is the default.
type Config struct {
	// Argv is the command of a child.
	Argv []string
	// Env is added to this process's environment for a child.
	Env []string
	// Parallel is how many cores check and time. 0: one core times, others check.
	Parallel int
	// Cores are the cores to use. nil: all that this process may use.
	Cores []int
	// Grace is how long any answer may take, beyond what the work is expected
	// to. 0: 5 seconds.
	Grace time.Duration
}

// maxCheckers is how many children check for one that times: checking takes a
// fraction of timing.
const maxCheckers = 2

// A Runner measures jobs. It is safe for concurrent use: while one batch is
// timed, the next is checked.
type Runner struct {
	check, time *pool // the same pool where every child does both
	slots       int
}

// New makes a Runner. It starts no child before there is work for it.
func New(cfg Config) (*Runner, error) {
	if len(cfg.Argv) == 0 {
		return nil, fmt.Errorf("local: no command for the measuring child")
	}
	list := cfg.Cores
	if list == nil {
		var err error
		if list, err = cores.Allowed(); err != nil {
			return nil, fmt.Errorf("local: %w", err)
		}
	}
	switch {
	case len(list) == 0:
		return nil, fmt.Errorf("local: no core to measure on")
	case cfg.Parallel < 0:
		return nil, fmt.Errorf("local: %d measuring processes", cfg.Parallel)
	case cfg.Parallel > len(list):
		return nil, fmt.Errorf("local: %d measuring processes need as many cores, this process may use %d", cfg.Parallel, len(list))
	}
	if cfg.Grace == 0 {
		cfg.Grace = 5 * time.Second
	}
	// Low core numbers serve interrupts and are where other processes start:
	// the last one times.
	list = slices.Clone(list)
	slices.Reverse(list)
	if n := max(cfg.Parallel, 1); cfg.Parallel > 0 || len(list) == 1 {
		both := newPool(cfg, list[:n])
		return &Runner{check: both, time: both, slots: n + 1}, nil
	}
	checkers := list[1:min(len(list), 1+maxCheckers)]
	return &Runner{
		check: newPool(cfg, checkers),
		time:  newPool(cfg, list[:1]),
		slots: 2 + len(checkers), // one that is checked waits for the one that is timed
	}, nil
}

// Slots is how many batches should be under way at a time to keep all children
// busy.
func (r *Runner) Slots() int { return r.slots }

// Measure checks and times a batch, whose jobs are compared with each other. It
// returns a Result for each job, in their order; an error only where nothing
// could be measured at all, or ctx ended.
func (r *Runner) Measure(ctx context.Context, jobs []measure.Job) ([]measure.Result, error) {
	for _, j := range jobs {
		if err := j.Protocol.Validate(); err != nil {
			return nil, fmt.Errorf("job %d: %w", j.ID, err)
		}
		if j.Protocol.Threads != 1 {
			return nil, fmt.Errorf("job %d: local measures with 1 thread, not %d", j.ID, j.Protocol.Threads)
		}
		if c := j.Protocol.Core; c != measure.AnyCore && !r.time.only(c) {
			return nil, fmt.Errorf("job %d: asks for core %d, which is not the one that times", j.ID, c)
		}
	}
	if r.check == r.time {
		replies, err := r.time.measure(ctx, request{Check: true, Time: true, Jobs: jobs})
		return results(replies), err
	}
	checked, err := r.check.measure(ctx, request{Check: true, Jobs: jobs})
	if err != nil {
		return nil, err
	}
	var at []int
	right := request{Time: true}
	for i, c := range checked {
		if c.result.Status == measure.OK {
			at = append(at, i)
			right.Jobs = append(right.Jobs, jobs[i])
			right.Want = append(right.Want, c.want)
		}
	}
	timed, err := r.time.measure(ctx, right)
	if err != nil {
		return nil, err
	}
	for i, t := range timed {
		checked[at[i]] = t
	}
	return results(checked), nil
}

func results(replies []reply) []measure.Result {
	out := make([]measure.Result, len(replies))
	for i, r := range replies {
		out[i] = r.result
	}
	return out
}

// Close ends the children. Measure must not be running.
func (r *Runner) Close() error {
	r.check.close()
	if r.time != r.check {
		r.time.close()
	}
	return nil
}
