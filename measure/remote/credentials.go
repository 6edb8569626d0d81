package remote

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/nats-io/nkeys"
)

// Credentials are what lets a worker or a tuner in. As text they are one file of
// the sections that NATS's own tools write (a user's seed, and a JWT where the
// server wants one) and, in PEM, the authority that signed the server's
// certificate:
//
//	# name: board-1
//	# role: worker
//	-----BEGIN USER NKEY SEED-----
//	SUA...
//	------END USER NKEY SEED------
//	-----BEGIN CERTIFICATE-----
//	...
//	-----END CERTIFICATE-----
//
// A credentials file of an existing NATS cluster is one without certificates.
type Credentials struct {
	Name string // "" in a file of other tools
	Role string // worker or tuner; "" idem
	Seed []byte // of an Ed25519 key; secret
	JWT  string // "" where the server knows the key itself
	CA   []byte // PEM; nil: the system's authorities
}

// Roles of a credential.
const (
	WorkerRole = "worker"
	TunerRole  = "tuner"
)

const (
	seedBegin = "-----BEGIN USER NKEY SEED-----"
	seedEnd   = "------END USER NKEY SEED------"
	// maxCredentials is the largest credentials file, in bytes.
	maxCredentials = 64 << 10
)

// String returns the text that ParseCredentials reads. It holds the secret.
func (c *Credentials) String() string {
	var b strings.Builder
	if c.Name != "" {
		fmt.Fprintf(&b, "# name: %s\n", c.Name)
	}
	if c.Role != "" {
		fmt.Fprintf(&b, "# role: %s\n", c.Role)
	}
	if c.JWT != "" {
		fmt.Fprintf(&b, "-----BEGIN NATS USER JWT-----\n%s\n------END NATS USER JWT------\n", c.JWT)
	}
	fmt.Fprintf(&b, "%s\n%s\n%s\n", seedBegin, c.Seed, seedEnd)
	b.Write(c.CA)
	return b.String()
}

// ParseCredentials reads a credentials file's text.
func ParseCredentials(text []byte) (*Credentials, error) {
	c := new(Credentials)
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "# name: "); ok {
			c.Name = strings.TrimSpace(name)
		}
		if role, ok := strings.CutPrefix(line, "# role: "); ok {
			c.Role = strings.TrimSpace(role)
		}
	}
	if c.Name != "" {
		if err := CheckName(c.Name); err != nil {
			return nil, err
		}
	}
	key, err := nkeys.ParseDecoratedUserNKey(text)
	if err != nil {
		return nil, errors.New("no user's seed in it")
	}
	if c.Seed, err = key.Seed(); err != nil {
		return nil, err
	}
	if strings.Contains(string(text), "BEGIN NATS USER JWT") {
		if c.JWT, err = nkeys.ParseDecoratedJWT(text); err != nil {
			return nil, fmt.Errorf("its JWT: %w", err)
		}
	}
	c.CA, err = certificates(text)
	return c, err
}

// certificates returns the PEM blocks of text that are certificates, checked.
func certificates(text []byte) ([]byte, error) {
	at := bytes.Index(text, []byte("-----BEGIN CERTIFICATE-----"))
	if at < 0 {
		return nil, nil
	}
	var out []byte
	for rest := text[at:]; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return nil, fmt.Errorf("its certificate: %w", err)
		}
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: block.Bytes})...)
	}
	if out == nil {
		return nil, errors.New("its certificate cannot be read")
	}
	return out, nil
}

// ReadCredentials reads a credentials file.
func ReadCredentials(path string) (*Credentials, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxCredentials {
		return nil, fmt.Errorf("%s: no credentials file: %d bytes", path, info.Size())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c, err := ParseCredentials(text)
	if err != nil {
		return nil, fmt.Errorf("%s: no credentials file: %w", path, err)
	}
	return c, nil
}
