package pages

import (
	"bytes"
	"context"
	"errors"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"qtune/measure/remote"
	"qtune/measure/sim"
	"qtune/schedules"
	"qtune/service"
	"qtune/service/api"
	"qtune/service/views"
	"qtune/service/views/viewstest"
)

const hostile = "<script>alert(1)</script>"

// serve runs a service with one finished job of a network of one convolution.
func serve(t *testing.T, workers Workers) (*httptest.Server, *service.Service) {
	t.Helper()
	machine, err := schedules.ParseMachine("amd-25-17 cores=2 l1d=32768 l2=1048576 l3=33554432")
	if err != nil {
		t.Fatal(err)
	}
	s, err := service.Open(service.Config{
		Dir: t.TempDir(), Runner: sim.New(sim.Config{Seed: 3, Noise: 0.02, Slots: 1}), Machine: machine, ISAs: []schedules.ISA{schedules.AVX512VNNI},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	file, err := os.ReadFile(filepath.Join("..", "..", "qnn", "ref", "testdata", "golden_ops", "conv_s8_perch_3x3_same", "model.tflite"))
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := s.AddModel(t.Context(), "ann", hostile, bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	spec := api.DefaultSpec()
	spec.Model, spec.Trials = m.Hash, 12
	j, err := s.Submit(t.Context(), service.Caller{Name: "ann", Role: service.Submit}, spec)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); j.State != api.Done; time.Sleep(5 * time.Millisecond) {
		if j, err = s.Job(t.Context(), j.ID); err != nil || j.State.Ended() && j.State != api.Done || time.Now().After(deadline) {
			t.Fatalf("%+v, %v", j, err)
		}
	}
	server := httptest.NewServer(New(s, workers, nil, slog.New(slog.DiscardHandler)))
	t.Cleanup(server.Close)
	return server, s
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// Every page of a service with a job that has ended says what it should, from the
// job's list to the assembly of a layer, and no foreign name is markup.
func TestPages(t *testing.T) {
	server, s := serve(t, nil)
	first, err := s.Job(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if same, err := s.Submit(t.Context(), service.Local, first.Spec); err != nil || same.ID != 2 || same.SameAs != 1 {
		t.Fatalf("an equal job is %+v, %v", same, err)
	}
	task := ""
	for _, c := range []struct{ path, want string }{
		{"/", "12 of 12"}, {"/jobs/1", "12 of 12"}, {"/jobs/1/live", "12"}, {"/networks/1", "conv2d"},
		{"/jobs/2", `href="/jobs/1">job 1<`}, {"/jobs/2", `href="/networks/2"`},
		{"/workers", "this machine"}, {"/log?q=conv2d+k3x3", "1 found"}, {"/log?q=dense", "no workload"},
	} {
		status, body := get(t, server.URL+c.path)
		if status != http.StatusOK || !strings.Contains(body, c.want) {
			t.Errorf("%s: status %d, without %q:\n%s", c.path, status, c.want, body)
		}
		if strings.Contains(body, hostile) {
			t.Errorf("%s: a model's name is markup", c.path)
		}
		if m := regexp.MustCompile(`href="(/task\?[^"]*)"`).FindStringSubmatch(body); m != nil {
			task = html.UnescapeString(m[1])
		}
	}
	if status, body := get(t, server.URL+task); status != http.StatusOK || !strings.Contains(body, "vpdpbusd") {
		t.Errorf("%s: status %d, without its code:\n%s", task, status, body)
	}
	for _, path := range []string{"/jobs/99", "/jobs/x", "/networks/99", "/nowhere"} {
		if status, _ := get(t, server.URL+path); status != http.StatusNotFound {
			t.Errorf("%s: status %d", path, status)
		}
	}
}

// The workers of a fleet are shown as they say that they are.
func TestWorkers(t *testing.T) {
	machine, err := schedules.ParseMachine("amd-25-17 cores=2 l1d=32768 l2=1048576 l3=33554432")
	if err != nil {
		t.Fatal(err)
	}
	server, _ := serve(t, func(context.Context) ([]remote.Status, error) {
		return []remote.Status{{Identity: remote.Identity{Name: "board-7", Machine: machine}, ISAs: []schedules.ISA{schedules.AVX2}, State: remote.Aside, Why: "its clock drifts", Seen: time.Now()}}, nil
	})
	status, body := get(t, server.URL+"/workers")
	for _, want := range []string{"board-7", "aside", "its clock drifts", "amd-25-17"} {
		if status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("status %d, without %q:\n%s", status, want, body)
		}
	}
}

// All who watch a job share one look at its tasks, but see at once that it has ended.
func TestLooks(t *testing.T) {
	_, s := serve(t, nil)
	j, err := s.Job(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	p := &source{Service: s}
	running := p.looks.of(1)
	running.at, running.state = time.Now(), api.Running // as of a moment ago
	first, err := p.Job(t.Context(), "1")
	if err != nil || len(first.Tasks) != 1 || first.Tasks[0].Trials == 0 || first.Tasks[0].State != "ended" {
		t.Fatalf("%+v, %v", first, err)
	}
	if again, err := p.Job(t.Context(), "1"); err != nil || &again.Tasks[0] != &first.Tasks[0] {
		t.Errorf("the log is read again at once: %v", err)
	}
	running.at, running.took = time.Now().Add(-2*lookAge), 0
	if running.fresh(j) {
		t.Error("a look of long ago is shown")
	}
	if running.took = lookAge; !running.fresh(j) {
		t.Error("a look that takes long is taken often")
	}
}

// What the machine can do is measured once, in a slot of the runner; where that fails,
// the network's page does without, and the next one tries again.
func TestLimits(t *testing.T) {
	_, s := serve(t, nil)
	calls := 0
	fault := errors.New("no such counter")
	limits := func(context.Context, schedules.ISA) (*views.Machine, error) {
		if load := s.Load(); load.Running != 1 {
			t.Errorf("%d are measured meanwhile", load.Running)
		}
		calls++
		return viewstest.Machine(), fault
	}
	server := httptest.NewServer(New(s, nil, limits, slog.New(slog.DiscardHandler)))
	defer server.Close()
	if status, body := get(t, server.URL+"/networks/1"); status != http.StatusOK || strings.Contains(body, "Roofline of") {
		t.Errorf("status %d:\n%s", status, body)
	}
	fault = nil
	for range 2 {
		if status, body := get(t, server.URL+"/networks/1"); status != http.StatusOK || !strings.Contains(body, "Roofline of") || !strings.Contains(body, "100 GMAC/s") {
			t.Errorf("status %d:\n%s", status, body)
		}
	}
	if calls != 2 {
		t.Errorf("measured %d times", calls)
	}
}
