package server

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qtune/measure/remote/hub"
)

// Handshakes meet the certificate of the files within lookEvery; one that cannot be
// used keeps the old one, and is logged once.
func TestCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir() // with a certificate under an authority
	if _, err := hub.Init(dir, nil); err != nil {
		t.Fatal(err)
	}
	cert, key := filepath.Join(dir, "server.pem"), filepath.Join(dir, "server.key")
	var out bytes.Buffer
	c, err := LoadCertificate(cert, key, slog.New(slog.NewTextHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c.clock = func() time.Time { return now }
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(must(os.ReadFile(filepath.Join(dir, "ca.pem"))))
	shown := func() string { return handshake(t, c.Config(), trusted) }
	later := func() { now = now.Add(lookEvery) }

	first := shown()
	if _, err := hub.Init(dir, nil); err != nil { // renews it
		t.Fatal(err)
	}
	if shown() != first {
		t.Error("the files were looked at too soon")
	}
	later()
	second := shown()
	if second == first || strings.Count(out.String(), "new certificate") != 1 {
		t.Errorf("a new certificate is not shown; log:\n%s", &out)
	}
	good := must(os.ReadFile(cert))
	for i, bad := range []func() error{
		func() error { return os.WriteFile(cert, []byte("no certificate"), 0o600) },
		func() error { return os.Remove(cert) },
		func() error { return os.WriteFile(cert, good[:len(good)/2], 0o600) },
	} {
		if err := bad(); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second look finds no change
			later()
			if shown() != second {
				t.Error("the old certificate does not stay")
			}
		}
		if n := strings.Count(out.String(), "cannot be used"); n != i+1 {
			t.Errorf("%d lines of bad files, want %d:\n%s", n, i+1, &out)
		}
	}
	// A key of another certificate, and then that certificate: the pair that fits.
	other := t.TempDir()
	if _, err := hub.Init(other, nil); err != nil {
		t.Fatal(err)
	}
	trusted.AppendCertsFromPEM(must(os.ReadFile(filepath.Join(other, "ca.pem"))))
	for i, name := range []string{"server.key", "server.pem"} {
		if err := os.WriteFile(filepath.Join(dir, name), must(os.ReadFile(filepath.Join(other, name))), 0o600); err != nil {
			t.Fatal(err)
		}
		later()
		if same := shown() == second; same != (i == 0) {
			t.Errorf("after %s: the old certificate is shown: %v", name, same)
		}
	}
}

func TestCertificateThatCannotBeUsed(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	for _, d := range []string{dir, other} {
		if _, err := hub.Init(d, nil); err != nil {
			t.Fatal(err)
		}
	}
	cert, key := filepath.Join(dir, "server.pem"), filepath.Join(dir, "server.key")
	for _, files := range [][2]string{{cert, filepath.Join(other, "server.key")}, {key, key}, {cert, cert}, {cert, filepath.Join(dir, "none")}} {
		_, err := LoadCertificate(files[0], files[1], slog.New(slog.DiscardHandler))
		if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), files[1]) {
			t.Errorf("%v: %v", files, err)
		}
	}
}

// handshake returns the serial number of the certificate that a client is shown.
func handshake(t *testing.T, config *tls.Config, trusted *x509.CertPool) string {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	server := tls.Server(far, config)
	done := make(chan error, 1)
	go func() { done <- server.Handshake() }()
	client := tls.Client(near, &tls.Config{RootCAs: trusted, ServerName: "localhost"})
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return client.ConnectionState().PeerCertificates[0].SerialNumber.String()
}
