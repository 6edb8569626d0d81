// Package server is the tuning service on the network: API v1 as JSON over HTTP,
// server-sent events for watchers, metrics for Prometheus.
//
// In: requests of anybody who reaches the port. Out: calls of a service.Service.
//
//	routes.go     which handler answers what, and who may ask
//	cert.go       the certificate, which changes while it is shown
//	auth.go       tokens, cookies, requests that other sites cause
//	limit.go      slow clients, large bodies, too many at once
//	handlers      models.go jobs.go events.go best.go
//	metrics.go    for Prometheus
//
// Invariants: nothing that a client sends becomes part of a path. A body is
// bounded in size and in time. Whatever a handler meets, the client gets a status
// and one line of JSON, and the cause of a fault goes to the log, not to the
// client.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"

	"qtune/service"
	"qtune/service/api"
)

// Config says how to serve.
type Config struct {
	Service *service.Service
	// Open is whether callers need no token while there is none: only for an
	// address that no other machine reaches.
	Open bool
	TLS  bool // cookies are sent over TLS only
	// Pages serves everything that is not the API. May be nil.
	Pages Pages
	// Workers lists the workers of a fleet. nil: there is none.
	Workers func(context.Context) ([]api.Worker, error)
	Log     *slog.Logger // nil = none
}

// Pages are for people with a browser.
type Pages interface {
	http.Handler // for callers with a token, but for what is Public
	// As returns the same for a user who has logged in, and may log out.
	As(user string) http.Handler
	// Login answers with the form that asks for a token. fault says what was wrong with
	// the one before; it may be empty.
	Login(w http.ResponseWriter, r *http.Request, status int, fault string)
	// Public returns the paths of what that form needs.
	Public() []string
}

// Limits of a server.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
	shutdownTime  = 10 * time.Second
)

// A Server answers requests.
type Server struct {
	cfg     Config
	handler http.Handler
	metrics *metrics
	uploads chan struct{} // holds one for each upload under way
	watches chan struct{} // and for each watcher
	grace   time.Duration // see limitTime
	recheck time.Duration // see whileAllowed
	most    int           // connections at a time
}

// New makes a Server.
func New(cfg Config) *Server {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, uploads: make(chan struct{}, maxUploads), watches: make(chan struct{}, maxWatches), grace: grace, recheck: recheck, most: maxConnections}
	s.metrics = newMetrics(cfg.Service, s.watches)
	s.handler = s.chain(s.routes())
	return s
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Serve answers requests that come to a listener, over TLS where config is not nil,
// until ctx ends. Then watchers are told, and requests under way have some seconds.
func (s *Server) Serve(ctx context.Context, l net.Listener, config *tls.Config) error {
	l = netutil.LimitListener(l, s.most)
	h := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		TLSConfig:         config,
		ErrorLog:          slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() {
		if config != nil {
			served <- h.ServeTLS(l, "", "")
		} else {
			served <- h.Serve(l)
		}
	}()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	s.cfg.Service.StopWatchers()
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	err := h.Shutdown(late)
	if errors.Is(err, context.DeadlineExceeded) {
		err = h.Close()
	}
	if served := <-served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// CheckListener tells whether callers may do without tokens while there are none,
// and refuses an address that other machines reach without TLS or without a token:
// hasTokens tells whether there is any.
func CheckListener(l net.Listener, withTLS bool, hasTokens func() (bool, error)) (open bool, err error) {
	if a, ok := l.Addr().(*net.TCPAddr); ok && a.IP.IsLoopback() {
		return true, nil
	}
	if !withTLS {
		return false, fmt.Errorf("%s is not loopback: it needs TLS (a certificate and its key)", l.Addr())
	}
	has, err := hasTokens()
	if err == nil && !has {
		err = fmt.Errorf("%s is not loopback: it needs a token, and there is none", l.Addr())
	}
	return false, err
}
