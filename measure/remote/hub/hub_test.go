package hub

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"qtune/measure/remote"
)

// patience is how long tests wait for what happens soon.
const patience = 30 * time.Second

// A logBook keeps what a hub said.
type logBook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *logBook) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

// run starts a hub that ends with the test, or when end is called.
func run(t testing.TB, c Config) (h *Hub, end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	h, err := New(ctx, c)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	end = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the hub ended with %v", err)
		}
	})
	t.Cleanup(end)
	return h, end
}

// team makes a folder for other machines.
func team(t testing.TB, hosts ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "hub")
	if renewed, err := Init(dir, hosts); err != nil || renewed {
		t.Fatal(renewed, err)
	}
	return dir
}

func add(t testing.TB, dir, name, role string, l Limits) *remote.Credentials {
	t.Helper()
	c, err := AddUser(dir, name, role, l)
	if err != nil {
		t.Fatal(err)
	}
	// As its user gets it.
	c, err = remote.ParseCredentials([]byte(c.String()))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// dial connects until the hub lets c in.
func dial(t testing.TB, h *Hub, c *remote.Credentials, refused func(error)) *nats.Conn {
	t.Helper()
	var nc *nats.Conn
	eventually(t, "the hub does not let in", func() (err error) {
		nc, err = remote.Dial(remote.Options{URL: h.URL(), Credentials: c, Name: "test", Refused: refused})
		return err
	})
	t.Cleanup(nc.Close)
	return nc
}

// eventually repeats f until it succeeds.
func eventually(t testing.TB, what string, f func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = f(); err == nil {
			return
		}
	}
	t.Fatalf("%s: %v", what, err)
}

func TestUsersComeAndGoWhileTheHubRuns(t *testing.T) {
	t.Parallel()
	dir := team(t)
	first := add(t, dir, "board-1", remote.WorkerRole, Limits{})
	h, _ := run(t, Config{Store: dir})
	one := dial(t, h, first, nil)
	if s := one.ConnectedUrl(); !strings.HasPrefix(s, "tls://127.0.0.1:") {
		t.Errorf("connected to %s", s)
	}
	gone := make(chan struct{})
	one.SetDisconnectErrHandler(func(*nats.Conn, error) { close(gone) })

	// One comes: it is let in, and the other stays.
	two := dial(t, h, add(t, dir, "board-2", remote.WorkerRole, Limits{}), nil)
	if !one.IsConnected() {
		t.Error("the first worker was disconnected")
	}
	// One goes: it is disconnected, and cannot come back.
	if err := Revoke(dir, "board-1"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-gone:
	case <-time.After(patience):
		t.Fatal("a revoked worker stays")
	}
	_, err := remote.Dial(remote.Options{URL: h.URL(), Credentials: first})
	if err == nil || !strings.Contains(err.Error(), "does not accept these credentials") {
		t.Errorf("a revoked worker comes back: %v", err)
	}
	if !two.IsConnected() {
		t.Error("the second worker was disconnected")
	}
}

func TestWithoutInitAHubIsForItsMachineAlone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "hub")
	for _, listen := range []string{"0.0.0.0:0", "[::]:0", "192.0.2.1:4222", "example.org:4222"} {
		_, err := New(t.Context(), Config{Listen: listen, Store: dir})
		if err == nil || !strings.Contains(err.Error(), "not a loopback address") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", listen, err)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a refused hub made its folder")
	}
	h, end := run(t, Config{Store: dir})
	dial(t, h, nil, nil)
	if _, err := New(t.Context(), Config{Listen: "127.0.0.1:0", Store: dir}); err == nil || !strings.Contains(err.Error(), "a hub runs on it already (process ") {
		t.Errorf("a second hub on the folder: %v", err)
	}
	end()
	run(t, Config{Store: dir})
}
