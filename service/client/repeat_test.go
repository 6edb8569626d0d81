package client

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"qtune/service/api"
)

// quick is a pace that a test does not wait for.
var quick = pace{first: time.Millisecond, most: time.Millisecond, away: time.Minute, busy: time.Minute}

// hangUp breaks a request off without an answer.
func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func refuseWith(status int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
	}
}

// half answers with less than it announces.
func half(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	w.Write([]byte(`{"id":`))
}

// newFailing serves an answer to all requests but the first n, which fail gives. It
// checks that each is whole.
func newFailing(t *testing.T, n int64, fail http.HandlerFunc) (c *Client, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" && r.ContentLength > 0 {
			var b bytes.Buffer
			if _, err := b.ReadFrom(r.Body); err != nil || b.Len() != int(r.ContentLength) {
				t.Errorf("request %d: %d bytes, %v", asked.Load(), b.Len(), err)
			}
		}
		if asked.Add(1) <= n {
			fail(w, r)
			return
		}
		w.Write([]byte(`{"id":7,"hash":"x"}`))
	}))
	t.Cleanup(h.Close)
	c, err := New(h.URL, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	c.pace = quick
	return c, asked
}

// A request that fails for the moment is made again, whole.
func TestRequestsAreRepeated(t *testing.T) {
	requests := map[string]func(*Client) error{
		"get":    func(c *Client) error { j, err := c.Job(t.Context(), 7); return want7(j, err) },
		"submit": func(c *Client) error { j, err := c.Submit(t.Context(), api.DefaultSpec()); return want7(j, err) },
		"upload": func(c *Client) error {
			_, err := c.Upload(t.Context(), "net", bytes.Repeat([]byte("x"), 100_000))
			return err
		},
		"export": func(c *Client) error {
			var b bytes.Buffer
			err := c.Best(t.Context(), "x", "", "", &b)
			if err == nil && !json.Valid(b.Bytes()) {
				err = errors.New(b.String())
			}
			return err
		},
		"change": func(c *Client) error { j, err := c.Change(t.Context(), 7, "pause"); return want7(j, err) },
	}
	for name, fail := range map[string]http.HandlerFunc{
		"lost": hangUp, "half": half, "429": refuseWith(429), "502": refuseWith(502), "503": refuseWith(503, "Retry-After", "soon"), "500": refuseWith(500), "401": refuseWith(401),
	} {
		for kind, request := range requests {
			if name == "half" && kind == "export" {
				continue // as it comes
			}
			again := name != "500" && name != "401" && !(kind == "change" && (name == "lost" || name == "half" || name == "502"))
			c, asked := newFailing(t, 3, fail)
			err := request(c)
			if again != (err == nil) || again != (asked.Load() == 4) || !again && asked.Load() != 1 {
				t.Errorf("%s, %s: asked %d times, then %v", kind, name, asked.Load(), err)
			}
		}
	}
}

func want7(j api.Job, err error) error {
	if err == nil && j.ID != 7 {
		err = errors.New("not the answer")
	}
	return err
}

// A service that is away for a moment is waited for, also by what is not safe to
// repeat; one that stays away is an error.
func TestServiceThatIsAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	c, err := New("http://"+address, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	c.pace = pace{first: time.Millisecond, most: time.Millisecond, away: 20 * time.Millisecond}
	if _, err := c.Job(t.Context(), 1); err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), address) {
		t.Errorf("nobody answers: %v", err)
	}
	if err := c.Watch(t.Context(), 1, func(api.Event) error { return nil }); err == nil {
		t.Error("a service that is not there is watched")
	}
	c.pace = quick
	done := make(chan error)
	go func() { _, err := c.Change(t.Context(), 1, "pause"); done <- err }()
	time.Sleep(5 * time.Millisecond) // some attempts fail, or none
	if l, err = net.Listen("tcp", address); err != nil {
		t.Skip("somebody else took the port:", err)
	}
	h := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("{}")) })}
	defer h.Close()
	go h.Serve(l)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// What will not pass is not repeated, and who waits no longer is let go.
func TestRequestsThatAreNotRepeated(t *testing.T) {
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for address, says := range map[string]string{
		secure.URL: "certificate", // of an authority that is not known
		"http://" + secure.Listener.Addr().String(): "want https://",
		"https://" + plain.Listener.Addr().String(): "HTTP response to HTTPS client",
		"http://no-such-host.invalid":               "no-such-host.invalid",
		"http://" + plain.Listener.Addr().String():  "404",
	} {
		c, err := New(address, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		c.pace = pace{first: time.Hour, most: time.Hour, away: 2 * time.Hour, busy: 2 * time.Hour}
		if _, err := c.Job(t.Context(), 1); err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", address, err, says)
		}
	}
	// Longer than the patience.
	c, asked := newFailing(t, 3, refuseWith(429, "Retry-After", "3600"))
	var status *StatusError
	if _, err := c.Job(t.Context(), 7); !errors.As(err, &status) || status.RetryAfter != time.Hour || asked.Load() != 1 {
		t.Errorf("asked %d times, then %v", asked.Load(), err)
	}
	c, _ = newFailing(t, 3, refuseWith(503))
	c.pace = pace{first: time.Hour, most: time.Hour, busy: 2 * time.Hour}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Job(ctx, 7); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after its context ended: %v", err)
	}
}

// Over TLS requests share a connection, HTTP/2; they are repeated when it breaks.
func TestSharedConnectionThatBreaks(t *testing.T) {
	var h *httptest.Server
	var asked atomic.Int64
	h = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("%s", r.Proto)
		}
		if n := asked.Add(1); n%2 == 1 {
			go h.CloseClientConnections()
			<-r.Context().Done()
			return
		}
		w.Write([]byte(`{"id":7,"hash":"x"}`))
	}))
	h.EnableHTTP2 = true
	h.StartTLS()
	defer h.Close()
	roots := x509.NewCertPool()
	roots.AddCert(h.Certificate())
	c, err := New(h.URL, "secret", roots)
	if err != nil {
		t.Fatal(err)
	}
	c.pace = quick
	for range 3 {
		if j, err := c.Job(t.Context(), 7); err != nil || j.ID != 7 {
			t.Errorf("%+v, %v", j, err)
		}
		if j, err := c.Submit(t.Context(), api.DefaultSpec()); err != nil || j.ID != 7 {
			t.Errorf("%+v, %v", j, err)
		}
	}
}
