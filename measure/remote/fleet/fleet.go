// Package fleet is the tuner's end of measuring on other machines: a Runner like
// that of package local, whose cores are wherever a worker runs (see package
// remote for what they say to each other).
//
// A call of Measure becomes one batch for each workload in it. What may happen to a
// batch, and what becomes of it then:
//
//	answered       its results; failures that may be the worker's own are measured
//	               again by another one, whose word counts (judge.go)
//	its worker is  the server gives it to another when its lease has ended; when that
//	lost           one is lost too, it is halved, until one schedule is left that
//	               takes workers with it: a Crash (measure.go)
//	refused        put in again; where it is too large, halved
//	not to be      the hub lost its store, or nobody took it for too long: put in
//	found          again (watch.go)
//
// Every batch is counted once, whatever the server delivers twice. The tuner's log
// is the truth: what it does not have is measured again.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"qtune/measure/remote"
)

// Config says with which workers to measure.
type Config struct {
	Conn *nats.Conn
	Kind remote.Kind   // of the batches
	Log  *slog.Logger  // what goes wrong, and what it waits for; nil = nobody listens
	Wait time.Duration // how long something may be late before the log hears of it; 0 = waitNotice

	// Lease is that of batches; 0 = remote.Lease.
	Lease time.Duration
}

// waitNotice is how long a batch waits before the reason is said.
const waitNotice = 3 * time.Second

// A Runner measures on the workers of one kind. It is safe for concurrent use.
type Runner struct {
	cfg     Config
	tuner   string // this Runner's name: unique
	js      jetstream.JetStream
	workers jetstream.KeyValue

	stop context.CancelFunc
	done sync.WaitGroup // the goroutines below

	mu struct {
		sync.Mutex
		next   int               // number of the next batch
		orders map[string]*order // by every ID that they had
		peers  map[string]*peer  // workers that are or were here
		judge  judge
		said   string // what the log last heard that it waits for
	}
}

// New connects the tuner to its workers. None need be there yet.
func New(ctx context.Context, cfg Config) (*Runner, error) {
	if cfg.Lease == 0 {
		cfg.Lease = remote.Lease
	}
	if cfg.Wait == 0 {
		cfg.Wait = waitNotice
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	js, err := jetstream.New(cfg.Conn)
	if err != nil {
		return nil, fmt.Errorf("fleet: %w", err)
	}
	r := &Runner{cfg: cfg, tuner: tunerName(), js: js}
	r.mu.orders = map[string]*order{}
	r.mu.peers = map[string]*peer{}
	if err := r.settle(ctx); err != nil {
		return nil, fmt.Errorf("fleet: %w", remote.Explain(cfg.Conn.ConnectedUrlRedacted(), err))
	}
	if err := r.count(ctx); err != nil {
		return nil, fmt.Errorf("fleet: %w", err)
	}
	beats, err := cfg.Conn.Subscribe(remote.BeatSubject(r.tuner, "*"), r.beat)
	if err != nil {
		return nil, fmt.Errorf("fleet: %w", err)
	}
	ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	r.done.Go(func() { r.readResults(ctx) })
	r.done.Go(func() { r.watch(ctx) })
	r.done.Go(func() {
		<-ctx.Done()
		_ = beats.Unsubscribe() // fails only where the connection has ended
	})
	return r, nil
}

// tunerName is unique, and fit for subjects.
func tunerName() string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	name := []byte(nuid.Next())
	for i, c := range name { // nuid's digits are of base 62, of which the last part counts up
		name[i] = letters[int(c)%len(letters)]
	}
	return "t-" + string(name)
}

// settle makes the streams and the bucket.
func (r *Runner) settle(ctx context.Context) error {
	if err := remote.CreateStreams(ctx, r.js, r.cfg.Kind, r.cfg.Lease); err != nil {
		return err
	}
	if _, err := remote.ResultsConsumer(ctx, r.js, r.tuner); err != nil {
		return err
	}
	kv, err := remote.OpenWorkers(ctx, r.js)
	r.workers = kv
	return err
}

// leaveTime is how long saying good-bye may take.
const leaveTime = 5 * time.Second

// Close takes what is the tuner's out of the hub. Measure must not be running. A hub
// that is away forgets the tuner by itself, later.
func (r *Runner) Close() {
	r.stop()
	r.done.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	if err := remote.Leave(ctx, r.js, r.tuner); err != nil {
		r.cfg.Log.Warn("not taken leave of the hub, which will forget this tuner by itself", "error", err)
	}
}

// Slots is how many batches keep the workers busy: one on each core, and one more a
// worker that is on its way.
func (r *Runner) Slots() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, p := range r.mu.peers {
		if p.here && p.status.State != remote.Aside && p.status.State != remote.Draining {
			n += len(p.status.Cores) + 1
		}
	}
	return max(n, 2)
}

// errClosed ends what is under way when the Runner ends.
var errClosed = errors.New("fleet: closed")
