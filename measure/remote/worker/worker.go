// Package worker is the measuring end of package remote: it takes batches from a
// hub's queue, has a Runner of this machine measure them, and sends what came out.
//
// # Leases
//
// A batch is lent. The worker beats while it has one, and each beat that the hub
// confirms extends the loan; after remote.GiveUp without one the batch is given up
// (lease.go): measuring ends, nothing is published, nothing acknowledged, because
// by then another worker may have it. So does a process that was stopped and wakes.
// What is left is the moment between the last look at the clock and the hub's: a
// batch may be measured twice, and whoever reads answers counts one.
//
// # Trust
//
// A worker measures only where its numbers mean something: on cores that no other
// worker has (corelock_unix.go) and nobody else uses (idle.go), and after its own
// kernels gave the right bytes (selfcheck.go). Where it drifts or cannot measure it
// puts itself aside: it says so in the workers' bucket and takes no work until the
// entry is deleted, as after anybody else's entry there (aside.go).
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"qtune/measure"
	"qtune/measure/remote"
	"qtune/schedules"
)

// A Runner measures batches; it is safe for concurrent use.
type Runner interface {
	// Measure returns a Result for each job, in their order; an error only where
	// nothing could be measured at all, or ctx ended.
	Measure(ctx context.Context, jobs []measure.Job) ([]measure.Result, error)
	// Slots is how many batches should be under way at a time.
	Slots() int
}

// An Idleness knows whether somebody else uses the cores.
type Idleness interface {
	// Busy names the core that is in use, and how much; "" where all are idle. It
	// is called only while nothing is measured.
	Busy(ctx context.Context) (string, error)
}

// Config says who measures, with what, and for which hub.
type Config struct {
	// Hub says how to connect. Its Name, Log and Unbuffered are the worker's.
	Hub      remote.Options
	Identity remote.Identity
	ISAs     []schedules.ISA // whose batches are taken
	Runner   Runner
	Cores    []int             // that Runner measures on; each is locked for this worker
	Labels   map[string]string // for whoever lists workers
	Idleness Idleness          // nil: not checked
	MaxBatch int               // jobs; larger batches are refused. 0: as the protocol allows
	// DrainTime is how long what is under way may take once Run's context has
	// ended. 0: 30 seconds.
	DrainTime time.Duration
	Log       *slog.Logger // nil: none
}

// check finds what is wrong with c.
func (c *Config) check() error {
	errs := []error{remote.CheckName(c.Identity.Name), remote.CheckLabels(c.Labels)}
	if len(c.ISAs) == 0 {
		errs = append(errs, errors.New("this CPU executes none of the instruction sets that code is generated for"))
	}
	if c.Runner == nil {
		errs = append(errs, errors.New("no runner"))
	} else if c.Runner.Slots() < 1 {
		errs = append(errs, fmt.Errorf("a runner of %d batches at a time", c.Runner.Slots()))
	}
	if c.MaxBatch < 0 || c.DrainTime < 0 {
		errs = append(errs, fmt.Errorf("batches of %d jobs, %v to end", c.MaxBatch, c.DrainTime))
	}
	if c.Identity.Machine.Class() == (schedules.Machine{}).Class() {
		errs = append(errs, errors.New("no machine"))
	}
	return errors.Join(errs...)
}

// A Worker measures for others. It runs once.
type Worker struct {
	cfg     Config
	log     *slog.Logger
	pace    pace
	clock   func() time.Duration
	board   *board
	metrics *metrics
	conn    atomic.Pointer[nats.Conn] // nil before the first connection
}

// pace is how often things are looked at.
type pace struct {
	look         time.Duration // between two looks for a consumer, or at the bucket
	pull         time.Duration // longest wait of a pull
	report       time.Duration // between two statuses without a reason
	idle, busy   time.Duration // between two looks at the cores
	retry, tired time.Duration // first and longest pause after a failure
	try          time.Duration // one attempt to have something from the hub
	publish      time.Duration // all attempts to publish an answer
	waiting      time.Duration // between two notes that there is no hub
}

var defaultPace = pace{
	look: 2 * time.Second, pull: time.Second, report: time.Minute, idle: 10 * time.Second, busy: time.Second,
	retry: 100 * time.Millisecond, tired: 10 * time.Second, try: 2 * time.Second, publish: 5 * time.Minute, waiting: time.Minute,
}

const defaultDrainTime = 30 * time.Second

// New makes a Worker. Nothing is connected before Run.
func New(cfg Config) (*Worker, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	if cfg.DrainTime == 0 {
		cfg.DrainTime = defaultDrainTime
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	w := &Worker{cfg: cfg, log: cfg.Log, pace: defaultPace, clock: clock}
	w.metrics = newMetrics(w.connected)
	w.board = newBoard(&cfg, w.metrics)
	return w, nil
}

func (w *Worker) connected() bool {
	nc := w.conn.Load()
	return nc != nil && nc.IsConnected()
}

// Run connects and measures until ctx ends; then it finishes what is under way and
// returns nil. An error means that it cannot go on: a core is taken, or the hub
// refuses the connection.
func (w *Worker) Run(until context.Context) error {
	locks, err := lockCores(w.cfg.Cores)
	if err != nil {
		return err
	}
	defer locks.release()
	ctx, fail := context.WithCancelCause(until)
	defer fail(nil)
	nc, err := w.connect(ctx, fail)
	if err != nil {
		if until.Err() != nil {
			return nil
		}
		return err
	}
	defer nc.Close()
	w.conn.Store(nc)
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	s := &session{Worker: w, nc: nc, js: js, bucket: &bucket{js: js}}
	if err := s.run(ctx); err != nil || until.Err() != nil {
		return err
	}
	return context.Cause(ctx)
}

// A session is a worker with its connection.
type session struct {
	*Worker
	nc     *nats.Conn
	js     jetstream.JetStream
	bucket *bucket
}

// run takes batches until ctx ends, then lets those under way end.
func (s *session) run(ctx context.Context) error {
	service, err := s.announce()
	if err != nil {
		return err
	}
	reporting, stopReporting := context.WithCancel(context.WithoutCancel(ctx))
	var reporter sync.WaitGroup
	reporter.Go(func() { s.report(reporting) })

	working, giveBack := context.WithCancel(context.WithoutCancel(ctx))
	defer giveBack()
	t := newTaker(s)
	t.take(ctx, working)
	s.board.drain()
	s.log.Info("ending", "under way", t.underWay())
	timer := time.AfterFunc(s.cfg.DrainTime, giveBack)
	t.wait()
	timer.Stop()

	stopReporting()
	reporter.Wait()
	s.leave(ctx, service)
	return nil
}

// sleep waits, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
