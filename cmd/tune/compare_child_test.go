package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"qtune/logs"
	"qtune/schedules"
	"qtune/service"
)

// A comparison for a parent process measures both networks, and ends with the parent.
func TestCompareFor(t *testing.T) {
	if !slices.Contains(schedules.HostISAs(), schedules.AVX2) {
		t.Skip("measures " + schedules.AVX2)
	}
	q := service.Comparison{
		Model: filepath.Join("..", "..", "qnn", "ref", "testdata", "golden_ops", "conv_u8_bigk", "model.tflite"),
		Log:   filepath.Join(t.TempDir(), "tune.db"), ISA: schedules.AVX2, Threads: 1,
	}
	log, err := logs.Open(q.Log, logs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	parent, input := io.Pipe()
	go func() { _, _ = input.Write(text) }() // and it stays open
	latency, err := compareFor(t.Context(), parent)
	input.Close()
	if err != nil || latency.Runs < compareMinRuns || latency.DefaultNS == 0 || latency.TunedNS == 0 || len(latency.Reverted) > 0 {
		t.Errorf("%+v, %v", latency, err)
	}
	if _, err := compareFor(t.Context(), strings.NewReader(string(text))); !errors.Is(err, context.Canceled) {
		t.Errorf("the parent has gone: %v", err)
	}
	if _, err := compareFor(t.Context(), strings.NewReader(string(text[:len(text)/2]))); err == nil {
		t.Error("half a request is taken")
	}
}

// A service that measures on this machine measures whole networks there, on as many
// threads as it has cores.
func TestServeComparesNetworks(t *testing.T) {
	if len(schedules.HostISAs()) == 0 {
		t.Skip("this CPU executes no target")
	}
	e, err := serveRunner(nil, &serveFlags{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	if e.compare == nil || e.limits == nil || e.threads != runtime.NumCPU() {
		t.Errorf("%+v", e)
	}
}
