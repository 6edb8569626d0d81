package remote

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// Options say how to connect to a hub.
type Options struct {
	// URL is nats://HOST[:PORT], tls://HOST[:PORT], or several of a cluster,
	// separated by commas. Without TLS only loopback addresses are allowed.
	URL string
	// Credentials may be nil where the hub wants none, which is on loopback alone.
	Credentials *Credentials
	// Name is this end's, for the server's logs.
	Name string
	// Log hears of lost and restored connections, and of refused actions.
	Log *slog.Logger
	// Unbuffered makes what is sent while the hub is away fail at once. Otherwise it
	// is kept, and sent when the hub is back, however late that is.
	Unbuffered bool
	// Refused is called for actions that the server denied, which otherwise look
	// like silence; may be nil.
	Refused func(error)
}

// Times of a connection.
const (
	dialTimeout   = 5 * time.Second
	firstBackOff  = 100 * time.Millisecond
	lastBackOff   = 15 * time.Second
	pingInterval  = 5 * time.Second
	missedPings   = 2
	pendingOnLost = 1 << 20 // bytes kept for the server while it is away
)

// Dial connects. Once it has, it reconnects for ever. Where the hub refuses or
// cannot be reached, the error is one line that says which; Refusal tells whether
// to try again makes sense.
func Dial(o Options) (*nats.Conn, error) {
	if err := CheckURL(o.URL, o.Credentials); err != nil {
		return nil, err
	}
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	pending := pendingOnLost
	if o.Unbuffered {
		pending = -1
	}
	options := []nats.Option{
		nats.Name(o.Name), nats.Timeout(dialTimeout), nats.MaxReconnects(-1), nats.ReconnectBufSize(pending),
		nats.CustomReconnectDelay(backOff), nats.PingInterval(pingInterval), nats.MaxPingsOutstanding(missedPings),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("hub lost", "why", Explain(o.URL, err))
			}
		}),
		nats.ReconnectHandler(func(c *nats.Conn) { log.Info("hub found again", "url", c.ConnectedUrlRedacted()) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			err = Explain(o.URL, err)
			log.Warn("hub", "error", err)
			if o.Refused != nil {
				o.Refused(err)
			}
		}),
	}
	if c := o.Credentials; c != nil {
		more, err := c.options()
		if err != nil {
			return nil, err
		}
		options = append(options, more...)
	}
	nc, err := nats.Connect(o.URL, options...)
	if err != nil {
		return nil, Explain(o.URL, err)
	}
	return nc, nil
}

// backOff doubles from the first to the last delay. A random part keeps all workers
// of a hub that restarts from coming at once.
func backOff(attempts int) time.Duration {
	d := min(firstBackOff<<min(max(attempts, 0), 10), lastBackOff)
	return d/2 + rand.N(d/2)
}

// options make the connection use c.
func (c *Credentials) options() ([]nats.Option, error) {
	var out []nats.Option
	if c.Name != "" {
		out = append(out, nats.CustomInboxPrefix(InboxPrefix(c.Name)))
	}
	key, err := nkeys.FromSeed(c.Seed)
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	sign := func(nonce []byte) ([]byte, error) { return key.Sign(nonce) }
	if c.JWT != "" {
		out = append(out, nats.UserJWT(func() (string, error) { return c.JWT, nil }, sign))
	} else {
		public, err := key.PublicKey()
		if err != nil {
			return nil, fmt.Errorf("credentials: %w", err)
		}
		out = append(out, nats.Nkey(public, sign))
	}
	if c.CA != nil {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(c.CA) {
			return nil, errors.New("credentials: the certificate cannot be read")
		}
		out = append(out, func(o *nats.Options) error {
			o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
			return nil
		})
	}
	return out, nil
}

// CheckURL says what is wrong with a hub's URL: anything but loopback needs TLS and
// a credential.
func CheckURL(text string, c *Credentials) error {
	if text == "" {
		return errors.New("no URL of a hub")
	}
	for one := range strings.SplitSeq(text, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err != nil || u.Host == "" || u.Scheme != "nats" && u.Scheme != "tls" {
			return fmt.Errorf("%q is not the URL of a hub: want nats://HOST:PORT or tls://HOST:PORT", clip(one))
		}
		if u.User != nil {
			return fmt.Errorf("%s: credentials come from a file, not from the URL", u.Redacted())
		}
		if Loopback(u.Hostname()) {
			continue
		}
		if u.Scheme != "tls" {
			return fmt.Errorf("%s: not a loopback address, so it needs tls://", u)
		}
		if c == nil {
			return fmt.Errorf("%s: not a loopback address, so it needs a credentials file", u)
		}
	}
	return nil
}

// Loopback tells whether a host is this one whatever the network does.
func Loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// A Refusal is an error that trying again does not mend.
type Refusal struct{ message string }

func (e *Refusal) Error() string { return e.message }

// Explain makes one clear line of an error of the connection.
func Explain(url string, err error) error {
	refuse := func(format string, args ...any) error {
		return &Refusal{fmt.Sprintf("%s: %s", url, fmt.Sprintf(format, args...))}
	}
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.As(err, &unknown):
		return refuse("its certificate is signed by an authority that the credentials do not name: %v", unknown)
	case errors.As(err, &name), errors.As(err, &invalid):
		return refuse("its certificate does not fit: %v", err)
	case errors.As(err, &record):
		return refuse("it does not speak TLS, or something else answers there")
	case errors.Is(err, nats.ErrSecureConnWanted), errors.Is(err, nats.ErrSecureConnRequired):
		return refuse("it does not offer TLS, but the URL asks for it")
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthRevoked), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAccountAuthExpired):
		return refuse("it does not accept these credentials, or wants some: %v", err)
	case errors.Is(err, nats.ErrPermissionViolation):
		return refuse("these credentials do not allow it: %v", err)
	case errors.Is(err, nats.ErrNkeysNotSupported):
		return refuse("it does not accept keys as credentials")
	case errors.Is(err, nats.ErrReconnectBufExceeded):
		return fmt.Errorf("%s: the hub is away: %w", url, err)
	case errors.Is(err, nats.ErrNoServers), errors.Is(err, nats.ErrTimeout), errors.As(err, &op):
		return fmt.Errorf("%s: no hub answers there: %w", url, err)
	}
	return fmt.Errorf("%s: %w", url, err)
}
