//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qtune/kernels/module"
	"qtune/logs"
	"qtune/qnn/tflite"
	"qtune/schedules"
	"qtune/service"
	"qtune/service/api"
	"qtune/tuner"
)

// TestServiceSurvives has two clients submit networks at once, kills the service
// twice before it has finished, and compares what it found with what the tuner
// finds by itself; then what is pulled must be enough for a strict, frozen build.
func TestServiceSurvives(t *testing.T) {
	const target = schedules.AVX2
	if testing.Short() || !slices.Contains(schedules.HostISAs(), target) {
		t.Skip("measures " + target)
	}
	dir := t.TempDir()
	models := []string{"zoo:mobilenet_v1_0.25_128", "zoo:mobilenet_v2_0.35_96_int8", filepath.Join("..", "..", "qnn", "ref", "testdata", "golden_ops", "conv_u8_bigk", "model.tflite")}
	if real := filepath.Join("..", "..", "..", "shared", "models", "person_detect_int8.tflite"); exists(real) {
		models[2] = real
	}
	const trials = 60
	p := &served{program: "tune-simulated", store: filepath.Join(dir, "store"), address: freeAddress(t)}
	p.start(t)
	defer p.kill()

	// Client 1 submits the first, client 2 the others; both watch to the end.
	results := make([]api.Job, len(models))
	var clients sync.WaitGroup
	for _, mine := range [][]int{{0}, {1, 2}} {
		clients.Go(func() {
			for _, i := range mine {
				out, err := command(dir, "tune", "submit", "--server", "http://"+p.address, "--model", models[i],
					"--trials", fmt.Sprint(trials), "--seed", "5", "--target", string(target), "--watch", "--json")
				if err == nil {
					err = json.Unmarshal(out, &results[i])
				}
				if err != nil {
					t.Errorf("%s: %v", models[i], err)
				}
			}
		})
	}
	for _, atLeast := range []int{trials / 3, trials} {
		p.wait(t, atLeast)
		p.kill()
		p.start(t)
	}
	clients.Wait()
	if t.Failed() {
		t.FailNow()
	}
	for i, j := range results {
		if want := tunedAlone(t, models[i], target, trials); j.State != api.Done || j.Result == nil || !reflect.DeepEqual(j.Result.Tasks, want) {
			t.Errorf("%s: the service found\n%+v\nthe tuner by itself\n%+v", models[i], j, want)
		}
	}
	for _, args := range [][]string{
		{"pull", "--server", "http://" + p.address, "--model", models[0], "--best", "--target", string(target), "-o", "best.jsonl"},
		{"log", "import", "--strict", "--log", "pulled.db", "best.jsonl"},
		{"bench", "--model", models[0], "--log", "pulled.db", "--target", string(target), "--strict", "--frozen", "--repeat", "1"},
	} {
		if out, err := command(dir, "tune", args...); err != nil {
			t.Errorf("tune %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// freeAddress returns an address of loopback that nobody listens on.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// command runs a program to its end and returns what it prints.
func command(dir, name string, args ...string) ([]byte, error) {
	for i, a := range args {
		if strings.HasPrefix(a, "..") {
			abs, err := filepath.Abs(a)
			if err != nil {
				return nil, err
			}
			args[i] = abs
		}
	}
	c := exec.Command(name, args...)
	c.Dir = dir
	var messages strings.Builder
	c.Stderr = &messages
	out, err := c.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, messages.String())
	}
	return out, err
}

// A served is a process that serves a store, again and again.
type served struct {
	program        string
	store, address string
	process        *exec.Cmd
}

func (p *served) start(t testing.TB) {
	t.Helper()
	p.process = exec.Command(p.program, "serve", "--store", p.store, "--listen", p.address)
	if err := p.process.Start(); err != nil {
		t.Fatal(err)
	}
}

// kill ends the process at once, as kill -9 does.
func (p *served) kill() {
	_ = p.process.Process.Kill()
	_ = p.process.Wait() // it was killed
}

// wait waits until the log has so many trials.
func (p *served) wait(t *testing.T, trials int) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		n := 0
		if log, err := logs.Open(filepath.Join(p.store, "tune.db"), logs.Options{ReadOnly: true}); err == nil {
			counts, err := log.Stats(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			n = counts.Trials
			log.Close()
		}
		if n >= trials {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d trials, want %d", n, trials)
		}
	}
}

// tunedAlone is what the tuner finds on a log of its own.
func tunedAlone(t *testing.T, model string, isa schedules.ISA, trials int) []api.TaskResult {
	t.Helper()
	file, _, err := modelBytes(model)
	if err != nil {
		t.Fatal(err)
	}
	g, err := tflite.Import(file)
	if err != nil {
		t.Fatal(err)
	}
	_, tasks, _, err := module.Tasks(g, isa)
	if err != nil {
		t.Fatal(err)
	}
	log, err := logs.Open(filepath.Join(t.TempDir(), "tune.db"), logs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	r, err := tuner.Tune(t.Context(), tuner.Config{
		Tasks: tasks, Target: schedules.Target{ISA: isa, Machine: schedules.HostMachine()}, Runner: newSimulated(), Store: log, Trials: trials, Seed: 5,
	})
	if err != nil {
		t.Fatal(err)
	}
	return service.ResultOf(r).Tasks
}
