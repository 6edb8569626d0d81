package hub

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nkeys"

	"qtune/measure/remote"
	"qtune/schedules"
)

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func certificate(t *testing.T, text []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(text)
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestInitMakesAFolderThatOthersCannotRead(t *testing.T) {
	t.Parallel()
	dir := team(t, "hub.example", "192.0.2.7")
	for name, want := range map[string]os.FileMode{
		".": 0o700, usersName: 0o700, caKeyName: 0o600, serverKeyName: 0o600, caName: 0o644, serverName: 0o644, configName: 0o644,
	} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want mode %v", name, info.Mode(), err, want)
		}
	}
	ca, c := certificate(t, read(t, dir, caName)), certificate(t, read(t, dir, serverName))
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	for _, host := range []string{"localhost", "127.0.0.1", "::1", "hub.example", "192.0.2.7"} {
		if _, err := c.Verify(x509.VerifyOptions{Roots: pool, DNSName: host}); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	if _, err := c.Verify(x509.VerifyOptions{Roots: pool, DNSName: "other.example"}); err == nil {
		t.Error("the certificate is valid for another host")
	}
	if y := time.Until(ca.NotAfter).Hours() / 24 / 365; y < 9.9 || y > 10.1 {
		t.Errorf("the authority is valid for %g years", y)
	}
	if y := time.Until(c.NotAfter).Hours() / 24 / 365; y < 1.9 || y > 2.1 {
		t.Errorf("the certificate is valid for %g years", y)
	}
}

func TestInitAgainRenewsTheCertificate(t *testing.T) {
	t.Parallel()
	dir := team(t, "hub.example")
	creds := add(t, dir, "board", remote.WorkerRole, Limits{})
	h, _ := run(t, Config{Store: dir})
	nc := dial(t, h, creds, nil)
	before := read(t, dir, serverName)
	ca, key := read(t, dir, caName), read(t, dir, serverKeyName)
	for _, hosts := range [][]string{nil, {"new.example"}} {
		if renewed, err := Init(dir, hosts); err != nil || !renewed {
			t.Fatal(renewed, err)
		}
		after := read(t, dir, serverName)
		if bytes.Equal(before, after) || !bytes.Equal(ca, read(t, dir, caName)) || !bytes.Equal(key, read(t, dir, serverKeyName)) {
			t.Error("not the certificate alone changed")
		}
		name := slices.Concat(hosts, []string{"hub.example"})[0]
		if err := certificate(t, after).VerifyHostname(name); err != nil {
			t.Error(err)
		}
		before = after
	}
	// The hub that runs uses it, and those who are connected stay.
	want := certificate(t, before).SerialNumber
	eventually(t, "the old certificate is used", func() error {
		other := dial(t, h, creds, nil)
		defer other.Close()
		state, err := other.TLSConnectionState()
		if err == nil && state.PeerCertificates[0].SerialNumber.Cmp(want) != 0 {
			err = errors.New("another serial number")
		}
		return err
	})
	if !nc.IsConnected() || nc.Stats().Reconnects > 0 {
		t.Error("a worker was disconnected")
	}
}

func TestInitRefuses(t *testing.T) {
	t.Parallel()
	for _, hosts := range [][]string{{""}, {"a b"}, {"*.example"}, {"-x.example"}, {"x..example"}, {"https://hub"}, {"hub:4222"}, {strings.Repeat("x", 64)}, slices.Repeat([]string{"x"}, 65)} {
		dir := filepath.Join(t.TempDir(), "hub")
		if _, err := Init(dir, hosts); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", hosts, err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%q: the folder was made", hosts)
		}
	}
	open := t.TempDir()
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Init(open, nil); err == nil || !strings.Contains(err.Error(), "others may write to it") {
		t.Errorf("a folder of everybody's: %v", err)
	}
	if _, err := Init(filepath.Join(open, strings.Repeat("x", 300)), nil); err == nil {
		t.Error("a name that is too long is a folder")
	}
}

// What is left of a folder that was made halfway does no harm.
func TestInitThatWasInterruptedBeginsAnew(t *testing.T) {
	t.Parallel()
	dir := team(t)
	for _, name := range []string{configName, serverName} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := AddUser(dir, "board", remote.WorkerRole, Limits{}); err == nil || !strings.Contains(err.Error(), "not the folder of a hub") {
		t.Errorf("a user of a folder that is none: %v", err)
	}
	if renewed, err := Init(dir, nil); err != nil || renewed {
		t.Fatal(renewed, err)
	}
	h, _ := run(t, Config{Store: dir})
	dial(t, h, add(t, dir, "board", remote.WorkerRole, Limits{}), nil)
}

func TestUsersAreAddedOnceAndHoldNoSecret(t *testing.T) {
	t.Parallel()
	dir := team(t)
	c := add(t, dir, "board", remote.WorkerRole, Limits{kind.ISA, kind.Class})
	if c.Name != "board" || c.Role != remote.WorkerRole || !bytes.Equal(c.CA, read(t, dir, caName)) {
		t.Errorf("credentials of %s %s", c.Role, c.Name)
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if text, err := os.ReadFile(path); err != nil || bytes.Contains(text, c.Seed) {
			t.Errorf("%s holds the secret, or %v", path, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	users, err := Users(dir)
	if err != nil || len(users) != 1 {
		t.Fatal(users, err)
	}
	key, err := nkeys.FromSeed(c.Seed)
	if err != nil {
		t.Fatal(err)
	}
	if public, err := key.PublicKey(); err != nil || users[0].Key != public || users[0].Limits != (Limits{kind.ISA, kind.Class}) {
		t.Errorf("the user is %+v", users[0])
	}

	for _, bad := range []struct {
		name, role string
		l          Limits
		want       string
	}{
		{"board", remote.WorkerRole, Limits{}, "there is a user of that name already"},
		{"board", remote.TunerRole, Limits{}, "there is a user of that name already"},
		{"Board", remote.WorkerRole, Limits{}, "only lower-case letters"},
		{"../board", remote.WorkerRole, Limits{}, "only lower-case letters"},
		{"", remote.WorkerRole, Limits{}, "want 1 to 32 characters"},
		{"x", "admin", Limits{}, `role "admin"`},
		{"x", remote.TunerRole, Limits{kind.ISA, kind.Class}, "a tuner has no target"},
		{"x", remote.WorkerRole, Limits{ISA: kind.ISA}, "belong together"},
		{"x", remote.WorkerRole, Limits{Class: kind.Class}, "belong together"},
		{"x", remote.WorkerRole, Limits{schedules.ISA("sse9"), kind.Class}, `unknown target "sse9"`},
		{"x", remote.WorkerRole, Limits{kind.ISA, strings.Repeat("x", 300)}, "machine of 300 bytes"},
	} {
		_, err := AddUser(dir, bad.name, bad.role, bad.l)
		if err == nil || !strings.Contains(err.Error(), bad.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if err := Revoke(dir, "nobody"); err == nil || !strings.Contains(err.Error(), "no user of that name") {
		t.Errorf("revoking nobody: %v", err)
	}
	if err := Revoke(dir, "../config"); err == nil {
		t.Error("revoking what is no user")
	}
	if users, err := Users(dir); err != nil || len(users) != 1 {
		t.Errorf("after all that there are %v, %v", users, err)
	}
}

// A damaged file keeps its user out and nobody else.
func TestDamagedUsers(t *testing.T) {
	t.Parallel()
	dir := team(t)
	creds := add(t, dir, "board", remote.WorkerRole, Limits{})
	good := string(read(t, dir, "users/board.json"))
	for name, text := range map[string]string{
		"cut":     good[:len(good)/2],
		"empty":   "",
		"newer":   strings.Replace(good, `"version": 1`, `"version": 2`, 1),
		"renamed": good,
		"role":    strings.NewReplacer(`"board"`, `"role"`, `"worker"`, `"admin"`).Replace(good),
		"nokey":   strings.NewReplacer(`"board"`, `"nokey"`, `"key": "U`, `"key": "S`).Replace(good),
		"twin":    strings.Replace(good, `"board"`, `"twin"`, 1),
		"long":    strings.Repeat(" ", maxFolderBytes+1),
	} {
		if err := os.WriteFile(userPath(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var book logBook
	h, _ := run(t, Config{Store: dir, Log: book.logger()})
	dial(t, h, creds, nil)
	users, err := Users(dir)
	if len(users) != 1 || err == nil {
		t.Errorf("there are %v, %v", users, err)
	}
	for _, name := range []string{"cut", "empty", "newer", "renamed", "role", "nokey", "twin", "long"} {
		if !strings.Contains(err.Error(), name+userSuffix) || !strings.Contains(book.String(), name+userSuffix) {
			t.Errorf("%s.json is not complained of: %v", name, err)
		}
	}
	if n := strings.Count(book.String(), "cut"+userSuffix); n != 1 {
		t.Errorf("the log says it %d times", n)
	}
}

func TestDamagedFoldersAreRefused(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(dir string) error{
		"config.json: version 2": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, configName), []byte(`{"version":2}`), 0o600)
		},
		"config.json: unexpected end":     func(dir string) error { return os.Truncate(filepath.Join(dir, configName), 0) },
		"server.pem: tls: failed to find": func(dir string) error { return os.Truncate(filepath.Join(dir, serverName), 0) },
		"server.key: no such file":        func(dir string) error { return os.Remove(filepath.Join(dir, serverKeyName)) },
		"others may write":                func(dir string) error { return os.Chmod(filepath.Join(dir, usersName), 0o777) },
	} {
		dir := team(t)
		if err := damage(dir); err != nil {
			t.Fatal(err)
		}
		_, err := New(t.Context(), Config{Listen: "127.0.0.1:0", Store: dir})
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir := team(t)
	if err := os.WriteFile(filepath.Join(dir, caKeyName), read(t, team(t), caKeyName), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Init(dir, nil); err == nil || !strings.Contains(err.Error(), "is not the key of") {
		t.Errorf("another authority's key: %v", err)
	}
}

func TestTheLogWarnsOfCertificatesThatEnd(t *testing.T) {
	t.Parallel()
	for days, want := range map[int]bool{-1: true, 1: true, 29: true, 31: false, 700: false} {
		var book logBook
		h := &Hub{log: book.logger()}
		h.warnOfExpiry(&x509.Certificate{NotAfter: time.Now().AddDate(0, 0, days)})
		if got := strings.Contains(book.String(), "must be renewed"); got != want {
			t.Errorf("%d days before its end: %q", days, book.String())
		}
	}
}

func TestAPortThatIsTaken(t *testing.T) {
	t.Parallel()
	h, _ := run(t, Config{Store: t.TempDir()})
	_, err := New(t.Context(), Config{Store: t.TempDir(), Listen: strings.TrimPrefix(h.URL(), "nats://")})
	if err == nil || !strings.Contains(err.Error(), "address already in use") || strings.Contains(err.Error(), "\n") {
		t.Errorf("a port that is taken: %v", err)
	}
	for _, listen := range []string{"", "4222", "localhost", "localhost:x", "localhost:70000", "localhost:-1"} {
		if _, err := New(t.Context(), Config{Store: t.TempDir(), Listen: listen}); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q is not HOST:PORT", listen)) {
			t.Errorf("%q: %v", listen, err)
		}
	}
}
