// Package pages joins package service, which runs jobs, with package web, which
// shows them: what the pages ask for is read from the store and the log at the
// moment of asking.
package pages

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"qtune/logs"
	"qtune/measure"
	"qtune/measure/remote"
	"qtune/schedules"
	"qtune/service"
	"qtune/service/api"
	"qtune/service/views"
	"qtune/service/web"
)

// Workers returns those that measure for a service, as they are now.
type Workers func(context.Context) ([]remote.Status, error)

// Limits measures what one core of a service's machine can do with an instruction
// set, in a second or two.
type Limits func(context.Context, schedules.ISA) (*views.Machine, error)

// New returns the pages of a service. workers may be nil: it measures by itself; and
// limits, where the machine that measures is another one.
func New(s *service.Service, workers Workers, limits Limits, log *slog.Logger) *web.Handler {
	return web.New(&source{Service: s, workers: workers, machines: machines{service: s, limits: limits, log: log}}, log)
}

// A source is the web.Source of a service.
type source struct {
	*service.Service
	workers  Workers
	looks    looks
	machines machines
}

var _ web.Source = (*source)(nil)

// found makes web.ErrNotFound of the service's refusals.
func found(err error) error {
	var r *service.Refusal
	if errors.As(err, &r) && r.Reason == service.NotFound {
		return web.ErrNotFound
	}
	return err
}

// Jobs returns all jobs, the newest first, without their tasks.
func (s *source) Jobs(ctx context.Context) ([]views.Job, error) {
	list, err := s.Service.Jobs(ctx, service.JobFilter{})
	if err != nil {
		return nil, err
	}
	out := make([]views.Job, len(list))
	for i, j := range list {
		out[i] = s.job(j)
	}
	return out, nil
}

// one reads the job of a page's address.
func (s *source) one(ctx context.Context, id string) (api.Job, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return api.Job{}, web.ErrNotFound
	}
	j, err := s.Service.Job(ctx, n)
	return j, found(err)
}

// Job returns a job with its tasks.
func (s *source) Job(ctx context.Context, id string) (*views.Job, error) {
	j, err := s.one(ctx, id)
	if err != nil {
		return nil, err
	}
	k := s.looks.of(j.ID)
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.fresh(j) {
		if err := s.look(ctx, j, k); err != nil {
			return nil, err
		}
	}
	v := s.job(j)
	v.Tasks, v.Failures = k.tasks, k.failures
	return &v, nil
}

// look reads what the log has of a job's tasks.
func (s *source) look(ctx context.Context, j api.Job, k *look) error {
	at := time.Now()
	list, err := s.JobTasks(j.Spec)
	if err != nil {
		return err
	}
	ended := endedTasks(j)
	var tasks []views.JobTask
	var failures []views.FailureKind
	for _, t := range list {
		task, err := views.NewJobTask(ctx, s.Log(), t.Workload, s.target(j))
		if err != nil {
			return err
		}
		task.Count = t.Count
		switch {
		case task.State != "": // it cannot be tuned
		case j.State.Ended() || ended[t.Workload.String()]:
			task.State = "ended"
		default:
			task.State = "searching"
		}
		tasks = append(tasks, task)
		for _, f := range task.Failures {
			failures = views.AddFailures(failures, f)
		}
	}
	k.at, k.took, k.state, k.tasks, k.failures = at, time.Since(at), j.State, tasks, failures
	return nil
}

// endedTasks are the workloads of which a running job's progress says that they get no
// more trials.
func endedTasks(j api.Job) map[string]bool {
	ended := map[string]bool{}
	if j.Progress != nil {
		for _, t := range j.Progress.Tasks {
			ended[t.Workload] = t.Ended
		}
	}
	return ended
}

// job is a job without its tasks.
func (s *source) job(j api.Job) views.Job {
	v := views.Job{
		ID: strconv.FormatInt(j.ID, 10), Model: j.ModelName, Owner: j.Owner, State: string(j.State), Error: j.Error,
		Target: s.target(j).String(), Priority: j.Spec.Priority, Submitted: j.Created, Started: j.Started, Ended: j.Finished,
		Budget: j.Spec.Trials, HasNetwork: !j.Started.IsZero() || j.SameAs != 0,
	}
	if j.SameAs != 0 {
		v.SameAs = strconv.FormatInt(j.SameAs, 10)
	}
	if p := j.Progress; p != nil {
		v.Done, v.Failed, v.PerSecond, v.Left = p.Done, p.Failed, p.PerSecond, time.Duration(p.LeftS*float64(time.Second))
		v.Network, v.Default = measure.Nanos(p.NetworkNS), measure.Nanos(p.DefaultNS)
	}
	if r := j.Result; r != nil {
		v.NoWhole = r.NoLatency
		if l := r.Latency; l != nil {
			v.Whole = &views.Whole{Runs: l.Runs, Default: measure.Nanos(l.DefaultNS), Tuned: measure.Nanos(l.TunedNS), Reverted: l.Reverted}
		}
	}
	return v
}

// target is what a job is tuned for.
func (s *source) target(j api.Job) schedules.Target {
	return schedules.Target{ISA: schedules.ISA(j.Spec.Target), Machine: s.Config().Machine}
}

// watchApart is how long changes are collected for who watches.
const watchApart = time.Second

// Watch returns a channel that receives when the job has changed, closed when it is
// over.
func (s *source) Watch(ctx context.Context, id string) (<-chan struct{}, error) {
	j, err := s.one(ctx, id)
	if err != nil {
		return nil, err
	}
	w, err := s.Service.Watch(ctx, j.ID, 0)
	if err != nil {
		return nil, found(err)
	}
	changed := make(chan struct{}, 1)
	go func() {
		defer close(changed)
		for {
			if _, err := w.Next(ctx); err != nil { // io.EOF: the job is over
				return
			}
			select {
			case changed <- struct{}{}:
			default: // the page has not looked since the last change
			}
			select { // to wake hundreds for each event would take what the tuner needs
			case <-time.After(watchApart):
			case <-ctx.Done():
			}
		}
	}()
	return changed, nil
}

// Network returns the network of a job as the log knows it now.
func (s *source) Network(ctx context.Context, id string) (*views.Network, error) {
	j, err := s.one(ctx, id)
	if err != nil {
		return nil, err
	}
	g, err := s.Graph(ctx, j.Spec.Model)
	if err != nil {
		return nil, found(err)
	}
	t := s.target(j)
	return views.NewNetwork(ctx, s.Log(), g, j.ModelName, t, s.machines.get(t.ISA))
}

// Task returns what was measured of a workload.
func (s *source) Task(ctx context.Context, w schedules.Workload, t schedules.Target, knob string) (*views.Task, error) {
	return views.NewTask(ctx, s.Log(), w, t, knob)
}

// SearchLog finds workloads by words.
func (s *source) SearchLog(ctx context.Context, text string, limit int) ([]logs.Match, bool, error) {
	return s.Log().Search(ctx, text, limit)
}

// Workers returns those that measure.
func (s *source) Workers(ctx context.Context) ([]views.Worker, error) {
	if s.workers == nil {
		load := s.Load()
		return []views.Worker{{Name: "this machine", Target: schedules.Target{ISA: s.Config().ISAs[0], Machine: s.Config().Machine}.String(),
			State: stateOf(load), Slots: s.Config().Runner.Slots(), Trials: int(load.Trials), Failed: int(load.Failures), LastSeen: time.Now()}}, nil
	}
	all, err := s.workers(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]views.Worker, len(all))
	for i, w := range all {
		t := schedules.Target{Machine: w.Identity.Machine}
		if len(w.ISAs) > 0 {
			t.ISA = w.ISAs[0]
		}
		out[i] = views.Worker{Name: w.Identity.Name, Target: t.String(), State: string(w.State), Note: w.Why, Slots: len(w.Cores),
			Trials: w.Trials, Failed: w.Failures, LastSeen: w.Seen}
	}
	return out, nil
}

func stateOf(l service.Load) string {
	if l.Running > 0 {
		return "measuring"
	}
	return "idle"
}
