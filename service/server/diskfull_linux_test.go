package server

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"qtune/service"
	"qtune/service/api"
)

// A logBook is a log that a test reads while it is written.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBook) has(text string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Contains(b.text.String(), text)
}

// On a full disk requests are refused and store nothing, a job fails as soon as that
// can be stored, and everything goes on once there is room.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skip("cannot mount:", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	var book logBook
	machine, gate := gated(2)
	h, s := newServer(t, func(sc *service.Config, c *Config) {
		sc.Dir, sc.Runner = dir, machine
		sc.Log = slog.New(slog.NewTextHandler(&book, nil))
	})
	c := newClient(t, h, "")
	spec := api.DefaultSpec()
	spec.Model, spec.Trials = must(c.Upload(t.Context(), "net", golden(t, "conv_u8_bigk"))).Hash, 400
	j := must(c.Submit(t.Context(), spec))
	waitUntil(t, "the first trials", func() bool { return must(s.Log().Stats(t.Context())).Trials > 8 })

	filler := filepath.Join(dir, "filler")
	fill(t, filler)
	close(gate) // all may be measured
	full := func() {
		t.Helper()
		asking{"POST", "/v1/models", string(golden(t, "dw_u8_5x5")), map[string]string{"Content-Type": "application/octet-stream"}, 507, "disk of the service is full"}.check(t, h.URL)
		asking{"POST", "/v1/jobs", `{"model":"` + spec.Model + `","seed":2}`, map[string]string{"Content-Type": "application/json"}, 507, "disk of the service is full"}.check(t, h.URL)
		asking{"POST", "/v1/log", `{"kind":"log","format":2}`, map[string]string{"Content-Type": "application/jsonl"}, 507, "disk of the service is full"}.check(t, h.URL)
	}
	waitUntil(t, "the job meets the full disk", func() bool { return book.has("waits for room") })
	full()
	if left := must(os.ReadDir(filepath.Join(dir, "models"))); len(left) != 1 {
		t.Errorf("left of what was refused: %v", left)
	}
	if left := must(filepath.Glob(filepath.Join(dir, ".merge-*"))); len(left) != 0 {
		t.Errorf("left of what was refused: %v", left)
	}
	if list, err := c.Jobs(t.Context(), 10); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	state := func() api.State { return must(c.Job(t.Context(), j.ID)).State }
	waitUntil(t, "the job fails", func() bool { return state() == api.Failed })
	if j = must(c.Job(t.Context(), j.ID)); !strings.Contains(j.Error, "the disk is full") || strings.Contains(j.Error, "\n") {
		t.Errorf("the error of the job is %q", j.Error)
	}
	stored := must(s.Log().Stats(t.Context())).Trials
	must(c.Change(t.Context(), j.ID, "resume"))
	waitUntil(t, "the job ends", func() bool { return state() == api.Done })
	if n := must(s.Log().Stats(t.Context())).Trials; n <= stored {
		t.Errorf("%d trials, before it went on %d", n, stored)
	}
	must(c.Upload(t.Context(), "other", golden(t, "dw_u8_5x5")))
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f := must(os.Create(path))
	defer f.Close()
	for piece := 64 << 10; piece > 0; {
		_, err := f.Write(make([]byte, piece))
		switch {
		case errors.Is(err, syscall.ENOSPC):
			piece /= 2
		case err != nil:
			t.Fatal(err)
		}
	}
}

// waitUntil waits for what must happen on a busy machine.
func waitUntil(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in vain: %s", what)
		}
	}
}
