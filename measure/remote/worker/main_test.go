package worker

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"qtune/measure"
	"qtune/measure/local"
	"qtune/measure/remote"
	"qtune/schedules"
)

// What the test binary is in place of the tests.
const (
	urlEnv   = "QTUNE_TEST_WORKER_OF" // a worker named frozen, of that hub
	childEnv = "QTUNE_TEST_CHILD"     // a measuring child
)

func TestMain(m *testing.M) {
	if url := os.Getenv(urlEnv); url != "" {
		frozenWorker(url)
		return
	}
	if os.Getenv(childEnv) != "" {
		if err := local.Child(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// frozenWorker measures until it is ended; a batch takes a while.
func frozenWorker(url string) {
	measure := func(_ context.Context, jobs []measure.Job) ([]measure.Result, error) {
		time.Sleep(500 * time.Millisecond)
		return fine(jobs), nil
	}
	cfg := Config{Hub: remote.Options{URL: url}, Runner: fakeRunner{measure: measure}, ISAs: []schedules.ISA{schedules.AVX2},
		Identity: remote.Identity{Name: "frozen", Generator: testKind(schedules.AVX2).Generator, Machine: testMachine}}
	w, err := New(cfg)
	if err == nil {
		w.pace.report = 50 * time.Millisecond
		err = w.Run(context.Background())
	}
	if err != nil {
		panic(err)
	}
}

// With a real runner, real kernels of this CPU and the self-check.
func TestThisMachineMeasures(t *testing.T) {
	t.Parallel()
	isas := schedules.HostISAs()
	if len(isas) == 0 {
		t.Skip("this CPU executes no generated code")
	}
	runner, err := local.New(local.Config{Argv: []string{os.Args[0]}, Env: []string{childEnv + "=1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := runner.Close(); err != nil {
			t.Error(err)
		}
	})
	h := newHub(t)
	u := newTuner(t, h, testLease, isas...)
	start(t, h.url(), Config{Runner: runner, ISAs: isas}, nil)
	for _, isa := range isas {
		b := u.batch("of-"+string(isa), isa, 3)
		space, err := schedules.SpaceFor(b.Jobs[0].Workload, isa)
		if err != nil {
			t.Fatal(err)
		}
		b.Jobs[1].Schedule = space.Start() // the others are not of the space
		u.put(b)
		a := u.answer()
		if err := a.Fits(b, "worker-1"); err != nil {
			t.Fatal(err)
		}
		for i, want := range []measure.Status{measure.BuildError, measure.OK, measure.BuildError} {
			if r := a.Results[i]; r.Status != want {
				t.Errorf("%s: job %d: %v: %s; want %v", isa, i, r.Status, r.Message, want)
			}
		}
		if r := a.Results[1]; len(r.SamplesNS) != b.Jobs[1].Protocol.Samples || r.Calibration <= 0 || r.CodeHash == "" {
			t.Errorf("%s: result %+v", isa, r)
		}
	}
	if s := u.state("worker-1", remote.Idle); s.First <= 0 {
		t.Errorf("status %+v", s)
	}
}
