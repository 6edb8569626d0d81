package service

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"qtune/service/api"
)

// A Role says what a caller may do; each may do what those before it may.
type Role uint8

// Roles.
const (
	NoRole Role = iota
	Read        // look at everything
	Submit      // upload models, submit jobs, pause and cancel one's own
	Admin       // also those of others, and merge logs
)

var roleNames = [...]string{"none", "read", "submit", "admin"}

// String returns for example "read".
func (r Role) String() string { return roleNames[min(int(r), len(roleNames)-1)] }

// ParseRole is the inverse of String for roles that a token can have.
func ParseRole(text string) (Role, error) {
	for r := Read; r <= Admin; r++ {
		if r.String() == text {
			return r, nil
		}
	}
	return NoRole, fmt.Errorf("%q is no role (roles: %s)", api.Clip(text), strings.Join(roleNames[Read:], ", "))
}

// A Caller is who asks for something.
type Caller struct {
	Name string
	Role Role
}

// Local is the caller of a service without tokens, which only this machine reaches.
var Local = Caller{"local", Admin}

// A Token is what is stored of a token: not the token.
type Token struct {
	Name    string
	Role    Role
	Created time.Time
	hash    []byte
}

// tokenPrefix lets scanners for leaked secrets find tokens.
const tokenPrefix = "qtune_"

// AddToken makes a token for the user name and returns it: it cannot be shown
// again. Who has one already is refused.
func (s *Store) AddToken(ctx context.Context, name string, role Role) (string, error) {
	if name == Local.Name || name == "" || api.CleanName(name) != name {
		return "", refuse(Invalid, "%q is no name for a user: want one short printable word, and not %q", api.Clip(name), Local.Name)
	}
	if role < Read || role > Admin {
		return "", refuse(Invalid, "%v is no role of a token", role)
	}
	var secret [32]byte
	rand.Read(secret[:]) // never fails
	token := tokenPrefix + hex.EncodeToString(secret[:])
	hash := sha256.Sum256([]byte(token))
	return token, s.log.Update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "INSERT INTO service_tokens VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
			name, role.String(), hash[:], time.Now().UnixNano())
		return oneRow(res, err, refuse(Conflict, "%s has a token already: revoke it first", name))
	})
}

// Revoke removes a user's token. It is refused from then on.
func (s *Store) Revoke(ctx context.Context, name string) error {
	return s.log.Update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "DELETE FROM service_tokens WHERE name = ?", name)
		return oneRow(res, err, refuse(NotFound, "%s has no token", api.Clip(name)))
	})
}

// oneRow returns otherwise where a statement changed no row.
func oneRow(res sql.Result, err, otherwise error) error {
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return otherwise
	}
	return nil
}

// Tokens returns all tokens, by name.
func (s *Store) Tokens(ctx context.Context) ([]Token, error) {
	return list(ctx, s, func(rows *sql.Rows) (t Token, err error) {
		var role string
		var created int64
		if err := rows.Scan(&t.Name, &role, &t.hash, &created); err != nil {
			return t, err
		}
		t.Created = timeOf(created)
		t.Role, err = ParseRole(role)
		return t, err
	}, "SELECT name, role, hash, created FROM service_tokens ORDER BY name")
}

// Authenticate returns who has a token; ok is false where nobody does. required
// tells whether there is any token, without which callers need none.
func (s *Store) Authenticate(ctx context.Context, token string) (c Caller, ok, required bool, err error) {
	tokens, err := s.Tokens(ctx)
	if err != nil {
		return Caller{}, false, true, err
	}
	hash := sha256.Sum256([]byte(token))
	for _, t := range tokens { // all of them: the time says nothing
		if subtle.ConstantTimeCompare(hash[:], t.hash) == 1 {
			c, ok = Caller{t.Name, t.Role}, true
		}
	}
	return c, ok, len(tokens) > 0, nil
}
