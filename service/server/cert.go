package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookEvery is how often the files of a certificate are looked at.
const lookEvery = time.Minute

// A Certificate is a certificate and its key in two files. They are read again when
// they change: certificates last for weeks, services for longer. It is safe for
// concurrent use.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	clock             func() time.Time

	mu     sync.Mutex
	pair   *tls.Certificate
	seen   [2]version // of the files when they were read
	looked time.Time
}

// A version of a file, as far as it shows from outside.
type version struct {
	modified time.Time
	size     int64
}

// LoadCertificate reads a certificate and its key, both PEM. What is wrong with
// them later is told to log.
func LoadCertificate(certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log, clock: time.Now}
	c.looked, c.seen = c.clock(), c.look()
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

// Config returns a configuration for TLS that shows the latest certificate.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{GetCertificate: c.get, MinVersion: tls.VersionTLS12}
}

func (c *Certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock()
	if now.Sub(c.looked) < lookEvery {
		return c.pair, nil
	}
	c.looked = now
	if seen := c.look(); seen != c.seen {
		c.seen = seen
		// Who replaces them writes one after the other: the pair may fit at the next look.
		if err := c.load(); err != nil {
			c.log.Error("the new certificate cannot be used, the old one stays", "error", err)
		} else {
			c.log.Info("new certificate", "ends", c.pair.Leaf.NotAfter)
		}
	}
	return c.pair, nil
}

// look returns the present versions of the files.
func (c *Certificate) look() (seen [2]version) {
	for i, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil { // that it is missing is a version too
			seen[i] = version{info.ModTime(), info.Size()}
		}
	}
	return seen
}

// load reads the files.
func (c *Certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	var file *os.PathError
	switch {
	case errors.As(err, &file):
		return err
	case err != nil:
		return fmt.Errorf("%s, %s: %w", c.certFile, c.keyFile, err)
	}
	c.pair = &pair
	return nil
}
