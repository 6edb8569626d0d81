package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"qtune/kernels/module"
	"qtune/logs"
	"qtune/measure/sim"
	"qtune/qnn/tflite"
	"qtune/schedules"
	"qtune/service/api"
	"qtune/tuner"
)

var (
	testMachine = must(schedules.ParseMachine("amd-25-17 cores=2 l1d=32768 l2=1048576 l3=33554432 brand=AMD EPYC"))
	user        = Caller{"ann", Submit}
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// patience is how long a test waits for what must happen on a busy machine.
const patience = time.Minute

// golden returns the file of a network of one operator.
func golden(t testing.TB, name string) []byte {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("..", "qnn", "ref", "testdata", "golden_ops", name, "model.tflite"))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// testRunner is a simulated machine of one slot, which measures what gate lets it; all
// where that is nil.
func testRunner(gate <-chan struct{}) tuner.Runner {
	return sim.New(sim.Config{Seed: 3, Noise: 0.02, Slots: 1, Gate: gate})
}

// testConfig serves a folder with such a machine.
func testConfig(dir string) Config {
	return Config{
		Dir: dir, Runner: testRunner(nil), Machine: testMachine,
		ISAs: []schedules.ISA{schedules.AVX2, schedules.AVX512VNNI},
	}
}

func openService(t *testing.T, cfg Config) *Service {
	t.Helper()
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func addModel(t *testing.T, s *Service, name string) api.Model {
	t.Helper()
	m, _, err := s.AddModel(t.Context(), "ann", name, bytes.NewReader(golden(t, name)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func specOf(m api.Model, trials int) api.Spec {
	spec := api.DefaultSpec()
	spec.Model, spec.Trials = m.Hash, trials
	return spec
}

func submit(t *testing.T, s *Service, spec api.Spec) api.Job {
	t.Helper()
	j, err := s.Submit(t.Context(), user, spec)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// waitFor waits until a job is in a state.
func waitFor(t *testing.T, s *Service, id int64, want api.State) api.Job {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		j, err := s.Job(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if j.State == want {
			return j
		}
		if j.State.Ended() || time.Now().After(deadline) {
			t.Fatalf("job %d is %s (%s), want %s", id, j.State, j.Error, want)
		}
	}
}

// direct is what the tuner finds by itself.
func direct(t *testing.T, file []byte, spec api.Spec, runner tuner.Runner) *api.Result {
	t.Helper()
	g, err := tflite.Import(file)
	if err != nil {
		t.Fatal(err)
	}
	_, tasks, _, err := module.Tasks(g, schedules.ISA(spec.Target))
	if err != nil {
		t.Fatal(err)
	}
	log, err := logs.Open(filepath.Join(t.TempDir(), "tune.db"), logs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	r, err := tuner.Tune(t.Context(), tuner.Config{
		Tasks: tasks, Target: schedules.Target{ISA: schedules.ISA(spec.Target), Machine: testMachine},
		Runner: runner, Store: log, Trials: spec.Trials, Seed: spec.Seed,
	})
	if err != nil {
		t.Fatal(err)
	}
	return ResultOf(r)
}

// sameWinners compares results but for times of the clock.
func sameWinners(t *testing.T, got, want *api.Result) {
	t.Helper()
	if got == nil || len(got.Tasks) == 0 || !reflect.DeepEqual(got.Tasks, want.Tasks) {
		t.Errorf("the service found\n%s\nthe tuner by itself\n%s", mustJSON(got), mustJSON(want))
	}
}

func TestJobsFindWhatTheTunerFinds(t *testing.T) {
	s := openService(t, testConfig(t.TempDir()))
	names := []string{"conv_u8_bigk", "dw_s8_perch_dil2"}
	var jobs []api.Job
	for i, name := range names {
		spec := specOf(addModel(t, s, name), 60)
		spec.Target, spec.Priority = "avx2", i+1
		jobs = append(jobs, submit(t, s, spec))
	}
	// Of the same workload, and it runs beside the first.
	other := jobs[0].Spec
	other.Seed = 9
	jobs = append(jobs, submit(t, s, other))
	for i, name := range append(names, names[0]) {
		j := waitFor(t, s, jobs[i].ID, api.Done)
		if j.Owner != "ann" || j.ModelName != name || j.Progress == nil || j.Finished.Before(j.Created) || j.Error != "" {
			t.Errorf("%+v", j)
		}
		sameWinners(t, j.Result, direct(t, golden(t, name), jobs[i].Spec, s.cfg.Runner))
	}
	// The same again is answered at once, whoever asks, with whatever priority.
	trials := must(s.Log().Stats(t.Context())).Trials
	again := jobs[0].Spec
	again.Priority = 7
	j := submit(t, s, again)
	first := must(s.Job(t.Context(), jobs[0].ID))
	if j.State != api.Done || j.SameAs != first.ID || !reflect.DeepEqual(j.Result, first.Result) {
		t.Errorf("an equal job: %+v", j)
	}
	if j = submit(t, s, again); j.SameAs != first.ID {
		t.Errorf("the same once more is as job %d, want %d", j.SameAs, first.ID)
	}
	if n := must(s.Log().Stats(t.Context())).Trials; n != trials {
		t.Errorf("equal jobs measured %d trials", n-trials)
	}
	all := must(s.Jobs(t.Context(), JobFilter{}))
	some := must(s.Jobs(t.Context(), JobFilter{State: api.Done, Model: again.Model, Before: j.ID, Limit: 2}))
	if len(all) != 5 || all[0].ID != j.ID || all[0].Result != nil || len(some) != 2 || some[0].ID != j.ID-1 || some[1].ID != jobs[2].ID {
		t.Errorf("lists: %+v\n%+v", all, some)
	}
}

// However many slots there are, jobs that share them find the same.
func TestSlots(t *testing.T) {
	cfg := testConfig(t.TempDir())
	cfg.Runner = sim.New(sim.Config{Seed: 3, Noise: 0.02, Slots: 4, Delay: time.Millisecond})
	s := openService(t, cfg)
	names := []string{"conv_u8_bigk", "dw_s8_perch_dil2", "conv_s8_perch_3x3_same"}
	var jobs []api.Job
	for _, name := range names {
		spec := specOf(addModel(t, s, name), 60)
		spec.Target = "avx2"
		jobs = append(jobs, submit(t, s, spec))
	}
	alone := testConfig("").Runner // of one slot
	for i, j := range jobs {
		sameWinners(t, waitFor(t, s, j.ID, api.Done).Result, direct(t, golden(t, names[i]), j.Spec, alone))
	}
}

// A job that is paused, whose service is stopped, and then resumed finds the same.
func TestPauseAndRestart(t *testing.T) {
	dir := t.TempDir()
	cfg := testConfig(dir)
	g := make(chan struct{}, 1000)
	cfg.Runner = testRunner(g)
	s := openService(t, cfg)
	spec := specOf(addModel(t, s, "conv_u8_bigk"), 60)
	spec.Target = "avx2"
	j := submit(t, s, spec)
	g <- struct{}{}
	g <- struct{}{}
	waitTrials(t, s, 9) // the default schedule, and a batch
	if j, err := s.Pause(t.Context(), user, j.ID); err != nil || j.State != api.Paused {
		t.Fatalf("%+v, %v", j, err)
	}
	if _, err := s.Pause(t.Context(), user, j.ID); !isRefusal(err, Conflict) {
		t.Errorf("paused twice: %v", err)
	}
	if _, err := s.Resume(t.Context(), Caller{"bob", Submit}, j.ID); !isRefusal(err, Forbidden) {
		t.Errorf("resumed by another: %v", err)
	}
	if _, err := s.Resume(t.Context(), Caller{"root", Admin}, j.ID); err != nil {
		t.Errorf("resumed by an admin: %v", err)
	}
	g <- struct{}{}
	waitTrials(t, s, 17)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	cfg = testConfig(dir)
	s = openService(t, cfg)
	j = waitFor(t, s, j.ID, api.Done)
	want := direct(t, golden(t, "conv_u8_bigk"), j.Spec, cfg.Runner)
	sameWinners(t, j.Result, want)
	if j.Result.Known != 17 {
		t.Errorf("the last run knew %d trials, want 17", j.Result.Known)
	}
	if _, err := s.Cancel(t.Context(), user, j.ID); !isRefusal(err, Conflict) {
		t.Errorf("cancelled when done: %v", err)
	}
}

func waitTrials(t *testing.T, s *Service, n int) {
	t.Helper()
	for deadline := time.Now().Add(patience); must(s.Log().Stats(t.Context())).Trials < n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("there are no %d trials", n)
		}
	}
}

func TestCancelAndFailure(t *testing.T) {
	cfg := testConfig(t.TempDir())
	g := make(chan struct{})
	cfg.Runner, cfg.MaxJobs = testRunner(g), 1
	s := openService(t, cfg)
	spec := specOf(addModel(t, s, "conv_u8_bigk"), 60)
	first := submit(t, s, spec)
	waitFor(t, s, first.ID, api.Running)
	twin := submit(t, s, spec)
	spec.Seed = 2
	second := submit(t, s, spec)
	for _, id := range []int64{twin.ID, second.ID} {
		if j := must(s.Job(t.Context(), id)); j.State != api.Queued {
			t.Errorf("job %d is %s beside the one that may run", id, j.State)
		}
	}
	w := must(s.Watch(t.Context(), first.ID, 0))
	if j, err := s.Cancel(t.Context(), user, first.ID); err != nil || j.State != api.Cancelled || j.Finished.IsZero() {
		t.Errorf("%+v, %v", j, err)
	}
	events := allEvents(t, w)
	if last := events[len(events)-2]; last.Type != api.StateEvent || !strings.Contains(string(last.Data), `"state":"cancelled"`) {
		t.Errorf("the watcher saw %s %s", last.Type, last.Data)
	}
	waitFor(t, s, twin.ID, api.Running)
	if _, err := s.Resume(t.Context(), user, first.ID); !isRefusal(err, Conflict) {
		t.Errorf("a cancelled job goes on: %v", err)
	}
	if _, err := s.Cancel(t.Context(), user, twin.ID); err != nil {
		t.Error(err)
	}
	waitFor(t, s, second.ID, api.Running)
}

// allEvents reads what a watcher sees until the end.
func allEvents(t *testing.T, w *Watch) []api.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all []api.Event
	for {
		events, err := w.Next(ctx)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, events...)
	}
}

func TestEvents(t *testing.T) {
	s := openService(t, testConfig(t.TempDir()))
	m := addModel(t, s, "conv_u8_bigk")
	j := submit(t, s, specOf(m, 40))
	events := allEvents(t, must(s.Watch(t.Context(), j.ID, 0)))
	counts := map[api.EventType]int{}
	last := int64(0)
	for _, e := range events {
		counts[e.Type]++
		if e.Seq != 0 && e.Seq <= last {
			t.Errorf("event %d after %d", e.Seq, last)
		}
		last = max(last, e.Seq)
	}
	if end := events[len(events)-1]; events[0].Type != api.StateEvent || end.Type != api.EndEvent || string(end.Data) != `{"reason":"job"}` {
		t.Errorf("%+v", events)
	}
	var done api.Job
	if err := json.Unmarshal(events[len(events)-2].Data, &done); err != nil || done.State != api.Done || done.Result == nil {
		t.Errorf("the last state: %s", events[len(events)-2].Data)
	}
	// Of a job that has ended only the state is known.
	after := allEvents(t, must(s.Watch(t.Context(), j.ID, last-1)))
	if len(after) != 2 || after[0].Type != api.StateEvent || after[1].Type != api.EndEvent || len(s.mu.feeds) != 0 {
		t.Errorf("%d feeds, %+v", len(s.mu.feeds), after)
	}
	if _, err := s.Watch(t.Context(), 99, 0); !isRefusal(err, NotFound) {
		t.Errorf("a job that is not there: %v", err)
	}
}

func TestSubmitRefuses(t *testing.T) {
	s := openService(t, testConfig(t.TempDir()))
	m := addModel(t, s, "conv_u8_bigk")
	pool := addModel(t, s, "avgpool_s8_relu")
	for name, c := range map[string]struct {
		edit   func(*api.Spec)
		reason Reason
		says   string
	}{
		"hash":     {func(s *api.Spec) { s.Model = "../../etc/passwd" }, Invalid, "no SHA-256"},
		"model":    {func(s *api.Spec) { s.Model = strings.Repeat("0", 64) }, NotFound, "there is no model"},
		"target":   {func(s *api.Spec) { s.Target = "avxvnni" }, Invalid, "does not execute it"},
		"ref":      {func(s *api.Spec) { s.Target = "ref" }, Invalid, "does not execute it"},
		"machine":  {func(s *api.Spec) { s.Machine = "amd-25-1" }, Invalid, "measures on amd-25-17"},
		"trials":   {func(s *api.Spec) { s.Trials = -1 }, Invalid, "trials: -1"},
		"threads":  {func(s *api.Spec) { s.Threads = 2 }, Invalid, "at most 1"},
		"priority": {func(s *api.Spec) { s.Priority = 0 }, Invalid, "priority: 0"},
		"strategy": {func(s *api.Spec) { s.Strategy = "x" }, Invalid, `strategy "x" is unknown`},
		"tasks":    {func(s *api.Spec) { s.Tasks = "7" }, Invalid, "numbered 0 to 0"},
		"nothing":  {func(s *api.Spec) { s.Model = pool.Hash }, Invalid, "nothing to tune"},
	} {
		spec := specOf(m, 10)
		c.edit(&spec)
		if _, err := s.Submit(t.Context(), user, spec); !isRefusal(err, c.reason) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	if n := must(s.CountJobs(t.Context())); len(n) != 0 {
		t.Errorf("jobs were stored: %v", n)
	}
}

// A job ends with the whole network before and after, measured in the job's turn, and
// says so where that does not work; it is not measured for a job that was stopped.
func TestCompare(t *testing.T) {
	var asked Comparison
	var fault error
	started := make(chan struct{})
	cfg := testConfig(t.TempDir())
	cfg.Threads = 2
	var s *Service
	cfg.Compare = func(ctx context.Context, q Comparison) (*api.Latency, error) {
		if load := s.Load(); load.Running != 1 {
			t.Errorf("%d batches are measured meanwhile", load.Running)
		}
		if asked = q; q.Threads == 2 {
			close(started)
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return &api.Latency{Runs: 7, DefaultNS: 9, TunedNS: 8}, fault
	}
	s = openService(t, cfg)
	m := addModel(t, s, "conv_u8_bigk")
	spec := specOf(m, 8)
	j := waitFor(t, s, submit(t, s, spec).ID, api.Done)
	if j.Result.Latency == nil || j.Result.Latency.Runs != 7 || j.Result.NoLatency != "" {
		t.Errorf("%s", mustJSON(j.Result))
	}
	if file, err := os.ReadFile(asked.Model); err != nil || len(file) != int(m.Bytes) || asked.Session == 0 || !reflect.DeepEqual(asked.Tasks, j.Result.Tasks) {
		t.Errorf("asked for %+v, %v", asked, err)
	}
	fault = errors.New("the child was killed")
	spec.Seed++
	if j := waitFor(t, s, submit(t, s, spec).ID, api.Done); j.Result.NoLatency != fault.Error() || len(j.Result.Tasks) == 0 {
		t.Errorf("%s", mustJSON(j.Result))
	}
	spec.Threads = 2
	slow := submit(t, s, spec)
	<-started
	if j, err := s.Pause(t.Context(), user, slow.ID); err != nil || j.State != api.Paused {
		t.Fatalf("%+v, %v", j, err)
	}
	for s.Load().Running > 0 { // the slot is free again
		time.Sleep(time.Millisecond)
	}
}

// A job that runs tells of each task; its row in the store does not.
func TestProgressOfTasks(t *testing.T) {
	cfg := testConfig(t.TempDir())
	cfg.Runner = sim.New(sim.Config{Seed: 3, Slots: 1, Delay: 20 * time.Millisecond})
	s := openService(t, cfg)
	id := submit(t, s, specOf(addModel(t, s, "conv_u8_bigk"), 1000)).ID
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		j, err := s.Job(t.Context(), id)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("%+v, %v", j, err)
		}
		if p := j.Progress; p != nil && len(p.Tasks) == 1 && p.Tasks[0].Trials > 0 {
			break
		}
	}
	if j, err := s.Cancel(t.Context(), user, id); err != nil || j.Progress != nil && len(j.Progress.Tasks) > 0 {
		t.Errorf("%+v, %v", j, err)
	}
}
