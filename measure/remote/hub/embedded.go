package hub

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"
)

// Times and limits of the server.
const (
	maxPayload   = 1 << 20 // bytes
	pingInterval = 5 * time.Second
	maxPings     = 2
	syncInterval = 5 * time.Second
	tlsTimeout   = 10 * time.Second // small boards take a while
	readyTimeout = 30 * time.Second
)

// An embedded server is one life of the NATS server in this process, with the
// connection through which the hub itself uses it.
type embedded struct {
	server *server.Server
	conn   *nats.Conn
	js     jetstream.JetStream
}

// A blueprint is what servers are made from, one after the other.
type blueprint struct {
	host        string
	port        int // 0: any
	store       string
	log         *slog.Logger
	certificate *atomic.Pointer[tls.Certificate] // nil: no TLS, no credentials
	internal    nkeys.KeyPair                    // of the hub's own connection
	tls         *tls.Config                      // made of certificate
}

// options of a server that knows users, and lets in those that are admitted.
func (b *blueprint) options(users []User, admit func(User) bool) (*server.Options, error) {
	o := &server.Options{
		ServerName: "qtune-hub", Host: b.host, Port: b.port,
		NoSigs: true, DisableJetStreamBanner: true,
		JetStream: true, StoreDir: b.store, SyncInterval: syncInterval,
		MaxPayload: maxPayload, PingInterval: pingInterval, MaxPingsOut: maxPings,
		TLSTimeout: tlsTimeout.Seconds(), AuthTimeout: 2 * tlsTimeout.Seconds(),
	}
	if b.port == 0 {
		o.Port = server.RANDOM_PORT
	}
	if b.certificate == nil {
		return o, nil
	}
	o.TLS, o.TLSConfig = true, b.tls
	public, err := b.internal.PublicKey()
	if err != nil {
		return nil, err
	}
	return o, configure(o, public, users, admit)
}

// start makes a server and waits until it can be used.
func (b *blueprint) start(ctx context.Context, users []User) (*embedded, error) {
	o, err := b.options(users, everyone)
	if err != nil {
		return nil, err
	}
	s, err := server.NewServer(o)
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	log := &serverLogger{log: b.log}
	s.SetLoggerV2(log, b.log.Enabled(ctx, slog.LevelDebug), false, false)
	e := &embedded{server: s}
	go s.Start()
	for deadline := time.Now().Add(readyTimeout); !s.ReadyForConnections(100 * time.Millisecond); {
		if log.fatal.Load() != nil || ctx.Err() != nil || time.Now().After(deadline) {
			e.stop()
			return nil, cmp.Or(ctx.Err(), fmt.Errorf("hub on %s: %s", b.store, log.why()))
		}
	}
	if err := e.connect(b); err != nil {
		e.stop()
		return nil, fmt.Errorf("hub: %w", err)
	}
	return e, nil
}

// connect makes the hub's own connection, inside the process.
func (e *embedded) connect(b *blueprint) error {
	public, err := b.internal.PublicKey()
	if err != nil {
		return err
	}
	options := []nats.Option{nats.Name("hub"), nats.InProcessServer(e.server), nats.MaxReconnects(-1)}
	if b.certificate != nil {
		options = append(options, nats.Nkey(public, b.internal.Sign))
	}
	if e.conn, err = nats.Connect("", options...); err != nil {
		return err
	}
	e.js, err = jetstream.New(e.conn)
	return err
}

// reload lets in users and nobody else. The server makes the imports of accounts
// that are new work only when it meets these accounts a second time: until then
// they are without their users.
func (e *embedded) reload(b *blueprint, before, users []User) error {
	known := func(u User) bool {
		return slices.ContainsFunc(before, func(v User) bool { return v.Key == u.Key })
	}
	for _, u := range users {
		if !known(u) {
			if err := e.apply(b, users, known); err != nil {
				return err
			}
			break
		}
	}
	return e.apply(b, users, everyone)
}

// apply makes the server know users and let in those that are admitted. Requests of
// that moment may stay without an answer: they are asked again.
func (e *embedded) apply(b *blueprint, users []User, admit func(User) bool) error {
	o, err := b.options(users, admit)
	if err != nil {
		return err
	}
	return e.server.ReloadOptions(o)
}

func everyone(User) bool { return true }

// stop ends the server: connections are closed, streams are written out.
func (e *embedded) stop() {
	if e.conn != nil {
		e.conn.Close()
	}
	e.server.Shutdown()
	e.server.WaitForShutdown()
}
