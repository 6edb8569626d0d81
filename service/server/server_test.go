package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qtune/measure/sim"
	"qtune/schedules"
	"qtune/service"
	"qtune/service/api"
	"qtune/service/client"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var machine = must(schedules.ParseMachine("amd-25-17 cores=2 l1d=32768 l2=1048576 l3=33554432 brand=AMD EPYC"))

func golden(t testing.TB, name string) []byte {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("..", "..", "qnn", "ref", "testdata", "golden_ops", name, "model.tflite"))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// newServer serves a new store on loopback with a simulated machine.
func newServer(t testing.TB, edit func(*service.Config, *Config)) (*httptest.Server, *service.Service) {
	t.Helper()
	sc := service.Config{Dir: t.TempDir(), Runner: sim.New(sim.Config{Seed: 3, Slots: 1}), Machine: machine,
		ISAs: []schedules.ISA{schedules.AVX2}, MaxModel: 1 << 20}
	cfg := Config{Open: true}
	if edit != nil {
		edit(&sc, &cfg)
	}
	s, err := service.Open(sc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	cfg.Service = s
	h := httptest.NewServer(New(cfg))
	t.Cleanup(h.Close)
	t.Cleanup(s.StopWatchers)
	return h, s
}

func newClient(t testing.TB, h *httptest.Server, token string) *client.Client {
	t.Helper()
	c, err := client.New(h.URL, token, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// An asking is a request of a test, and the status that it must get.
type asking struct {
	method, path, body string
	header             map[string]string
	status             int
	says               string
}

func (a asking) check(t *testing.T, url string) (answer string) {
	t.Helper()
	r, err := http.NewRequest(a.method, url+a.path, strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range a.header {
		r.Header.Set(k, v)
		if k == "Host" {
			r.Host = v
		}
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(r) // no redirects
	if err != nil {
		t.Fatalf("%s %s: %v", a.method, a.path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != a.status || !strings.Contains(string(text), a.says) {
		t.Errorf("%s %s %v: %d %s, want %d %q", a.method, a.path, a.header, res.StatusCode, text, a.status, a.says)
	}
	if res.StatusCode >= 400 && !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		var e api.Error
		if err := json.Unmarshal(text, &e); err != nil || e.Error == "" || strings.Contains(e.Error, "\n") {
			t.Errorf("%s %s: the body is %q", a.method, a.path, text)
		}
	}
	return string(text)
}

func TestSubmitWatchAndLookUp(t *testing.T) {
	h, _ := newServer(t, nil)
	c := newClient(t, h, "")
	m, err := c.Upload(t.Context(), "dir/net.tflite", golden(t, "conv_u8_bigk"))
	if err != nil || m.Name != "net.tflite" || m.Owner != "local" {
		t.Fatalf("%+v, %v", m, err)
	}
	if same, err := c.Model(t.Context(), m.Hash); err != nil || same != m {
		t.Errorf("%+v, %v", same, err)
	}
	spec := api.DefaultSpec()
	spec.Model, spec.Trials = m.Hash, 40
	j, err := c.Submit(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	types := map[api.EventType]int{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.Watch(ctx, j.ID, func(e api.Event) error { types[e.Type]++; return nil }); err != nil {
		t.Fatal(err)
	}
	if types[api.StateEvent] == 0 || types[api.EndEvent] != 1 {
		t.Errorf("events: %v", types)
	}
	j, err = c.Job(t.Context(), j.ID)
	if err != nil || j.State != api.Done || j.Result == nil {
		t.Fatalf("%+v, %v", j, err)
	}
	if list, err := c.Jobs(t.Context(), 10); err != nil || len(list) != 1 || list[0].ID != j.ID {
		t.Errorf("%+v, %v", list, err)
	}
	// What is looked up chooses the winner in another log.
	var best, one bytes.Buffer
	if err := errors.Join(c.Best(t.Context(), m.Hash, "avx2", "amd-25-17", &best), c.BestOf(t.Context(), j.Result.Tasks[0].Workload, "", "", &one)); err != nil {
		t.Fatal(err)
	}
	if best.String() != one.String() || !strings.Contains(best.String(), j.Result.Tasks[0].Schedule) {
		t.Errorf("best of the model:\n%sof its workload:\n%swinner %s", &best, &one, j.Result.Tasks[0].Schedule)
	}
	all := asking{"GET", "/v1/log?target=avx2", "", nil, 200, `{"kind":"end"}`}.check(t, h.URL)
	if n := strings.Count(all, `"kind":"trial"`); n != 40 {
		t.Errorf("the exported log has %d trials", n)
	}
	none := asking{"GET", "/v1/log?machine=intel-6-1", "", nil, 200, `{"kind":"end"}`}.check(t, h.URL)
	if strings.Contains(none, "trial") {
		t.Errorf("of another machine: %s", none)
	}
	// Another service takes it in, whole.
	other, o := newServer(t, nil)
	lines := map[string]string{"Content-Type": "application/jsonl"}
	asking{"POST", "/v1/log", all, lines, 200, `"added":4`}.check(t, other.URL)
	asking{"POST", "/v1/log", all, lines, 200, `"added":0`}.check(t, other.URL)
	before := must(o.Log().Stats(t.Context()))
	asking{"POST", "/v1/log", strings.Replace(all, `"center_ns":`, `"center_ns":1`, 1), lines, 422, "damaged"}.check(t, other.URL)
	asking{"POST", "/v1/log", all[:len(all)-9], lines, 422, "damaged"}.check(t, other.URL)
	asking{"POST", "/v1/log", "<html>", lines, 422, "not an export"}.check(t, other.URL)
	asking{"POST", "/v1/log", `{"kind":"log","format":99}`, lines, 422, "newer"}.check(t, other.URL)
	if after := must(o.Log().Stats(t.Context())); after != before {
		t.Errorf("what was refused changed the log: %+v, %+v", before, after)
	}

}

func TestHostile(t *testing.T) {
	h, s := newServer(t, nil)
	file := string(golden(t, "conv_u8_bigk"))
	m := must(newClient(t, h, "").Upload(t.Context(), "net", []byte(file)))
	binary := map[string]string{"Content-Type": "application/octet-stream"}
	jsonType := map[string]string{"Content-Type": "application/json"}
	spec := func(fields string) string { return `{"model":"` + m.Hash + `"` + fields + `}` }
	for _, a := range []asking{
		{"POST", "/v1/models", strings.Repeat("x", 1<<20+1), binary, 413, "1048576"},
		{"POST", "/v1/models", file[:1000], binary, 422, "not a quantised"},
		{"POST", "/v1/models", "", binary, 422, "not a quantised"},
		{"POST", "/v1/models", file, jsonType, 415, "octet-stream"},
		{"POST", "/v1/models?path=/etc/x", file, binary, 400, "path"},
		{"GET", "/v1/models/..%2f..%2ftune.db", "", nil, 404, "there is no"},
		{"GET", "/v1/models/%2e%2e/best", "", nil, 404, "there is no model"},
		{"GET", "/v1/models/" + m.Hash + "/best?target=z80", "", nil, 400, "target"},
		{"GET", "/v1/models/" + m.Hash + "/best?target=ref", "", nil, 400, "ref"},
		{"GET", "/v1/models/" + m.Hash + "/best?machine=" + strings.Repeat("x", 300), "", nil, 400, "machine"},
		{"POST", "/v1/jobs", spec(``), map[string]string{"Content-Type": "text/plain"}, 415, "application/json"},
		{"POST", "/v1/jobs", spec(`,"trails":3`), jsonType, 400, `unknown field \"trails\"`},
		{"POST", "/v1/jobs", spec(``) + "{}", jsonType, 400, "follows"},
		{"POST", "/v1/jobs", spec(`,"trials":"many"`), jsonType, 400, "cannot unmarshal"},
		{"POST", "/v1/jobs", spec(`,"trials":-5`), jsonType, 422, "trials: -5"},
		{"POST", "/v1/jobs", spec(`,"tasks":"` + strings.Repeat("9", 70000) + `"`), jsonType, 413, "65536"},
		{"POST", "/v1/jobs", spec(`,"tasks":"<script>"`), jsonType, 422, `\u003cscript\u003e`},
		{"POST", "/v1/jobs", "", jsonType, 400, "empty"},
		{"POST", "/v1/jobs", `{"model":"../tune.db"}`, jsonType, 422, "no SHA-256"},
		{"GET", "/v1/jobs/1", "", nil, 404, "no job 1"},
		{"GET", "/v1/jobs/99999999999999999999", "", nil, 404, "no job"},
		{"GET", "/v1/jobs?limit=-1", "", nil, 400, "limit"},
		{"GET", "/v1/jobs?state=x&state=y", "", nil, 400, "more than once"},
		{"GET", "/v1/jobs/1/events", "", map[string]string{"Last-Event-ID": "x"}, 400, "Last-Event-ID"},
		{"DELETE", "/v1/jobs/1", "", nil, 405, "GET"},
		{"GET", "/v1/best?workload=conv", "", nil, 400, "workload"},
		{"GET", "/v1/best", "", nil, 400, "which"},
		{"GET", "/v2/jobs", "", nil, 404, "there is no /v2/jobs"},
		{"GET", "/", "", nil, 404, "there is no /"},
		// Other sites.
		{"POST", "/v1/jobs", spec(``), map[string]string{"Content-Type": "application/json", "Origin": "https://evil.example"}, 403, "another site"},
		{"POST", "/v1/jobs", spec(``), map[string]string{"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"}, 403, "another site"},
		{"POST", "/v1/jobs/1/cancel", "", map[string]string{"Sec-Fetch-Site": "same-site"}, 403, "another site"},
		{"GET", "/v1/jobs", "", map[string]string{"Host": "evil.example"}, 403, "localhost"},
	} {
		answer := a.check(t, h.URL)
		if strings.Contains(answer, "<script") || strings.Contains(answer, s.Config().Dir) {
			t.Errorf("%s %s: the answer has %s", a.method, a.path, answer)
		}
	}
	if n := must(s.CountJobs(t.Context())); len(n) != 0 || len(must(s.Models(t.Context()))) != 1 {
		t.Errorf("something was stored: %v, %v", n, must(s.Models(t.Context())))
	}
	if files := must(filepath.Glob(filepath.Join(s.Config().Dir, "models", "*"))); len(files) != 1 {
		t.Errorf("files: %v", files)
	}
	// A name with HTML in it comes back escaped.
	r := asking{"POST", "/v1/models?name=%3Cscript%3E", string(golden(t, "dw_u8_5x5")), binary, 201, `\u003cscript\u003e`}.check(t, h.URL)
	if strings.Contains(r, "<") {
		t.Error(r)
	}
}

// fakePages say their path and for whom they are.
type fakePages struct{ user string }

func (p fakePages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "page %s for %q", r.URL.Path, p.user)
}

func (fakePages) As(user string) http.Handler { return fakePages{user} }

func (fakePages) Login(w http.ResponseWriter, _ *http.Request, status int, fault string) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	fmt.Fprint(w, "<form>"+fault)
}

func (fakePages) Public() []string { return []string{"/public"} }

func TestTokensAndRoles(t *testing.T) {
	h, s := newServer(t, func(_ *service.Config, c *Config) { c.Pages = fakePages{} })
	asking{"GET", "/page", "", nil, 200, `page /page for ""`}.check(t, h.URL)
	asking{"GET", "/page", "", map[string]string{"Cookie": cookieName + "=old"}, 200, `page /page for ""`}.check(t, h.URL)
	tokens := map[service.Role]string{}
	for _, role := range []service.Role{service.Read, service.Submit, service.Admin} {
		tokens[role] = must(s.AddToken(t.Context(), role.String(), role))
	}
	bearer := func(token string) map[string]string { return map[string]string{"Authorization": "Bearer " + token} }
	server := New(Config{Service: s})
	for _, r := range server.table() {
		path := strings.NewReplacer("{id}", "9", "{hash}", "x").Replace(r.path)
		if r.role == service.NoRole {
			asking{r.method, path, "", nil, 200, ""}.check(t, h.URL)
			continue
		}
		asking{r.method, path, "", nil, 401, "token"}.check(t, h.URL)
		asking{r.method, path, "", bearer(tokens[service.Admin] + "x"), 401, "token"}.check(t, h.URL)
		if r.role > service.Read {
			asking{r.method, path, "", bearer(tokens[r.role-1]), 403, "role"}.check(t, h.URL)
		}
		req := httptest.NewRequest(r.method, path, nil)
		req.Header.Set("Authorization", "Bearer "+tokens[r.role])
		rec := httptest.NewRecorder()
		server.ServeHTTP(rec, req)
		if rec.Code == 401 || rec.Code == 403 || rec.Code >= 500 {
			t.Errorf("%s %s with role %v: %d %s", r.method, path, r.role, rec.Code, rec.Body)
		}
	}
	// Pages: by a cookie.
	asking{"GET", "/page", "", nil, 303, ""}.check(t, h.URL)
	asking{"GET", "/public", "", nil, 200, "page /public"}.check(t, h.URL)
	asking{"POST", "/public", "", nil, 303, ""}.check(t, h.URL)
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	asking{"GET", "/login", "", nil, 200, "<form"}.check(t, h.URL)
	asking{"POST", "/login", "token=x", form, 401, "not valid"}.check(t, h.URL)
	login := must(http.NewRequest("POST", h.URL+"/login", strings.NewReader("token="+tokens[service.Read])))
	login.Header.Set("Content-Type", form["Content-Type"])
	res, err := http.DefaultTransport.RoundTrip(login)
	if err != nil || res.StatusCode != 303 || len(res.Cookies()) != 1 {
		t.Fatalf("%v, %v", res, err)
	}
	res.Body.Close()
	cookie := res.Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Secure {
		t.Errorf("%+v", cookie)
	}
	held := map[string]string{"Cookie": cookie.Name + "=" + cookie.Value}
	asking{"GET", "/page", "", held, 200, `page /page for "read"`}.check(t, h.URL)
	asking{"GET", "/page", "", bearer(tokens[service.Read]), 200, `page /page for ""`}.check(t, h.URL)
	asking{"POST", "/logout", "", map[string]string{"Cookie": held["Cookie"], "Sec-Fetch-Site": "cross-site"}, 403, "another site"}.check(t, h.URL)
	asking{"GET", "/logout", "", held, 200, "page /logout"}.check(t, h.URL) // no more than any other page
	asking{"GET", "/v1/jobs", "", held, 200, "jobs"}.check(t, h.URL)
	if err := s.Revoke(t.Context(), "read"); err != nil {
		t.Fatal(err)
	}
	asking{"GET", "/v1/jobs", "", held, 401, "token"}.check(t, h.URL)
	asking{"GET", "/page", "", held, 303, ""}.check(t, h.URL)
}

func TestListenersThatNeedMore(t *testing.T) {
	failed := errors.New("the store is gone")
	with := func(has bool, err error) func() (bool, error) { return func() (bool, error) { return has, err } }
	world := must(net.Listen("tcp", "0.0.0.0:0"))
	defer world.Close()
	local := must(net.Listen("tcp", "127.0.0.1:0"))
	defer local.Close()
	for _, c := range []struct {
		l       net.Listener
		tls     bool
		tokens  func() (bool, error)
		open    bool
		refused string
	}{
		{local, false, nil, true, ""},
		{local, true, nil, true, ""},
		{world, false, nil, false, "needs TLS"},
		{world, true, with(false, nil), false, "needs a token"},
		{world, true, with(false, failed), false, "the store is gone"},
		{world, true, with(true, nil), false, ""},
	} {
		open, err := CheckListener(c.l, c.tls, c.tokens)
		if open != c.open || (err == nil) != (c.refused == "") || err != nil && !strings.Contains(err.Error(), c.refused) {
			t.Errorf("%s, TLS %v: %v, %v, want %v, %q", c.l.Addr(), c.tls, open, err, c.open, c.refused)
		}
	}
}

// Clients that do not send what they announce are given up, and keep nothing.
func TestSlowClients(t *testing.T) {
	h, s := newServer(t, nil)
	h.Config.Handler.(*Server).grace = 200 * time.Millisecond
	request := "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: 100000\r\n\r\n{\"model\":"
	for path, kind := range map[string]string{"/v1/models": "application/octet-stream", "/v1/jobs": "application/json", "/v1/log": "application/jsonl"} {
		conn := must(net.Dial("tcp", h.Listener.Addr().String()))
		fmt.Fprintf(conn, request, path, kind)
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || res.StatusCode != http.StatusRequestTimeout {
			t.Errorf("%s: %+v, %v", path, res, err)
		}
		conn.Close()
	}
	if files := must(filepath.Glob(filepath.Join(s.Config().Dir, "*", "*"))); len(files) != 0 {
		t.Errorf("left: %v", files)
	}
	// As many uploads as are allowed keep others out, until they end.
	server := h.Config.Handler.(*Server)
	for range maxUploads {
		server.uploads <- struct{}{}
	}
	lines := map[string]string{"Content-Type": "application/jsonl"}
	asking{"POST", "/v1/log", "", lines, 429, "try again"}.check(t, h.URL)
	<-server.uploads
	asking{"POST", "/v1/log", "{}", lines, 422, "not an export"}.check(t, h.URL)
}
