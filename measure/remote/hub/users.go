package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nkeys"

	"qtune/internal/wholefile"
	"qtune/measure/remote"
	"qtune/schedules"
)

// A User is a worker or a tuner that may connect. Its file holds no secret: the
// key is the public half of a pair.
type User struct {
	Version int       `json:"version"`
	Name    string    `json:"name"`
	Role    string    `json:"role"`
	Key     string    `json:"key"`
	Created time.Time `json:"created"`
	Limits
}

// Limits say what a worker may take batches of. The zero Limits are none.
type Limits struct {
	ISA   schedules.ISA `json:"target,omitempty"`
	Class string        `json:"machine,omitempty"` // schedules.Machine.Class
}

// check says what is wrong with limits of a role.
func (l Limits) check(role string) error {
	const longest = 200 // of a class: it is part of a subject
	switch {
	case l == Limits{}:
		return nil
	case role != remote.WorkerRole:
		return fmt.Errorf("a %s has no target and machine", role)
	case l.ISA == "" || l.Class == "":
		return errors.New("target and machine belong together: a queue is of one target on one class of machine")
	case len(l.Class) > longest:
		return fmt.Errorf("machine of %d bytes, at most %d are allowed", len(l.Class), longest)
	}
	isa, err := schedules.ParseISA(string(l.ISA))
	if isa == schedules.Ref {
		err = fmt.Errorf("target %s is plain Go: there is nothing to measure", isa)
	}
	return err
}

// check says what is wrong with a user's file.
func (u *User) check() error {
	if u.Version != formatVersion {
		return fmt.Errorf("version %d, want %d", u.Version, formatVersion)
	}
	if err := remote.CheckName(u.Name); err != nil {
		return err
	}
	if u.Role != remote.WorkerRole && u.Role != remote.TunerRole {
		return fmt.Errorf("role %q, want %s or %s", u.Role, remote.WorkerRole, remote.TunerRole)
	}
	if !nkeys.IsValidPublicUserKey(u.Key) {
		return errors.New("its key is not the public key of a user")
	}
	return u.Limits.check(u.Role)
}

// AddUser lets a worker or tuner in, and returns its credentials: the only place
// where the secret is. A name is one user's.
func AddUser(dir, name, role string, l Limits) (*remote.Credentials, error) {
	if err := wantInitialised(dir); err != nil {
		return nil, err
	}
	ca, err := readFile(filepath.Join(dir, caName))
	if err != nil {
		return nil, err
	}
	key, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	public, err := key.PublicKey()
	if err != nil {
		return nil, err
	}
	seed, err := key.Seed()
	if err != nil {
		return nil, err
	}
	u := User{formatVersion, name, role, public, time.Now().UTC().Truncate(time.Second), l}
	if err := u.check(); err != nil {
		return nil, err
	}
	err = writeJSON(userPath(dir, name), u, publicMode, wholefile.Create)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s: there is a user of that name already (tune hub revoke removes it)", name)
	}
	if err != nil {
		return nil, err
	}
	return &remote.Credentials{Name: name, Role: role, Seed: append([]byte{}, seed...), CA: ca}, nil
}

// Revoke removes a user. A hub that runs disconnects it within a second.
func Revoke(dir, name string) error {
	if err := errors.Join(wantInitialised(dir), remote.CheckName(name)); err != nil {
		return err
	}
	err := os.Remove(userPath(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: there is no user of that name", name)
	}
	return err
}

// Users lists who may connect, by name. The error is of the folder, and then there
// are none, or of files that cannot be used, and then the others are not nil.
func Users(dir string) ([]User, error) {
	if err := wantInitialised(dir); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(dir, usersName))
	if err != nil {
		return nil, err
	}
	users := []User{}
	var errs []error
	keys := map[string]string{}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), userSuffix)
		if !ok || strings.HasPrefix(name, ".") {
			continue // being written
		}
		u, err := readUser(dir, name)
		switch {
		case errors.Is(err, fs.ErrNotExist): // revoked this moment
		case err != nil:
			errs = append(errs, err)
		case keys[u.Key] != "":
			errs = append(errs, fmt.Errorf("%s: has the key of %s", userPath(dir, name), keys[u.Key]))
		default:
			keys[u.Key] = name
			users = append(users, u)
		}
	}
	return users, errors.Join(errs...)
}

func readUser(dir, name string) (User, error) {
	var u User
	path := userPath(dir, name)
	if err := readJSON(path, &u); err != nil {
		return u, err
	}
	if err := u.check(); err != nil {
		return u, fmt.Errorf("%s: %w", path, err)
	}
	if u.Name != name {
		return u, fmt.Errorf("%s: is of %q", path, u.Name)
	}
	return u, nil
}

func userPath(dir, name string) string { return filepath.Join(dir, usersName, name+userSuffix) }
