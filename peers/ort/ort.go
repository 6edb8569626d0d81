// Package ort runs ONNX models with ONNX Runtime, in a Node.js process that
// executes ort.js. The process waits idle while nothing is asked of it, so that
// its turns can alternate with those of others.
package ort

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// An Engine is a running process. It is used by one goroutine at a time.
type Engine struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	scratch string // the folder of the tensors' files
}

// Start starts ort.js of folder dir, where "npm install" was run. If core is not
// negative, the whole process, its libraries' threads included, stays on that
// core.
func Start(dir string, core int) (*Engine, error) {
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "onnxruntime-node")); err != nil {
		return nil, fmt.Errorf("ONNX Runtime is not installed; run: npm install --prefix %s", dir)
	}
	args := []string{"node", filepath.Join(dir, "ort.js")}
	if core >= 0 {
		args = append([]string{"taskset", "-c", strconv.Itoa(core)}, args...)
	}
	e := &Engine{cmd: exec.Command(args[0], args[1:]...)}
	e.cmd.Stderr = os.Stderr
	in, err := e.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := e.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	e.in, e.out = in, bufio.NewReader(out)
	if e.scratch, err = os.MkdirTemp("", "qtune-peers-"); err != nil {
		return nil, err
	}
	if err := e.cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(e.scratch))
	}
	return e, nil
}

// Close ends the process.
func (e *Engine) Close() error {
	return errors.Join(e.in.Close(), e.cmd.Wait(), os.RemoveAll(e.scratch))
}

// A request is a line to ort.js, whose comment says what each needs.
type request struct {
	Do      string `json:"do"`
	Name    string `json:"name,omitempty"`
	Model   string `json:"model,omitempty"`
	File    string `json:"file,omitempty"`
	Threads int    `json:"threads,omitempty"`
	Exact   bool   `json:"exact,omitempty"`
	Runs    int    `json:"runs,omitempty"`
}

type answer struct {
	Error   string  `json:"error"`
	Version string  `json:"version"`
	NS      []int64 `json:"ns"`
}

func (e *Engine) ask(r request) (answer, error) {
	var a answer
	line, err := json.Marshal(r)
	if err != nil {
		return a, err
	}
	if _, err := e.in.Write(append(line, '\n')); err != nil {
		return a, fmt.Errorf("ONNX Runtime's process: %w", err)
	}
	reply, err := e.out.ReadBytes('\n')
	if err != nil {
		return a, fmt.Errorf("ONNX Runtime's process ended: %w", err)
	}
	if err := json.Unmarshal(reply, &a); err != nil {
		return a, fmt.Errorf("ONNX Runtime's process: %w", err)
	}
	if a.Error != "" {
		return a, fmt.Errorf("ONNX Runtime: %s %s: %s", r.Do, r.Name, a.Error)
	}
	return a, nil
}

// Version returns ONNX Runtime's version.
func (e *Engine) Version() (string, error) {
	a, err := e.ask(request{Do: "version"})
	return a.Version, err
}

// Options say how a model is loaded.
type Options struct {
	Threads int
	// Exact keeps CPUs without VNNI from saturating sums of products of uint8 and
	// int8 (the session option session.x64quantprecision).
	Exact bool
}

// Load loads the model of a file under a name.
func (e *Engine) Load(name, file string, o Options) error {
	_, err := e.ask(request{Do: "load", Name: name, Model: file, Threads: o.Threads, Exact: o.Exact})
	return err
}

// Release unloads a model.
func (e *Engine) Release(name string) error {
	_, err := e.ask(request{Do: "release", Name: name})
	return err
}

// SetInput gives a model the bytes of its first input, zeros before.
func (e *Engine) SetInput(name string, data []byte) error {
	file := filepath.Join(e.scratch, "input")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return err
	}
	_, err := e.ask(request{Do: "input", Name: name, File: file})
	return err
}

// Run computes a model and returns the bytes of its first output.
func (e *Engine) Run(name string) ([]byte, error) {
	file := filepath.Join(e.scratch, "output")
	if _, err := e.ask(request{Do: "run", Name: name, File: file}); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}

// Time computes a model a number of times and returns how long each took, from
// and to JavaScript.
func (e *Engine) Time(name string, runs int) ([]time.Duration, error) {
	a, err := e.ask(request{Do: "time", Name: name, Runs: runs})
	times := make([]time.Duration, len(a.NS))
	for i, ns := range a.NS {
		times[i] = time.Duration(ns)
	}
	return times, err
}
