//go:build unix

package tuner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"qtune/kernels"
	"qtune/logs"
	"qtune/measure/remote"
	"qtune/measure/remote/fleet"
	"qtune/measure/remote/hub"
	"qtune/measure/remote/worker"
	"qtune/measure/sim"
	"qtune/schedules"
)

// killLease is short, so that what is lost is soon given to another.
const killLease = 1500 * time.Millisecond

// The parts of a fleet, as processes.

func hubProgram(address, store string) error {
	h, err := hub.New(context.Background(), hub.Config{Listen: address, Store: store})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	return h.Run(context.Background())
}

func workerProgram(url, name string) error {
	w, err := worker.New(worker.Config{
		Hub:      remote.Options{URL: url},
		Identity: remote.Identity{Name: name, Version: "test", Generator: kernels.Generator, Machine: testTarget.Machine},
		ISAs:     []schedules.ISA{testTarget.ISA}, Runner: sim.New(sim.Config{Seed: 3, Noise: 0.03, Slots: 2, Delay: 10 * time.Millisecond}),
	})
	if err != nil {
		return err
	}
	return w.Run(context.Background())
}

func fleetProgram(url, path, trials string) error {
	log, err := logs.Open(path, logs.Options{Warn: func(err error) { fmt.Println("damaged:", err) }})
	if err != nil {
		return err
	}
	total, err := strconv.Atoi(trials)
	if err != nil {
		return err
	}
	nc, err := remote.Dial(remote.Options{URL: url, Name: "tuner"})
	if err != nil {
		return err
	}
	defer nc.Close()
	hears := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	r, err := fleet.New(context.Background(), fleet.Config{Conn: nc, Kind: fleetKind(), Lease: killLease, Log: hears})
	if err != nil {
		return err
	}
	cfg := fleetConfig(&testing.T{}, log, total)
	cfg.Runner, cfg.Listen = r, tellCommitted
	if _, err := Tune(context.Background(), cfg); err != nil {
		return err
	}
	r.Close()
	return log.Close()
}

// fleetConfig is the search of the tests below.
func fleetConfig(t *testing.T, store Store, trials int) Config {
	cfg := windowConfig(t, store, 1, 1)
	cfg.Trials = trials
	cfg.Runner = simulatedFleet()
	cfg.Strategy = "evolve" // which never finds a task flat
	return cfg
}

// A wire is a network between workers and hub that can be cut.
type wire struct {
	listener net.Listener
	to       string
	mu       sync.Mutex
	cut      bool
	open     []net.Conn
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: l, to: to}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go w.join(c)
		}
	}()
	t.Cleanup(func() { l.Close(); w.set(true) })
	return w
}

func (w *wire) join(c net.Conn) {
	defer c.Close()
	far, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer far.Close()
	w.mu.Lock()
	cut := w.cut
	w.open = append(w.open, c, far)
	w.mu.Unlock()
	if cut {
		return
	}
	go func() { _, _ = io.Copy(far, c); far.Close() }()
	_, _ = io.Copy(c, far)
}

// set cuts or heals.
func (w *wire) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	if cut {
		for _, c := range w.open {
			c.Close()
		}
		w.open = nil
	}
}

// A troop is the processes of a fleet.
type troop struct {
	t       *testing.T
	rng     *rand.Rand
	address string // of the hub
	store   string
	wire    *wire
	hub     *exec.Cmd
	workers []*exec.Cmd
}

func newTroop(t *testing.T, workers int) *troop {
	l, err := net.Listen("tcp", "127.0.0.1:0") // a free port, the same after each death
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	f := &troop{t: t, rng: rand.New(rand.NewPCG(5, uint64(time.Now().UnixNano()))), address: address, store: filepath.Join(t.TempDir(), "hub"), wire: newWire(t, address)}
	f.startHub()
	for i := range workers {
		f.workers = append(f.workers, nil)
		f.startWorker(i)
	}
	t.Cleanup(func() {
		for _, c := range append(f.workers, f.hub) {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	})
	return f
}

func (f *troop) startHub() {
	cmd, lines := start(f.t, "hub", f.address, f.store)
	f.hub = cmd
	<-lines // ready, or ended
	go func() {
		for range lines {
		}
	}()
}

// startWorker starts a worker; every other one is behind the wire.
func (f *troop) startWorker(i int) {
	url := "nats://" + f.address
	if i%2 == 1 {
		url = "nats://" + f.wire.listener.Addr().String()
	}
	cmd, lines := start(f.t, "worker", url, fmt.Sprintf("w%d", i))
	f.workers[i] = cmd
	go func() {
		for range lines {
		}
	}()
}

func (f *troop) kill(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // it was killed
}

// fault does one of the things that happen to fleets, and mends it.
func (f *troop) fault(kind int) string {
	i := f.rng.IntN(len(f.workers))
	switch kind {
	case 0:
		f.kill(f.workers[i])
		f.startWorker(i)
		return "worker killed"
	case 1: // for longer than its lease
		_ = f.workers[i].Process.Signal(syscall.SIGSTOP)
		time.Sleep(killLease * 3 / 2)
		_ = f.workers[i].Process.Signal(syscall.SIGCONT)
		return "worker frozen"
	case 2:
		f.kill(f.hub)
		f.startHub()
		return "hub killed"
	default:
		f.wire.set(true)
		time.Sleep(time.Duration(f.rng.IntN(1000)) * time.Millisecond)
		f.wire.set(false)
		return "network cut"
	}
}

// TestFleetFaults kills workers, hub and tuner, freezes workers, and cuts the
// network, at random moments, while two tuners use the fleet. In the end the log of
// each has the trials and winners of a search that nothing happened to, each once.
func TestFleetFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	const total = 800
	undisturbed := &memory{}
	report := tune(t, fleetConfig(t, undisturbed, total))
	want := searchOf(report, undisturbed.trials)

	f := newTroop(t, 4)
	dir := t.TempDir()
	paths := []string{filepath.Join(dir, "one.db"), filepath.Join(dir, "two.db")}
	ended := make(chan error, len(paths))
	var deaths [2]int
	for i, path := range paths {
		go func() { ended <- f.tuneToTheEnd(path, total, i == 0, &deaths[i]) }()
	}
	var faults []string
	for done := 0; done < len(paths); {
		select {
		case err := <-ended:
			done++
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Duration(100+f.rng.IntN(400)) * time.Millisecond):
			if kind := len(faults); kind < 12 {
				faults = append(faults, f.fault(kind%4))
			}
		}
	}
	t.Logf("%d deaths of tuners; %v", deaths, faults)
	for _, path := range paths {
		if n := stored(t, path); n != len(undisturbed.trials) {
			t.Errorf("%d trials are in the log, want %d", n, len(undisturbed.trials))
		}
		store := &memory{trials: rows(t, path)}
		got := searchOf(tune(t, fleetConfig(t, store, total)), store.trials)
		got.check(t, "after the faults", want)
	}
}

// tuneToTheEnd runs a tuner, and again as often as it is killed, which happens a few
// times at random moments if it is to be.
func (f *troop) tuneToTheEnd(path string, total int, killed bool, deaths *int) error {
	rng := rand.New(rand.NewPCG(uint64(total), uint64(len(path))))
	for {
		cmd, lines := start(f.t, "fleet", "nats://"+f.address, path, strconv.Itoa(total))
		if killed && *deaths < 3 {
			timer := time.AfterFunc(time.Duration(300+rng.IntN(700))*time.Millisecond, func() { _ = cmd.Process.Kill() })
			defer timer.Stop()
		}
		reported := 0
		for l := range lines {
			if _, err := fmt.Sscanf(l, "committed %d", &reported); err != nil {
				f.t.Errorf("the tuner says %q", l)
			}
		}
		err := cmd.Wait()
		if n := stored(f.t, path); n < reported {
			return fmt.Errorf("%d trials in %s, %d were reported", n, path, reported)
		}
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
			*deaths++
			continue
		}
		return err
	}
}
