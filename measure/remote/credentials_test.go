package remote

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nkeys"
)

func seed(t testing.TB) []byte {
	t.Helper()
	key, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	s, err := key.Seed()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func authority(t testing.TB) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: der})
}

const someJWT = "eyJ0eXAiOiJKV1QifQ.eyJqdGkiOiJBIn0.c2ln"

func TestCredentialsRoundTrip(t *testing.T) {
	ca := authority(t)
	for _, want := range []*Credentials{
		{Name: "board-1", Role: WorkerRole, Seed: seed(t), CA: append(ca, authority(t)...)},
		{Name: "desk", Role: TunerRole, Seed: seed(t)},
		{Seed: seed(t), JWT: someJWT},
		{Seed: seed(t), JWT: someJWT, CA: ca},
	} {
		got, err := ParseCredentials([]byte(want.String()))
		if err != nil {
			t.Fatal(err)
		}
		if d := same(want, got); d != "" {
			t.Error(d)
		}
	}
}

// Files that people have handled, and those of NATS's tools.
func TestCredentialsOfOthers(t *testing.T) {
	want := &Credentials{Name: "board-1", Role: WorkerRole, Seed: seed(t), CA: authority(t)}
	text := want.String()
	head, rest, _ := strings.Cut(text, "-----BEGIN CERT")
	for name, text := range map[string]string{
		"of Windows":        strings.ReplaceAll(text, "\n", "\r\n"),
		"certificate first": "-----BEGIN CERT" + rest + head,
		"indented":          "  " + strings.ReplaceAll(head, "\n", "\n  ") + "\n-----BEGIN CERT" + rest,
		"with remarks":      "# made by hand\n\n" + text + "\nthe end\n",
	} {
		got, err := ParseCredentials([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := same(want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	bare := string(want.Seed) + "\n"
	if got, err := ParseCredentials([]byte(bare)); err != nil || string(got.Seed) != string(want.Seed) || got.CA != nil {
		t.Errorf("a seed alone: %v", err)
	}
	nsc := "-----BEGIN NATS USER JWT-----\n" + someJWT + "\n------END NATS USER JWT------\n\n************************* IMPORTANT *************************\nNKEY Seed printed below can be used to sign and prove identity.\n\n-----BEGIN USER NKEY SEED-----\n" +
		string(want.Seed) + "\n------END USER NKEY SEED------\n\n*************************************************************\n"
	if got, err := ParseCredentials([]byte(nsc)); err != nil || string(got.Seed) != string(want.Seed) || got.JWT != someJWT {
		t.Errorf("a file of nsc: %v", err)
	}
}

func TestDamagedCredentialsAreRefused(t *testing.T) {
	c := &Credentials{Name: "board-1", Role: WorkerRole, Seed: seed(t), CA: authority(t)}
	text := c.String()
	account, err := nkeys.CreateAccount()
	if err != nil {
		t.Fatal(err)
	}
	other, err := account.Seed()
	if err != nil {
		t.Fatal(err)
	}
	changed := []byte(string(c.Seed))
	changed[20] ^= 1
	for text, want := range map[string]string{
		"":                                  "no user's seed",
		"# name: board-1\n# role: worker\n": "no user's seed",
		seedBegin + "\n":                    "no user's seed",
		strings.Replace(text, string(c.Seed), string(other), 1):              "its seed is none of a user",
		strings.Replace(text, string(c.Seed), string(changed), 1):            "its seed is none of a user",
		strings.Replace(text, string(c.Seed), string(c.Seed[:40]), 1):        "its seed is none of a user",
		strings.Replace(text, "board-1", "Board 1", 1):                       "only lower-case letters",
		strings.Replace(text, "worker", "admin", 1):                          `role "admin"`,
		strings.Replace(text, "# role", jwtBegin+"\na.b\n"+jwtEnd+"\n#", 1):  "its JWT cannot be read",
		strings.Replace(text, "# role", jwtBegin+"\na.b.$\n"+jwtEnd+"\n", 1): "its JWT cannot be read",
		text[:len(text)-60]:                           "its certificate cannot be read",
		strings.ReplaceAll(text, "MI", "AA"):          "its certificate",
		text + "-----BEGIN X-----\n-----END X-----\n": "after its certificate",
		text + strings.Repeat("#", maxCredentials):    "at most 65536 are allowed",
	} {
		_, err := ParseCredentials([]byte(text))
		wantLine(t, want, err, want)
		if err != nil && (strings.Contains(err.Error(), string(c.Seed[:20])) || strings.Contains(err.Error(), string(changed[:20]))) {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
}

func TestReadCredentials(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "board.creds")
	c := &Credentials{Name: "board-1", Role: WorkerRole, Seed: seed(t)}
	if err := os.WriteFile(path, []byte(c.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadCredentials(path); err != nil || same(c, got) != "" {
		t.Errorf("%v, %v", got, err)
	}
	if err := os.WriteFile(path, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := ReadCredentials(path)
	wantLine(t, "what is none", err, path+": no credentials file: no user's seed")
	_, err = ReadCredentials(filepath.Join(dir, "absent"))
	wantLine(t, "what is not there", err, "absent: no such file")
	_, err = ReadCredentials(dir)
	wantLine(t, "a folder", err, "is a directory")
	if _, err := os.Stat("/dev/zero"); err == nil {
		_, err = ReadCredentials("/dev/zero")
		wantLine(t, "a file without end", err, "/dev/zero: no credentials file: 65537 bytes")
	}
}

func FuzzParseCredentials(f *testing.F) {
	c := &Credentials{Name: "board-1", Role: WorkerRole, Seed: []byte("SUAKIQSFBY6DRSUHF54R6R2C55KTERIMB46SXVBT2FMM4S7KNVFWQ4YB3M"), CA: authority(f)}
	f.Add([]byte(c.String()))
	c.CA, c.JWT = nil, someJWT
	f.Add([]byte(c.String()))
	f.Add(append([]byte("\r\n"), c.Seed...))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseCredentials(text)
		if err != nil {
			if strings.Contains(err.Error(), "\n") || len(err.Error()) > 700 {
				t.Errorf("not one short line: %q", err)
			}
			return
		}
		again, err := ParseCredentials([]byte(c.String()))
		if err != nil {
			t.Fatal(err)
		}
		if d := same(c, again); d != "" {
			t.Error(d)
		}
		if _, err := c.options(); err != nil {
			t.Error(err)
		}
	})
}
