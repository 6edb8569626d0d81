package hub

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A watcher tells when files of the folder changed. It looks at names, sizes and
// times: notifications of the system do not work on every file system.
type watcher struct{ seen string }

// changed tells whether something did since the last call.
func (w *watcher) changed(dir string) bool {
	var b strings.Builder
	note := func(path string) {
		if info, err := os.Stat(path); err == nil {
			fmt.Fprintf(&b, "%s %d %d\n", path, info.Size(), info.ModTime().UnixNano())
		}
	}
	note(filepath.Join(dir, serverName))
	entries, err := os.ReadDir(filepath.Join(dir, usersName))
	if err != nil {
		fmt.Fprintln(&b, err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), userSuffix) {
			note(filepath.Join(dir, usersName, e.Name()))
		}
	}
	if b.String() == w.seen {
		return false
	}
	w.seen = b.String()
	return true
}

// reload applies what changed in the folder. Who is not let in any more is
// disconnected.
func (h *Hub) reload() {
	if err := h.loadCertificate(); err != nil {
		h.log.Error("the new certificate cannot be used, the old one stays", "error", err)
	}
	before := h.users
	users, ok := h.loadUsers()
	if !ok || slices.Equal(before, users) {
		return
	}
	h.mu.Lock()
	h.users = users
	h.mu.Unlock()
	if h.now == nil {
		return // the next server begins with them
	}
	if err := h.now.reload(h.plan, before, users); err != nil {
		h.log.Error("users cannot be changed", "error", err)
		return
	}
	h.reloads.Add(1)
	h.log.Info("users changed", "users", len(users), "before", len(before))
}

// loadUsers reads the users. Whoever's file cannot be used is not let in; where the
// folder cannot be read, nobody's right changes and ok is false. What cannot be
// read now is tried again.
func (h *Hub) loadUsers() (users []User, ok bool) {
	users, err := Users(h.store)
	said := ""
	if err != nil {
		h.watch.seen = ""
		said = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	if said != "" && said != h.unusable {
		h.log.Error("some users cannot be let in", "error", said)
	}
	h.unusable = said
	return users, err == nil || users != nil
}

// loadCertificate reads the server's certificate.
func (h *Hub) loadCertificate() error {
	c, err := loadServer(h.store)
	if err != nil {
		return err
	}
	h.plan.certificate.Store(c)
	h.warnOfExpiry(c.Leaf)
	return nil
}

// warnOfExpiry says that a certificate ends soon.
func (h *Hub) warnOfExpiry(c *x509.Certificate) {
	if left := time.Until(c.NotAfter); left < warnBefore {
		h.log.Warn("the certificate must be renewed with tune hub init", "days", int(left.Hours()/24), "ends", c.NotAfter.Format(time.DateOnly))
	}
}
