package hub

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"qtune/measure/remote"
)

func TestMetricsAndHealth(t *testing.T) {
	t.Parallel()
	f := open(t, Limits{})
	add(t, f.dir, "board-2", remote.WorkerRole, Limits{})
	eventually(t, "the new worker is not known", func() error {
		if f.h.reloads.Load() == 0 {
			return io.ErrNoProgress
		}
		return nil
	})
	for range 2 {
		if _, err := f.tuner.js.Publish(t.Context(), kind.Subject("desk"), []byte("batch")); err != nil {
			t.Fatal(err)
		}
	}
	queue, err := f.worker.js.Consumer(t.Context(), remote.JobsStream(kind.Generator), kind.Consumer())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := queue.Next(); err != nil {
		t.Fatal(err)
	}

	web := httptest.NewServer(f.h.Handler())
	defer web.Close()
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
	if code, text := get("/healthz"); code != http.StatusOK || text != "ok\n" {
		t.Errorf("/healthz: %d %q", code, text)
	}
	code, text := get("/metrics")
	labels := `{consumer="` + kind.Consumer() + `",stream="` + remote.JobsStream(kind.Generator) + `"}`
	for _, line := range []string{
		`qtune_hub_healthy 1`, `qtune_hub_reloads_total 1`, `qtune_hub_restarts_total 0`,
		`qtune_hub_users{role="tuner"} 1`, `qtune_hub_users{role="worker"} 2`,
		`qtune_hub_connections{role="tuner"} 1`, `qtune_hub_connections{role="worker"} 1`,
		`qtune_hub_stream_messages{stream="` + remote.JobsStream(kind.Generator) + `"} 2`, `qtune_hub_stream_messages{stream="QTUNE_RESULTS"} 0`,
		`qtune_hub_batches_pending` + labels + ` 1`, `qtune_hub_batches_taken` + labels + ` 1`, `qtune_hub_batches_redelivered` + labels + ` 0`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("/metrics (%d) has no line %s", code, line)
		}
	}
	for _, name := range []string{"qtune_hub_store_free_bytes ", "qtune_hub_certificate_expiry_timestamp_seconds "} {
		if !strings.Contains(text, "\n"+name) {
			t.Errorf("/metrics has no %s", name)
		}
	}
}
