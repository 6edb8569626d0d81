package hub

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"qtune/internal/wholefile"
)

// Validity of certificates. Clocks of small boards may be behind.
const (
	authorityYears = 10
	serverYears    = 2
	clockSkew      = 24 * time.Hour
	warnBefore     = 30 * 24 * time.Hour
)

// loopbackHosts are in every certificate.
var loopbackHosts = []string{"localhost", "127.0.0.1", "::1"}

const (
	certificatePEM = "CERTIFICATE"
	keyPEM         = "PRIVATE KEY"
)

// newAuthority makes the key and certificate that sign the server's.
func newAuthority(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	t, err := template("qtune hub authority", authorityYears)
	if err != nil {
		return err
	}
	t.IsCA, t.BasicConstraintsValid, t.MaxPathLenZero = true, true, true
	t.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return err
	}
	if err := writeKey(filepath.Join(dir, caKeyName), key); err != nil {
		return err
	}
	return writePEM(filepath.Join(dir, caName), certificatePEM, der, publicMode)
}

// renew makes a certificate for the server. Its key stays the same where there is
// one, so that replacing one file is enough.
func renew(dir string, hosts []string) error {
	authority, err := readCertificate(filepath.Join(dir, caName))
	if err != nil {
		return err
	}
	signer, err := readKey(filepath.Join(dir, caKeyName))
	if err != nil {
		return err
	}
	if !signer.PublicKey.Equal(authority.PublicKey) {
		return fmt.Errorf("%s is not the key of %s", filepath.Join(dir, caKeyName), filepath.Join(dir, caName))
	}
	path := filepath.Join(dir, serverKeyName)
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err == nil {
			err = writeKey(path, key)
		}
	}
	if err != nil {
		return err
	}
	t, err := template("qtune hub", serverYears)
	if err != nil {
		return err
	}
	if t.NotAfter.After(authority.NotAfter) {
		t.NotAfter = authority.NotAfter
	}
	t.KeyUsage, t.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, h := range append(append([]string{}, loopbackHosts...), hosts...) {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, authority, &key.PublicKey, signer)
	if err != nil {
		return err
	}
	return writePEM(filepath.Join(dir, serverName), certificatePEM, der, publicMode)
}

// template is what the two certificates have in common.
func template(name string, years int) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	return &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-clockSkew), NotAfter: now.AddDate(years, 0, 0)}, nil
}

// checkHosts says what is wrong with names or addresses for a certificate.
func checkHosts(hosts []string) error {
	const most, longest = 64, 253
	if len(hosts) > most {
		return fmt.Errorf("%d hosts, at most %d are allowed", len(hosts), most)
	}
	for _, h := range hosts {
		if net.ParseIP(h) != nil {
			continue
		}
		ok := h != "" && len(h) <= longest
		for label := range strings.SplitSeq(h, ".") {
			ok = ok && label != "" && len(label) <= 63 && label[0] != '-' && label[len(label)-1] != '-'
		}
		ok = ok && strings.IndexFunc(h, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.')
		}) < 0
		if !ok {
			return fmt.Errorf("host %q is neither a name nor an address", h)
		}
	}
	return nil
}

// loadServer reads the server's certificate with its key.
func loadServer(dir string) (*tls.Certificate, error) {
	c, err := tls.LoadX509KeyPair(filepath.Join(dir, serverName), filepath.Join(dir, serverKeyName))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, serverName), err)
	}
	return &c, nil
}

func readCertificate(path string) (*x509.Certificate, error) {
	der, err := readPEM(path, certificatePEM)
	if err != nil {
		return nil, err
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func readKey(path string) (*ecdsa.PrivateKey, error) {
	der, err := readPEM(path, keyPEM)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	k, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s: not an ECDSA key", path)
	}
	return k, nil
}

func readPEM(path, kind string) ([]byte, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("%s: no %s in it", path, strings.ToLower(kind))
	}
	return block.Bytes, nil
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(path, keyPEM, der, secretMode)
}

func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	return wholefile.Write(path, mode, func(w io.Writer) error {
		return pem.Encode(w, &pem.Block{Type: kind, Bytes: der})
	})
}
