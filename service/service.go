// Package service tunes networks for many: people and programs upload models and
// submit jobs, the service tunes them on one Runner, keeps one log for everyone and
// tells watchers what happens. Package server puts it on the network, package api
// has the words that both use.
//
// In: models, jobs, logs to merge. Out: rows of the log, results, events.
//
//	store    store.go jobs.go models.go tokens.go   rows beside those of the log
//	schedule scheduler.go claim.go                  which jobs run
//	run      run.go view.go compare.go              a tuner.Tune for each, and the whole network
//	share    mux.go                                 the Runner between them
//	tell     feed.go watch.go events.go             what happens, to watchers
//	forget   retain.go                              what is old
//
// Invariants: a job's state is a row, changed in transactions; whatever ends the
// process, the next one goes on with the same jobs where the log ends. What a job
// finds depends on its model, its Spec, the log as it was when the job first
// started, and what was measured for it; not on other jobs that run beside it.
package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"qtune/kernels/module"
	"qtune/qnn"
	"qtune/schedules"
	"qtune/service/api"
	"qtune/tuner"
	"qtune/tuner/strategy"
)

// Config says how to serve a store.
type Config struct {
	Dir     string // of the store
	Runner  tuner.Runner
	Machine schedules.Machine // that the Runner measures on
	ISAs    []schedules.ISA   // that it executes, the best first
	Threads int               // most threads that a whole network is measured with; 0 = 1
	// Compare measures whole networks on Machine, while the Runner does nothing. nil:
	// where the Runner measures, networks cannot be.
	Compare func(context.Context, Comparison) (*api.Latency, error)

	MaxJobs   int           // that run at a time; 0 = 8
	MaxModel  int64         // bytes of a model's file; 0 = 512 MiB
	MaxModels int64         // bytes of all models' files; 0 = DefaultMaxModels
	Retention time.Duration // after which ended jobs and unused models are deleted; 0 = never
	Log       *slog.Logger  // nil = none
}

// DefaultMaxModels is how many bytes the files of all models may have.
const DefaultMaxModels = 32 << 30

const (
	defaultMaxJobs  = 8
	defaultMaxModel = 512 << 20
)

// A Service runs the jobs of a store. It is safe for concurrent use.
type Service struct {
	*Store
	cfg    Config
	lock   *os.File
	mux    *mux
	tasks  taskCache
	ctx    context.Context // of everything that runs
	stop   context.CancelFunc
	ended  sync.WaitGroup
	wake   chan struct{} // the scheduler
	trials atomic.Int64
	failed atomic.Int64
	files  sync.Mutex // over changes of models' files together with their rows

	mu struct {
		sync.Mutex
		active map[int64]*active // jobs that run
		feeds  map[int64]*feed   // of jobs that have not ended
		closed bool
	}
}

// Open opens the store and goes on with its jobs.
func Open(cfg Config) (*Service, error) {
	if cfg.MaxJobs == 0 {
		cfg.MaxJobs = defaultMaxJobs
	}
	if cfg.MaxModel == 0 {
		cfg.MaxModel = defaultMaxModel
	}
	if cfg.MaxModels == 0 {
		cfg.MaxModels = DefaultMaxModels
	}
	if cfg.Threads == 0 {
		cfg.Threads = 1
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Runner == nil || len(cfg.ISAs) == 0 || cfg.MaxJobs < 0 || cfg.MaxModel < 0 || cfg.MaxModels < 0 || cfg.Retention < 0 {
		return nil, fmt.Errorf("service: nothing to measure with, or a limit below 0")
	}
	s := &Service{cfg: cfg, mux: newMux(cfg.Runner), wake: make(chan struct{}, 1)}
	s.mu.active, s.mu.feeds = map[int64]*active{}, map[int64]*feed{}
	if err := s.open(); err != nil {
		if s.Store != nil {
			err = errors.Join(err, s.Store.Close())
		}
		if s.lock != nil {
			s.lock.Close()
		}
		return nil, fmt.Errorf("store %s: %w", cfg.Dir, err)
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.ended.Go(s.schedule)
	s.ended.Go(s.retain)
	return s, nil
}

func (s *Service) open() (err error) {
	s.Store, err = OpenStore(s.cfg.Dir, func(err error) { s.cfg.Log.Warn("damaged row", "error", err) })
	if err != nil {
		return err
	}
	if s.lock, err = lockStore(filepath.Join(s.cfg.Dir, lockFile)); err != nil {
		return err
	}
	if err := s.sweep(context.Background()); err != nil {
		return err
	}
	return s.requeue(context.Background())
}

// Close ends watchers, stops the jobs that run, so that the next Open goes on with
// them, and closes the store.
func (s *Service) Close() error {
	s.StopWatchers()
	s.stop()
	s.ended.Wait()
	return errors.Join(s.Store.Close(), s.lock.Close())
}

// Config returns what was given to Open, with defaults.
func (s *Service) Config() Config { return s.cfg }

// AddModel keeps the file that r gives as a model, unless it is one already: then
// isNew is false. It must be a quantised network.
func (s *Service) AddModel(ctx context.Context, owner, name string, r io.Reader) (m api.Model, isNew bool, err error) {
	u, err := s.receive(r, s.cfg.MaxModel)
	if err != nil {
		return m, false, err
	}
	defer u.remove()
	g, err := readModel(u.path)
	if err != nil {
		return m, false, err
	}
	// What is compiled first shows what else may be wrong with it.
	if _, _, _, err := module.Tasks(g, s.cfg.ISAs[0]); err != nil {
		return m, false, refuse(Invalid, "not a model that can be compiled: %v", err)
	}
	s.files.Lock()
	defer s.files.Unlock()
	if err := s.checkRoom(ctx, u, s.cfg.MaxModels); err != nil {
		return m, false, err
	}
	return s.keep(ctx, u, name, owner)
}

// Submit adds a job and returns it. Where an equal job is done, so is this one.
func (s *Service) Submit(ctx context.Context, c Caller, spec api.Spec) (api.Job, error) {
	spec, err := s.resolve(ctx, spec)
	if err != nil {
		return api.Job{}, err
	}
	id, err := s.insertJob(ctx, c.Name, spec)
	if err != nil {
		return api.Job{}, err
	}
	s.kick()
	return s.Job(ctx, id)
}

// resolve checks a Spec and fills in what it leaves open, so that equal jobs have
// equal Specs.
func (s *Service) resolve(ctx context.Context, spec api.Spec) (api.Spec, error) {
	if err := spec.Validate(); err != nil {
		return spec, refuse(Invalid, "%v", err)
	}
	if spec.Target == "" {
		spec.Target = string(s.cfg.ISAs[0])
	}
	if !slices.Contains(s.cfg.ISAs, schedules.ISA(spec.Target)) {
		return spec, refuse(Invalid, "target %s: the service's machine does not execute it (it executes %v)", spec.Target, s.cfg.ISAs)
	}
	machine := s.cfg.Machine.String()
	if !strings.HasPrefix(machine+" ", spec.Machine+" ") && spec.Machine != "" {
		return spec, refuse(Invalid, "machine %q: the service measures on %s", api.Clip(spec.Machine), machine)
	}
	spec.Machine = machine
	if spec.Threads > s.cfg.Threads {
		return spec, refuse(Invalid, "threads: %d, the service measures networks with at most %d", spec.Threads, s.cfg.Threads)
	}
	if spec.Strategy == "" {
		spec.Strategy = strategy.Default
	}
	if _, err := s.Model(ctx, spec.Model); err != nil {
		return spec, err
	}
	_, err := s.JobTasks(spec)
	return spec, err
}

// Pause stops a job until it is resumed.
func (s *Service) Pause(ctx context.Context, c Caller, id int64) (api.Job, error) {
	return s.change(ctx, c, id, api.Paused, api.Queued, api.Running)
}

// Resume has a job go on that was paused or failed.
func (s *Service) Resume(ctx context.Context, c Caller, id int64) (api.Job, error) {
	return s.change(ctx, c, id, api.Queued, api.Paused, api.Failed)
}

// Cancel ends a job for good. What was measured stays in the log.
func (s *Service) Cancel(ctx context.Context, c Caller, id int64) (api.Job, error) {
	return s.change(ctx, c, id, api.Cancelled, api.Queued, api.Running, api.Paused, api.Failed)
}

// change brings a job from one of some states to another.
func (s *Service) change(ctx context.Context, c Caller, id int64, to api.State, from ...api.State) (api.Job, error) {
	j, err := s.Job(ctx, id)
	if err != nil {
		return j, err
	}
	if c.Role < Admin && (c.Role < Submit || c.Name != j.Owner) {
		return api.Job{}, refuse(Forbidden, "job %d is of %s", id, j.Owner)
	}
	if err := s.transition(ctx, id, to, from...); err != nil {
		return api.Job{}, err
	}
	if to != api.Queued {
		s.interrupt(id)
	}
	s.kick()
	if j, err = s.Job(ctx, id); err == nil {
		s.tellState(j)
	}
	return j, err
}

// Job returns one job; of one that runs, the progress is that of the moment, with its
// tasks.
func (s *Service) Job(ctx context.Context, id int64) (api.Job, error) {
	j, err := s.Store.Job(ctx, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.mu.active[id]; a != nil && err == nil && j.State == api.Running {
		if p := a.last.Load(); p != nil {
			j.Progress = p
		}
	}
	return j, err
}

// Tasks returns the workloads of a model on an instruction set.
func (s *Service) Tasks(ctx context.Context, hash string, isa schedules.ISA) ([]schedules.Task, error) {
	if _, err := s.Model(ctx, hash); err != nil {
		return nil, err
	}
	return s.tasks.get(s.modelPath(hash), isa)
}

// Graph returns the network of a model.
func (s *Service) Graph(ctx context.Context, hash string) (*qnn.Graph, error) {
	if _, err := s.Model(ctx, hash); err != nil {
		return nil, err
	}
	return readModel(s.modelPath(hash))
}

// Alone has f measure something of the machine itself, when no batch is under way: so
// neither disturbs the other.
func (s *Service) Alone(ctx context.Context, f func() error) error { return s.mux.alone(ctx, f) }

// Load says how busy a service is.
type Load struct {
	Running, Queued  int   // batches that are measured, and that wait for a slot
	Trials, Failures int64 // of this process
}

// Load returns how busy the service is now.
func (s *Service) Load() Load {
	l := Load{Trials: s.trials.Load(), Failures: s.failed.Load()}
	l.Queued, l.Running = s.mux.load()
	return l
}
