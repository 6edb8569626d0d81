package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"qtune/internal/cores"
	"qtune/kernels/module"
	"qtune/peers/onnx"
	"qtune/peers/ort"
	"qtune/qnn"
)

// ortFolder is the folder of ort.js, from the project's root.
const ortFolder = "peers/ort"

// A stage is where contenders meet: a number of threads, and the cores that both
// engines have for them.
type stage struct {
	ctx     context.Context
	flags   *flags
	options module.Options
	threads int
	core    int // of one thread; -1: all
	engine  *ort.Engine
	folder  string // of the ONNX files
}

// newStage makes a stage. For one thread, the caller's thread and the engine's
// process stay on the first core that this process may use; more threads may use
// all of its cores.
func newStage(ctx context.Context, f *flags, options module.Options, threads int) (*stage, error) {
	allowed, err := cores.Allowed()
	if err != nil {
		return nil, err
	}
	if len(allowed) < threads {
		return nil, fmt.Errorf("--threads %d: this process may use %d cores", threads, len(allowed))
	}
	s := &stage{ctx: ctx, flags: f, options: options, threads: threads, core: -1}
	s.options.Threads = threads
	if threads == 1 {
		s.core = allowed[0]
	}
	if s.engine, err = ort.Start(ortFolder, s.core); err != nil {
		return nil, err
	}
	if s.folder, err = os.MkdirTemp("", "qtune-onnx-"); err != nil {
		return nil, errors.Join(err, s.engine.Close())
	}
	return s, nil
}

func (s *stage) close() error { return errors.Join(s.engine.Close(), os.RemoveAll(s.folder)) }

// A contender computes one network.
type contender struct {
	name string
	// time returns the times of n inferences that follow each other.
	time  func(n int) ([]time.Duration, error)
	close func() error
	times []time.Duration
}

// ours is m, compiled from g, with random inputs.
func ours(name string, g *qnn.Graph, m *module.Module) *contender {
	inputs := [][]byte{randomBytes(g.Tensors[g.Inputs[0]].Bytes(), 1)}
	return &contender{name: name, close: m.Close, time: func(n int) ([]time.Duration, error) {
		times := make([]time.Duration, n)
		for i := range times {
			start := time.Now()
			if _, err := m.Run(inputs); err != nil {
				return nil, err
			}
			times[i] = time.Since(start)
		}
		return times, nil
	}}
}

// theirs loads a model into the engine.
func (s *stage) theirs(name string, m *onnx.Model) (*contender, error) {
	data, err := m.Marshal()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(s.folder, "model.onnx")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		return nil, err
	}
	if err := s.engine.Load(name, file, ort.Options{Threads: s.threads, Exact: s.flags.exact}); err != nil {
		return nil, err
	}
	return &contender{
		name: name, close: func() error { return s.engine.Release(name) },
		time: func(n int) ([]time.Duration, error) { return s.engine.Time(name, n) },
	}, nil
}

// rest is how long everything is idle between two turns, so that threads that
// spin for a while after an inference do not do it in another's turn.
const rest = 30 * time.Millisecond

// race is raceHere on the cores of the stage.
func (s *stage) race(contenders []*contender) error {
	if s.threads > 1 {
		return s.raceHere(contenders)
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with this goroutine
		err := cores.Pin(s.core)
		if err == nil {
			err = s.raceHere(contenders)
		}
		done <- err
	}()
	return <-done
}

// raceHere gives every contender a turn in each round. Who comes first rotates. The
// first inference of a turn finds caches and threads as the others left them, and
// does not count.
func (s *stage) raceHere(contenders []*contender) error {
	for round := range s.flags.rounds {
		for i := range contenders {
			if err := s.ctx.Err(); err != nil {
				return err
			}
			c := contenders[(i+round)%len(contenders)]
			time.Sleep(rest)
			times, err := c.time(1 + s.flags.turn)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			c.times = append(c.times, times[1:]...)
		}
	}
	return nil
}

// all compares every network, or its depthwise layers.
func (s *stage) all(r *report, w io.Writer) error {
	for _, name := range s.flags.models {
		if s.flags.depthwise {
			rows, err := s.depthwise(name, r.Depthwise)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			for i := range rows {
				rows[i].print(w)
			}
			r.Depthwise = append(r.Depthwise, rows...)
			continue
		}
		row, err := s.network(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r.Networks = append(r.Networks, row)
		row.print(w)
	}
	return nil
}

func randomBytes(n int, seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}
