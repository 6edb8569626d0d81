package server

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qtune/service"
)

// FuzzHandlers sends requests of any form by a caller who may do everything: none
// is a fault, and what is refused stores nothing.
func FuzzHandlers(f *testing.F) {
	_, s := newServer(f, nil)
	server := New(Config{Service: s, Open: true, Pages: fakePages{}})
	for _, r := range server.table() {
		path := strings.NewReplacer("{id}", "1", "{hash}", strings.Repeat("0", 64)).Replace(r.path)
		f.Add(r.method, path, "Content-Type", "application/json", []byte(`{"model":"`+strings.Repeat("0", 64)+`","trials":3}`))
		f.Add(r.method, path+"?machine=amd&target=avx2", "Last-Event-ID", "-1", []byte(nil))
	}
	f.Add("POST", "/v1/models?name=..%2f..%2fx", "Content-Type", "application/octet-stream", golden(f, "dw_u8_5x5")[:500])
	f.Add("POST", "/v1/log", "Content-Type", "application/jsonl", []byte(`{"kind":"log","format":2}`+"\n"+`{"kind":"end"}`))
	f.Add("POST", "/v1/log", "Content-Type", "application/jsonl", []byte(`{"kind":"trial","workload":"x"}`))
	f.Add("POST", "/login", "Content-Type", "application/x-www-form-urlencoded", []byte("token=%00"))
	f.Add("POST", "/logout", "Cookie", "qtune_token=x", []byte(nil))
	f.Add("GET", "/v1/models/..%2f..%2ftune.db", "Authorization", "Bearer \xff", []byte(nil))
	f.Add("BREW", "//v1/../v1/jobs;x?%zz=1", "Cookie", "qtune_token=\"", []byte(nil))
	count := func(t *testing.T) (n int) {
		files, err := filepath.Glob(filepath.Join(s.Config().Dir, "*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		jobs, err := s.Jobs(t.Context(), service.JobFilter{})
		if err != nil {
			t.Fatal(err)
		}
		stats, err := s.Log().Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(files) + len(jobs) + stats.Trials + stats.Finals + stats.Sessions
	}
	f.Fuzz(func(t *testing.T, method, target, header, value string, body []byte) {
		u, err := url.ParseRequestURI(target)
		if err != nil || !strings.HasPrefix(target, "/") {
			t.Skip()
		}
		before := count(t)
		r := &http.Request{Method: method, URL: u, Host: "localhost", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
			Body: http.NoBody, ContentLength: int64(len(body)), RequestURI: target, RemoteAddr: "127.0.0.1:1"}
		r.Body = readCloser{bytes.NewReader(body)}
		r.Header.Set(header, value)
		begun := time.Now()
		rec := httptest.NewRecorder()
		server.ServeHTTP(rec, r.WithContext(t.Context()))
		if rec.Code >= 500 {
			t.Errorf("%s %s: %d %s", method, target, rec.Code, rec.Body)
		}
		if rec.Code >= 300 && count(t) != before {
			t.Errorf("%s %s: %d, and something was stored", method, target, rec.Code)
		}
		if took := time.Since(begun); took > 30*time.Second {
			t.Errorf("%s %s took %v", method, target, took)
		}
	})
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }
