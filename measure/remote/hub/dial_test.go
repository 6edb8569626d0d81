package hub

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"qtune/measure/remote"
)

// Whoever cannot connect gets one line that says why, and knows whether it makes
// sense to try again.
func TestWhyAConnectionFails(t *testing.T) {
	t.Parallel()
	dir := team(t)
	good := add(t, dir, "board", remote.WorkerRole, Limits{})
	h, _ := run(t, Config{Store: dir, Listen: "0.0.0.0:0"})
	dial(t, h, good, nil)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(h.URL(), "tls://"))
	if err != nil {
		t.Fatal(err)
	}
	open, _ := run(t, Config{Store: t.TempDir()})
	stranger := add(t, team(t), "board", remote.WorkerRole, Limits{})
	unknown := *stranger
	unknown.CA = good.CA
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead.Close()

	for _, c := range []struct {
		what, url string
		creds     *remote.Credentials
		want      string
		final     bool
	}{
		{"another hub's authority", h.URL(), stranger, "signed by an authority that the credentials do not name", true},
		{"no credentials", h.URL(), nil, "certificate", true},
		{"a key that is not let in", h.URL(), &unknown, "does not accept these credentials", true},
		{"a name that is not in the certificate", "tls://127.0.0.2:" + port, good, "its certificate does not fit", true},
		{"TLS asked of a hub without", strings.Replace(open.URL(), "nats://", "tls://", 1), nil, "does not offer TLS", true},
		{"credentials shown to a hub without", open.URL(), good, "does not accept keys", true},
		{"something else", strings.Replace(web.URL, "http://", "nats://", 1), nil, "no hub answers there", false},
		{"nobody", "nats://" + dead.Addr().String(), nil, "no hub answers there", false},
	} {
		nc, err := remote.Dial(remote.Options{URL: c.url, Credentials: c.creds})
		if err == nil {
			nc.Close()
			t.Errorf("%s: connected", c.what)
			continue
		}
		var refusal *remote.Refusal
		if text := err.Error(); !strings.Contains(text, c.want) || strings.Contains(text, "\n") || errors.As(err, &refusal) != c.final {
			t.Errorf("%s: %v (%T), want %q", c.what, err, err, c.want)
		}
	}
}
