package hub

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
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
	users := h.loadUsers()
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.users
	h.users = users
	if h.now == nil {
		return // the next server begins with them
	}
	if err := h.now.reload(h.plan, before, users); err != nil {
		h.log.Error("users cannot be changed", "error", err)
		return
	}
	h.reloads.Add(1)
	h.log.Info("folder changed", "users", len(users), "before", len(before))
}

// loadUsers reads the users. Whoever's file cannot be used is not let in.
func (h *Hub) loadUsers() []User {
	users, err := Users(h.store)
	if err != nil {
		h.log.Error("some users are not let in", "error", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return users
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
