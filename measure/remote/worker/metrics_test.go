package worker

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"qtune/measure"
	"qtune/measure/remote"
	"qtune/measure/sim"
	"qtune/schedules"
)

func TestMetricsAndHealth(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	u := newTuner(t, h, testLease, schedules.AVX2)
	fail := func(j measure.Job) (measure.Status, string) {
		if j.ID == 1 {
			return measure.Timeout, "no answer"
		}
		return measure.OK, ""
	}
	w := start(t, h.url(), Config{Runner: sim.New(sim.Config{Fail: fail}), MaxBatch: 3}, nil)
	web := httptest.NewServer(w.Handler())
	t.Cleanup(web.Close)
	get := func(path string) (int, string) {
		t.Helper()
		r, err := http.Get(web.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return r.StatusCode, string(text)
	}
	u.put(u.batch("a", schedules.AVX2, 3))
	u.put(u.batch("b", schedules.AVX2, 4))
	u.answer()
	u.answer()
	u.finished()
	eventually(t, "it is idle", func() bool { return w.board.status().State == remote.Idle })
	if code, text := get("/healthz"); code != http.StatusOK || text != "idle\n" {
		t.Errorf("/healthz: %d %q", code, text)
	}
	_, text := get("/metrics")
	for _, line := range []string{
		`qtune_worker_trials_total{status="ok"} 2`, `qtune_worker_trials_total{status="timeout"} 1`, `qtune_worker_trials_total{status="crash"} 0`,
		`qtune_worker_batches_total{outcome="answered"} 1`, `qtune_worker_batches_total{outcome="refused"} 1`, `qtune_worker_batches_total{outcome="lost"} 0`,
		`qtune_worker_state{state="idle"} 1`, `qtune_worker_state{state="measuring"} 0`, `qtune_worker_connected 1`, `qtune_worker_calibration_seconds 0`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("/metrics has no line %s", line)
		}
	}
	w.end()
	if code, _ := get("/healthz"); code != http.StatusServiceUnavailable {
		t.Errorf("/healthz of a worker that has ended: %d", code)
	}
}
