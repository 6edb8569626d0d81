package fleet

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"qtune/kernels"
	"qtune/measure"
	"qtune/measure/remote"
	"qtune/measure/sim"
	"qtune/schedules"
)

// testLease keeps the tests short. A machine that is busy with other tests may
// take a part of it for anything.
const testLease = 2 * time.Second

// startHub runs a server with its store in dir.
func startHub(t *testing.T, dir string, port int) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not start")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

// dial connects to a hub.
func dial(t *testing.T, url string) *nats.Conn {
	t.Helper()
	nc, err := remote.Dial(remote.Options{URL: url, Name: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

var testMachine = schedules.Machine{Vendor: "sim", Family: 1, Model: 2, Cores: 1}

func testKind() remote.Kind {
	return remote.Kind{Generator: kernels.Generator, ISA: schedules.AVX2, Class: testMachine.Class()}
}

// testRunner makes a Runner on a hub.
func testRunner(t *testing.T, nc *nats.Conn) *Runner {
	t.Helper()
	r, err := New(t.Context(), Config{Conn: nc, Kind: testKind(), Lease: testLease})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A fake is a worker whose every step a test decides.
type fake struct {
	name    string
	nc      *nats.Conn
	runner  *sim.Runner
	machine schedules.Machine
	clock   measure.Nanos // of its calibration kernel
	// take is asked for each batch: false = vanish with it.
	take func(*remote.Batch, int) bool
	// change is called with the answer before it goes out; may be nil.
	change func(*remote.Answer)
	taken  atomic.Int64
	dies   bool  // with the first batch that it does not take
	back   int64 // how many batches it gives back first
}

func newFake(t *testing.T, url, name string) *fake {
	return &fake{name: name, nc: dial(t, url), runner: sim.New(sim.Config{Seed: 3, Noise: 0.02}), machine: testMachine, clock: 1000}
}

// errDied ends a fake that has died.
var errDied = errors.New("died")

// run takes batches until ctx ends.
func (f *fake) run(ctx context.Context, t *testing.T) {
	status := remote.Status{Identity: f.identity(), ISAs: []schedules.ISA{schedules.AVX2}, Cores: []int{0}, State: remote.Idle}
	sub, err := f.nc.Subscribe(remote.StatusSubject, func(m *nats.Msg) {
		data, _ := status.Encode()
		_ = m.Respond(data)
	})
	if err != nil {
		t.Error(err)
		return
	}
	defer sub.Unsubscribe()
	js, err := jetstream.New(f.nc)
	if err != nil {
		t.Error(err)
		return
	}
	for ctx.Err() == nil {
		switch err := f.serve(ctx, js); {
		case errors.Is(err, errDied):
			return
		case err != nil && ctx.Err() == nil:
			time.Sleep(20 * time.Millisecond)
		}
	}
}

func (f *fake) identity() remote.Identity {
	return remote.Identity{Name: f.name, Version: "fake", Generator: kernels.Generator, Machine: f.machine}
}

// serve takes one batch.
func (f *fake) serve(ctx context.Context, js jetstream.JetStream) error {
	c, err := js.Consumer(ctx, remote.JobsStream(kernels.Generator), testKind().Consumer())
	if err != nil {
		return err
	}
	got, err := c.Fetch(1, jetstream.FetchMaxWait(300*time.Millisecond))
	if err != nil {
		return err
	}
	m, ok := <-got.Messages()
	if !ok {
		return got.Error()
	}
	meta, err := m.Metadata()
	if err != nil {
		return err
	}
	b, err := remote.DecodeBatch(m.Data())
	if err != nil {
		return errors.Join(err, m.Term())
	}
	taken := f.taken.Add(1)
	beat, _ := remote.Beat{Batch: b.ID, Attempt: int(meta.NumDelivered)}.Encode()
	if err := f.nc.Publish(remote.BeatSubject(b.Tuner, f.name), beat); err != nil {
		return err
	}
	if taken <= f.back {
		beat, _ := remote.Beat{Batch: b.ID, Attempt: int(meta.NumDelivered), Back: true}.Encode()
		return errors.Join(f.nc.Publish(remote.BeatSubject(b.Tuner, f.name), beat), m.Nak())
	}
	if f.take != nil && !f.take(b, int(meta.NumDelivered)) {
		if err := f.nc.Flush(); err != nil || !f.dies {
			return err
		}
		return errDied
	}
	if err := f.answer(ctx, js, b, int(meta.NumDelivered)); err != nil {
		return err
	}
	return m.DoubleAck(ctx)
}

func (f *fake) answer(ctx context.Context, js jetstream.JetStream, b *remote.Batch, attempt int) error {
	a := &remote.Answer{Batch: b.ID, Attempt: attempt, Worker: f.identity()}
	if b.Avoid == f.name {
		a.Refused = "asked to avoid this worker"
	} else {
		var err error
		if a.Results, err = f.runner.Measure(ctx, b.Jobs); err != nil {
			return err
		}
		for i := range a.Results {
			a.Results[i].Calibration = f.clock
		}
	}
	if f.change != nil {
		f.change(a)
	}
	data, err := a.Encode()
	if err != nil {
		return err
	}
	_, err = js.Publish(ctx, remote.ResultSubject(b.Tuner, f.name), data, jetstream.WithMsgID(b.ID))
	return err
}

// start runs fakes until the test ends.
func start(t *testing.T, fakes ...*fake) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{}, len(fakes))
	for _, f := range fakes {
		go func() { f.run(ctx, t); done <- struct{}{} }()
	}
	t.Cleanup(func() {
		cancel()
		for range fakes {
			<-done
		}
	})
}

// testJobs are n schedules of a workload.
func testJobs(t testing.TB, channels, n int) []measure.Job {
	t.Helper()
	w, err := schedules.ParseWorkload(fmt.Sprintf("conv2d n1 h14 w14 c%d k1x1 o32 s1x1 d1x1 p0,0,0,0 wz=1 perch=0 round=double sign=0 mult=lt1", channels))
	if err != nil {
		t.Fatal(err)
	}
	space, err := schedules.SpaceFor(w, schedules.AVX2)
	if err != nil {
		t.Fatal(err)
	}
	var jobs []measure.Job
	for s := range space.All() {
		if len(jobs) == n {
			break
		}
		jobs = append(jobs, measure.Job{ID: uint64(len(jobs) + 1), Workload: w, Schedule: s, ISA: schedules.AVX2, Protocol: measure.DefaultProtocol(), Seed: 1})
	}
	return jobs
}
