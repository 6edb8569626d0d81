package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spf13/cobra"

	"qtune/kernels"
	"qtune/measure"
	"qtune/measure/sim"
	"qtune/schedules"
)

// simulatedTune is the command, but what it serves measures on a simulated machine:
// of one slot, so that searches do not depend on the order of batches.
func simulatedTune() {
	serveRunner = func(*cobra.Command, *serveFlags, *slog.Logger) (*engine, error) {
		return &engine{Runner: newSimulated(), machine: schedules.HostMachine(), isas: schedules.HostISAs(), close: func() error { return nil }}, nil
	}
	main()
}

// A simulated machine gives times of a formula, and the hashes of the code that
// would run: so what is tuned counts as exact.
type simulated struct{ *sim.Runner }

func newSimulated() simulated {
	return simulated{sim.New(sim.Config{Seed: 3, Noise: 0.02, Slots: 1, Delay: 2 * time.Millisecond})}
}

func (s simulated) Measure(ctx context.Context, jobs []measure.Job) ([]measure.Result, error) {
	results, err := s.Runner.Measure(ctx, jobs)
	for i := range results {
		k, err := kernels.Build(jobs[i].Workload, jobs[i].Schedule, jobs[i].ISA)
		if err != nil {
			results[i] = measure.Failed(jobs[i], measure.BuildError, "%v", err)
			continue
		}
		results[i].CodeHash = k.CodeHash()
	}
	return results, err
}

// cmdServe: "serve start FLAG..." serves $STORE on a free port, by default of
// loopback, of which $SERVER is the address from then on, and $PLAIN the same
// without TLS; "serve stop" stops it in an orderly way.
func cmdServe(ts *testscript.TestScript, _ bool, args []string) {
	if args[0] == "stop" {
		ts.Check(ts.Value(serverKey{}).(*serverOfScript).stop())
		return
	}
	s := ts.Value(serverKey{}).(*serverOfScript)
	address, err := s.start(ts, args[1:])
	ts.Check(err)
	ts.Setenv("SERVER", strings.NewReplacer("[::]", "localhost", "0.0.0.0", "localhost").Replace(address))
	ts.Setenv("PLAIN", strings.Replace(ts.Getenv("SERVER"), "https:", "http:", 1))
	ts.Setenv("STORE", ts.MkAbs("store"))
	ts.Defer(func() { _ = s.stop() })
}

type serverKey struct{}

// A serverOfScript is the process that serves a store.
type serverOfScript struct{ process *exec.Cmd }

// start begins to serve and returns the address.
func (s *serverOfScript) start(ts *testscript.TestScript, flags []string) (string, error) {
	name := "tune-simulated"
	for _, dir := range strings.Split(ts.Getenv("PATH"), string(os.PathListSeparator)) {
		if _, err := os.Stat(dir + "/" + name); err == nil {
			name = dir + "/" + name
			break
		}
	}
	s.process = exec.Command(name, append([]string{"serve", "--store", ts.MkAbs("store"), "--listen", "127.0.0.1:0"}, flags...)...)
	s.process.Dir = ts.MkAbs(".")
	s.process.Stderr = io.Discard
	out, err := s.process.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := s.process.Start(); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	_, address, _ := strings.Cut(strings.TrimSpace(line), " on ")
	return address, err
}

func (s *serverOfScript) stop() error {
	if s.process == nil {
		return nil
	}
	p := s.process
	s.process = nil
	if err := p.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return p.Wait()
}
