package web

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"qtune/kernels/module"
	"qtune/logs"
	"qtune/measure"
	"qtune/schedules"
	"qtune/service/views"
	"qtune/service/views/viewstest"
)

// A tuned is a network in a log, which all tests share: to tune it takes seconds.
type tuned struct {
	log    *logs.Log
	tasks  []schedules.Task
	report *views.Report
}

// theTuned is set by TestMain.
var theTuned func() (*tuned, error)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "web")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		theTuned = sync.OnceValues(func() (*tuned, error) { return newTuned(filepath.Join(dir, "tune.db")) })
		return m.Run()
	}())
}

func newTuned(path string) (*tuned, error) {
	g, err := viewstest.Graph()
	if err != nil {
		return nil, err
	}
	_, tasks, _, err := module.Tasks(g, viewstest.Target.ISA)
	if err != nil {
		return nil, err
	}
	log, err := viewstest.Tune(path, g)
	if err != nil {
		return nil, err
	}
	r, err := views.NewReport(context.Background(), log, g, viewstest.Hostile, viewstest.Target, viewstest.Machine())
	return &tuned{log, tasks, r}, err
}

// A fake is a Source with a network in a log, and jobs that a test changes.
type fake struct {
	*tuned

	mu       sync.Mutex
	jobs     []views.Job
	watchers []chan struct{}
}

// Identities of the fake's jobs.
const (
	running = "3"
	done    = "1"
	broken  = "broken" // the source fails
)

func newFake(t testing.TB) *fake {
	t.Helper()
	shared, err := theTuned()
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{tuned: shared}
	start := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	live := views.Job{ID: running, Model: viewstest.Hostile, Owner: viewstest.Hostile, State: "running", Target: viewstest.Target.String(),
		Submitted: start, Started: start.Add(time.Minute), Done: 120, Budget: 400, Failed: 3, PerSecond: 87, Left: 95 * time.Second,
		Network: 81234, Default: 99876, HasNetwork: true,
		Failures: []views.FailureKind{{Status: "wrong-answer", Count: 2, Message: viewstest.Hostile}, {Status: "timeout", Count: 1, Message: "after 2s"}}}
	for i, task := range f.tasks {
		k := views.JobTask{Workload: task.Workload, Target: viewstest.Target, Count: task.Count, State: "searching"}
		if i > 0 { // the first has not begun
			k.Trials, k.Default, k.Best, k.Noise = 6, 30000, 25000, 0.013
			k.Curve = []measure.Nanos{0, 30000, 30000, 27000, 25000, 25000}
		}
		live.Tasks = append(live.Tasks, k)
	}
	f.jobs = []views.Job{live,
		{ID: "2", Model: "resnet50.tflite", Owner: "ci", State: "queued", Budget: 2000, Submitted: start},
		{ID: done, Model: "mobilenet.tflite", Owner: "ci", State: "failed", Error: "the worker " + viewstest.Hostile + " went away", Submitted: start,
			Started: start, Ended: start.Add(time.Hour), Done: 10, Budget: 2000}}
	return f
}

func (f *fake) Jobs(context.Context) ([]views.Job, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]views.Job(nil), f.jobs...), nil
}

func (f *fake) Job(_ context.Context, id string) (*views.Job, error) {
	if id == broken {
		return nil, errors.New("a secret of the store")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, j := range f.jobs {
		if j.ID == id {
			return &j, nil
		}
	}
	return nil, ErrNotFound
}

func (f *fake) Watch(ctx context.Context, id string) (<-chan struct{}, error) {
	if _, err := f.Job(ctx, id); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := make(chan struct{}, 1)
	f.watchers = append(f.watchers, c)
	return c, nil
}

// advance changes the running job and tells who watches.
func (f *fake) advance(trials int, end bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	j := &f.jobs[0]
	j.Done = trials
	if end {
		j.State, j.Ended = "done", j.Started.Add(time.Hour)
	}
	for _, c := range f.watchers {
		select {
		case c <- struct{}{}:
		default: // it will see this change with the one before
		}
		if end {
			close(c)
		}
	}
	if end {
		f.watchers = nil
	}
}

// watching counts who watches.
func (f *fake) watching() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.watchers)
}

func (f *fake) Network(ctx context.Context, id string) (*views.Network, error) {
	if _, err := f.Job(ctx, id); err != nil {
		return nil, err
	}
	return f.report.Network, nil
}

func (f *fake) Task(ctx context.Context, w schedules.Workload, t schedules.Target, knob string) (*views.Task, error) {
	return views.NewTask(ctx, f.log, w, t, knob)
}

func (f *fake) SearchLog(ctx context.Context, text string, limit int) ([]logs.Match, bool, error) {
	return f.log.Search(ctx, text, limit)
}

func (f *fake) Workers(context.Context) ([]views.Worker, error) {
	seen := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	return []views.Worker{
		{Name: "board-1", Target: viewstest.Target.String(), State: "measuring", Slots: 2, Trials: 1234, Failed: 3, LastSeen: seen},
		{Name: viewstest.Hostile, Target: viewstest.Hostile, State: "put aside", Note: viewstest.Hostile, Slots: 1},
	}, nil
}

func newHandler(f *fake) *Handler { return New(f, slog.New(slog.DiscardHandler)) }
