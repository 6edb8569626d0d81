package hub

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"qtune/internal/wholefile"
)

// Names in the folder.
const (
	configName     = "config.json"
	caName         = "ca.pem"
	caKeyName      = "ca.key"
	serverName     = "server.pem"
	serverKeyName  = "server.key"
	lockName       = "lock"
	usersName      = "users"
	userSuffix     = ".json"
	secretMode     = 0o600
	publicMode     = 0o644
	folderMode     = 0o700
	formatVersion  = 1
	maxFolderBytes = 64 << 10 // of one file that is read
)

// A config is what makes a folder one of a hub for other machines.
type config struct {
	Version int       `json:"version"`
	Hosts   []string  `json:"hosts"` // names and addresses of this machine
	Created time.Time `json:"created"`
}

// Init makes dir the folder of a hub for other machines, which reach it by the
// names or addresses in hosts. In a folder that is one already it makes a new
// certificate for the server, under the same authority: credentials stay valid.
// Without hosts the names stay. The second result says that it was one already.
func Init(dir string, hosts []string) (renewed bool, err error) {
	if err := checkHosts(hosts); err != nil {
		return false, err
	}
	c, err := readConfig(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, create(dir, hosts)
	}
	if err != nil {
		return false, err
	}
	if len(hosts) > 0 {
		c.Hosts = hosts
	}
	return true, errors.Join(renew(dir, c.Hosts), writeJSON(filepath.Join(dir, configName), c, publicMode, wholefile.Write))
}

// create makes the folder. The config comes last: without it the folder is no
// hub's, and the next Init begins anew.
func create(dir string, hosts []string) error {
	for _, d := range []string{dir, filepath.Join(dir, usersName)} {
		if err := makeFolder(d); err != nil {
			return err
		}
		if err := checkPrivate(d); err != nil {
			return err
		}
	}
	if err := newAuthority(dir); err != nil {
		return err
	}
	if err := renew(dir, hosts); err != nil {
		return err
	}
	c := config{Version: formatVersion, Hosts: hosts, Created: time.Now().UTC().Truncate(time.Second)}
	return writeJSON(filepath.Join(dir, configName), c, publicMode, wholefile.Write)
}

// makeFolder makes a folder that others cannot read, where there is none.
func makeFolder(dir string) error { return os.MkdirAll(dir, folderMode) }

// checkPrivate refuses a folder to which others could add users.
func checkPrivate(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	const othersWrite = 0o022
	if runtime.GOOS != "windows" && info.Mode().Perm()&othersWrite != 0 {
		return fmt.Errorf("%s: others may write to it (chmod go-w forbids it)", dir)
	}
	return nil
}

// Initialised tells whether dir is the folder of a hub for other machines.
func Initialised(dir string) (bool, error) {
	_, err := readConfig(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// wantInitialised is the error of a folder that is none of a hub's.
func wantInitialised(dir string) error {
	if ok, err := Initialised(dir); err != nil || ok {
		return err
	}
	return fmt.Errorf("%s: not the folder of a hub (tune hub init makes one)", dir)
}

func readConfig(dir string) (config, error) {
	var c config
	path := filepath.Join(dir, configName)
	if err := readJSON(path, &c); err != nil {
		return c, err
	}
	if c.Version != formatVersion {
		return c, fmt.Errorf("%s: version %d, want %d", path, c.Version, formatVersion)
	}
	return c, nil
}

// readJSON reads one file of the folder.
func readJSON(path string, to any) error {
	data, err := readFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, to); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// readFile reads one file of the folder, none of which is large.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFolderBytes+1))
	if err == nil && len(data) > maxFolderBytes {
		err = fmt.Errorf("%s: more than %d bytes", path, maxFolderBytes)
	}
	return data, err
}

// writeJSON writes one file of the folder with a function of package wholefile.
func writeJSON(path string, v any, mode fs.FileMode, write func(string, fs.FileMode, func(io.Writer) error) error) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return write(path, mode, func(w io.Writer) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}
