package worker

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"qtune/kernels"
	"qtune/measure"
	"qtune/measure/remote"
	"qtune/schedules"
)

// patience is how long tests wait for what must come.
const patience = 30 * time.Second

// A testHub is a server that can be restarted at its address.
type testHub struct {
	t      testing.TB
	opts   server.Options
	server *server.Server
}

func newHub(t testing.TB) *testHub {
	h := &testHub{t: t, opts: server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true}}
	h.start()
	t.Cleanup(h.stop)
	return h
}

func (h *testHub) start() {
	h.t.Helper()
	opts := h.opts
	s, err := server.NewServer(&opts)
	if err != nil {
		h.t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(patience) {
		h.t.Fatal("the server does not start")
	}
	h.server, h.opts.Port = s, opts.Port
}

func (h *testHub) stop() {
	h.server.Shutdown()
	h.server.WaitForShutdown()
}

func (h *testHub) url() string { return fmt.Sprintf("nats://127.0.0.1:%d", h.opts.Port) }

var testMachine = schedules.Machine{Vendor: "test", Family: 1, Model: 2, Cores: 4, L1D: 1 << 15, L2: 1 << 20, Brand: "Test CPU"}

func testKind(isa schedules.ISA) remote.Kind {
	return remote.Kind{Generator: kernels.Generator, ISA: isa, Class: testMachine.Class()}
}

// A testTuner puts batches into a hub, and reads answers.
type testTuner struct {
	t       testing.TB
	name    string
	nc      *nats.Conn
	js      jetstream.JetStream
	kv      jetstream.KeyValue
	results jetstream.Consumer
}

// newTuner makes a tuner that wants batches of some instruction sets measured.
func newTuner(t testing.TB, h *testHub, lease time.Duration, isas ...schedules.ISA) *testTuner {
	t.Helper()
	nc, err := nats.Connect(h.url(), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	u := &testTuner{t: t, name: "tuner-1", nc: nc, js: js}
	for _, isa := range isas {
		if err := remote.CreateStreams(t.Context(), js, testKind(isa), lease); err != nil {
			t.Fatal(err)
		}
		u.lendOften(isa)
	}
	if u.results, err = remote.ResultsConsumer(t.Context(), js, u.name); err != nil {
		t.Fatal(err)
	}
	if u.kv, err = remote.OpenWorkers(t.Context(), js); err != nil {
		t.Fatal(err)
	}
	return u
}

// lendOften lets batches be lent again and again: a worker on a machine that is busy
// may lose a short lease without a fault.
func (u *testTuner) lendOften(isa schedules.ISA) {
	u.t.Helper()
	k := testKind(isa)
	c, err := u.js.Consumer(u.t.Context(), remote.JobsStream(k.Generator), k.Consumer())
	if err != nil {
		u.t.Fatal(err)
	}
	often := c.CachedInfo().Config
	often.MaxDeliver = 100
	if _, err := u.js.UpdateConsumer(u.t.Context(), remote.JobsStream(k.Generator), often); err != nil {
		u.t.Fatal(err)
	}
}

// batch makes a batch of jobs of one layer.
func (u *testTuner) batch(id string, isa schedules.ISA, jobs int) *remote.Batch {
	u.t.Helper()
	b := &remote.Batch{ID: id, Tuner: u.name, Kind: testKind(isa)}
	for i := range jobs {
		s, err := schedules.ParseSchedule(fmt.Sprintf("mr=%d nv=2", i+1)) // a sim has no spaces
		if err != nil {
			u.t.Fatal(err)
		}
		b.Jobs = append(b.Jobs, measure.Job{ID: uint64(i + 1), Workload: checkWorkloads[0], Schedule: s, ISA: isa,
			Protocol: measure.DefaultProtocol(), Seed: 1})
	}
	return b
}

// put puts a batch in.
func (u *testTuner) put(b *remote.Batch) {
	u.t.Helper()
	data, err := b.Encode()
	if err != nil {
		u.t.Fatal(err)
	}
	u.putRaw(b.Kind.Subject(u.name), data)
}

func (u *testTuner) putRaw(subject string, data []byte) {
	u.t.Helper()
	if _, err := u.js.Publish(u.t.Context(), subject, data); err != nil {
		u.t.Fatal(err)
	}
}

// answer returns the next answer.
func (u *testTuner) answer() *remote.Answer {
	u.t.Helper()
	a := u.answerWithin(patience)
	if a == nil {
		u.t.Fatal("no answer")
	}
	return a
}

// answerWithin returns the next answer; nil where none comes.
func (u *testTuner) answerWithin(d time.Duration) *remote.Answer {
	u.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		msg, err := u.results.Next(jetstream.FetchMaxWait(min(time.Until(end)+time.Millisecond, time.Second)))
		if err != nil {
			continue
		}
		a, err := remote.DecodeAnswer(msg.Data())
		if err != nil {
			u.t.Fatal(err)
		}
		if err := msg.DoubleAck(u.t.Context()); err != nil {
			u.t.Fatal(err)
		}
		return a
	}
	return nil
}

// waiting is how many batches are in the queue, lent ones included.
func (u *testTuner) waiting() int {
	u.t.Helper()
	s, err := u.js.Stream(u.t.Context(), remote.JobsStream(kernels.Generator))
	if err != nil {
		u.t.Fatal(err)
	}
	return int(s.CachedInfo().State.Msgs)
}

// published is how many answers there were.
func (u *testTuner) published() int {
	u.t.Helper()
	s, err := u.js.Stream(u.t.Context(), remote.ResultsStream)
	if err != nil {
		u.t.Fatal(err)
	}
	return int(s.CachedInfo().State.LastSeq)
}

// finished waits until no batch is in the queue.
func (u *testTuner) finished() {
	u.t.Helper()
	eventually(u.t, "the queue is empty", func() bool { return u.waiting() == 0 })
}

// status is what a worker last put into the bucket; nil where there is nothing.
func (u *testTuner) status(worker string) *remote.Status {
	u.t.Helper()
	e, err := u.kv.Get(u.t.Context(), remote.StatusKey(worker))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil
	}
	if err != nil {
		u.t.Fatal(err)
	}
	s, err := remote.DecodeStatus(e.Value())
	if err != nil {
		u.t.Fatal(err)
	}
	return s
}

// state waits until a worker's status in the bucket says a state, and returns it.
func (u *testTuner) state(worker string, want remote.State) *remote.Status {
	u.t.Helper()
	var s *remote.Status
	eventually(u.t, fmt.Sprintf("%s is %s", worker, want), func() bool {
		s = u.status(worker)
		return s != nil && s.State == want
	})
	return s
}

// entry waits until a worker is put aside, and returns why.
func (u *testTuner) entry(worker string) string {
	u.t.Helper()
	var why string
	eventually(u.t, worker+" is put aside", func() bool {
		e, err := u.kv.Get(u.t.Context(), remote.AsideKey(worker))
		if err == nil {
			why = string(e.Value())
		}
		return err == nil
	})
	return why
}

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("it does not become true that %s", what)
}
