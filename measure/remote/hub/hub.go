package hub

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nkeys"

	"qtune/measure/remote"
)

// A Config says where a hub is.
type Config struct {
	// Listen is HOST:PORT; without a host it is 127.0.0.1, with port 0 any port.
	// Only a folder made by Init may listen elsewhere than on loopback.
	Listen string
	// Store is the folder. It is made where it is not there.
	Store string
	// MinFree is the space, in bytes, below which the log warns of a full file
	// system; 0 = DefaultMinFree.
	MinFree int64
	// Log hears what happens; nil: nobody does.
	Log *slog.Logger
}

// DefaultMinFree is Config.MinFree where it is 0.
const DefaultMinFree = 64 << 20

// A Hub is a server that runs. Run keeps house and ends it.
type Hub struct {
	store   string
	minFree int64
	log     *slog.Logger
	secure  bool
	plan    *blueprint
	release func() // of the folder's lock
	watch   watcher

	// What the log knows of already.
	trouble  string // why nothing can be stored
	unusable string // which users' files are unusable

	// Run alone changes these, others read them.
	mu    sync.Mutex
	now   *embedded // nil while there is none
	users []User    // that it lets in

	reloads, restarts atomic.Uint64
}

// New starts a hub. Whoever calls it calls Run, or else Close.
func New(ctx context.Context, c Config) (*Hub, error) {
	secure, err := Initialised(c.Store)
	if err != nil {
		return nil, err
	}
	host, port, err := splitListen(c.Listen)
	if err != nil {
		return nil, err
	}
	if !secure && !remote.Loopback(host) {
		return nil, fmt.Errorf("%s is not a loopback address: that needs certificates and credentials, and %s has none (tune hub init makes them)", c.Listen, c.Store)
	}
	h := &Hub{store: c.Store, minFree: c.MinFree, log: c.Log, secure: secure}
	if h.minFree == 0 {
		h.minFree = DefaultMinFree
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	h.plan = &blueprint{host: host, port: port, store: c.Store, log: h.log}
	if h.plan.internal, err = nkeys.CreateUser(); err != nil {
		return nil, err
	}
	if err := makeFolder(c.Store); err != nil {
		return nil, err
	}
	if h.release, err = lock(c.Store); err != nil {
		return nil, err
	}
	if err := h.open(ctx); err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

// open reads the folder and starts the server.
func (h *Hub) open(ctx context.Context) error {
	if h.secure {
		for _, dir := range []string{h.store, filepath.Join(h.store, usersName)} {
			if err := checkPrivate(dir); err != nil {
				return err
			}
		}
		h.watch.changed(h.store)
		h.plan.certificate = new(atomic.Pointer[tls.Certificate])
		h.plan.tls = &tls.Config{MinVersion: tls.VersionTLS13,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return h.plan.certificate.Load(), nil }}
		if err := h.loadCertificate(); err != nil {
			return err
		}
		h.users, _ = h.loadUsers()
	}
	e, err := h.plan.start(ctx, h.users)
	if err != nil {
		return err
	}
	h.now = e
	// The address stays when the server is started again.
	h.plan.port = e.server.Addr().(*net.TCPAddr).Port
	if _, err := remote.OpenWorkers(ctx, e.js); err != nil {
		return fmt.Errorf("hub on %s: %w", h.store, err)
	}
	h.log.Info("hub is ready", "url", h.URL(), "users", len(h.users))
	return nil
}

// URL is where tuners and workers of this machine connect.
func (h *Hub) URL() string {
	scheme := "nats"
	if h.secure {
		scheme = "tls"
	}
	host := h.plan.host
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(h.plan.port))
}

// Times of house-keeping.
const (
	watchEvery  = 500 * time.Millisecond
	healthEvery = 2 * time.Second
	sweepEvery  = 30 * time.Second
	expiryEvery = 24 * time.Hour
	askTimeout  = 10 * time.Second
)

// Run keeps house until ctx ends: it applies changes of the folder, removes what
// tuners left behind, and starts the server again where it stopped storing. Then it
// ends the hub.
func (h *Hub) Run(ctx context.Context) error {
	defer h.Close()
	every := func(d time.Duration) <-chan time.Time {
		t := time.NewTicker(d)
		context.AfterFunc(ctx, t.Stop)
		return t.C
	}
	watch, health, sweep, expiry := every(watchEvery), every(healthEvery), every(sweepEvery), every(expiryEvery)
	var space lowSpace
	for {
		select {
		case <-ctx.Done():
			h.log.Info("hub ends")
			return nil
		case <-watch:
			if h.secure && h.watch.changed(h.store) {
				h.reload()
			}
		case <-health:
			space.look(h)
			h.heal(ctx)
		case <-sweep:
			h.sweep(ctx)
		case <-expiry:
			if h.secure {
				h.warnOfExpiry(h.plan.certificate.Load().Leaf)
			}
		}
	}
}

// Close ends the server and gives the folder up, where Run was not called.
func (h *Hub) Close() {
	h.stop()
	if h.release != nil {
		h.release()
	}
}

// stop ends the server, if one runs.
func (h *Hub) stop() {
	h.mu.Lock()
	e := h.now
	h.now = nil
	h.mu.Unlock()
	if e != nil {
		e.stop()
	}
}

// embedded is the server that runs; nil where none does.
func (h *Hub) embedded() *embedded {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// sweep removes batches and answers of tuners that are gone.
func (h *Hub) sweep(ctx context.Context) {
	e := h.embedded()
	if e == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if err := remote.Sweep(ctx, e.js); err != nil && !errors.Is(err, context.Canceled) {
		h.log.Warn("removing what tuners left behind", "error", err)
	}
}

// splitListen reads HOST:PORT.
func splitListen(text string) (host string, port int, err error) {
	host, number, err := net.SplitHostPort(text)
	if err == nil {
		port, err = strconv.Atoi(number)
	}
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("%q is not HOST:PORT", text)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return host, port, nil
}
