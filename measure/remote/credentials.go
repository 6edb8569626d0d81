package remote

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
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
	jwtBegin  = "-----BEGIN NATS USER JWT-----"
	jwtEnd    = "------END NATS USER JWT------"
	// certificateBlock is the type of PEM blocks of certificates.
	certificateBlock = "CERTIFICATE"
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
		fmt.Fprintf(&b, "%s\n%s\n%s\n", jwtBegin, c.JWT, jwtEnd)
	}
	fmt.Fprintf(&b, "%s\n%s\n%s\n", seedBegin, c.Seed, seedEnd)
	b.Write(c.CA)
	return b.String()
}

// ParseCredentials reads a credentials file's text.
func ParseCredentials(text []byte) (*Credentials, error) {
	if len(text) > maxCredentials {
		return nil, fmt.Errorf("%d bytes, at most %d are allowed", len(text), maxCredentials)
	}
	c := new(Credentials)
	seed := ""
	section := "" // that the next line is in
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		name, isName := strings.CutPrefix(line, "# name: ")
		role, isRole := strings.CutPrefix(line, "# role: ")
		switch {
		case isName:
			c.Name = strings.TrimSpace(name)
		case isRole:
			c.Role = strings.TrimSpace(role)
		case line == "":
		case section == seedBegin, section == "" && seed == "" && strings.HasPrefix(line, "SU"): // a file of a seed alone
			seed, section = line, seedEnd
		case section == jwtBegin:
			c.JWT, section = line, jwtEnd
		case strings.HasPrefix(line, "---"):
			section = line
		}
	}
	var err error
	if c.Seed, err = checkSeed(seed); err != nil {
		return nil, err
	}
	if c.JWT != "" && !isJWT(c.JWT) {
		return nil, errors.New("its JWT cannot be read")
	}
	if c.Name != "" {
		if err := CheckName(c.Name); err != nil {
			return nil, err
		}
	}
	if c.Role != "" && c.Role != WorkerRole && c.Role != TunerRole {
		return nil, fmt.Errorf("role %q, want %s or %s", clip(c.Role), WorkerRole, TunerRole)
	}
	c.CA, err = certificates(text)
	return c, err
}

// checkSeed accepts the seed of a user. Errors do not repeat it.
func checkSeed(seed string) ([]byte, error) {
	if seed == "" {
		return nil, errors.New("no user's seed in it")
	}
	kind, _, err := nkeys.DecodeSeed([]byte(seed))
	if err == nil && kind == nkeys.PrefixByteUser {
		_, err = nkeys.FromSeed([]byte(seed))
	}
	if err != nil || kind != nkeys.PrefixByteUser {
		return nil, errors.New("its seed is none of a user, or was changed")
	}
	return []byte(seed), nil
}

// isJWT tells whether text has the form of one.
func isJWT(text string) bool {
	parts := strings.Split(text, ".")
	for _, part := range parts {
		if _, err := base64.RawURLEncoding.Strict().DecodeString(part); err != nil || part == "" {
			return false
		}
	}
	return len(parts) == 3
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
		if block.Type != certificateBlock {
			return nil, fmt.Errorf("a block %q after its certificate", clip(block.Type))
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return nil, fmt.Errorf("its certificate: %w", err)
		}
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: block.Bytes})...)
	}
	if out == nil {
		return nil, errors.New("its certificate cannot be read")
	}
	return out, nil
}

// ReadCredentials reads a credentials file.
func ReadCredentials(path string) (*Credentials, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxCredentials+1))
	if err != nil {
		return nil, err
	}
	c, err := ParseCredentials(text)
	if err != nil {
		return nil, fmt.Errorf("%s: no credentials file: %w", path, err)
	}
	return c, nil
}
