package main

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"qtune/logs"
	"qtune/qnn/tflite"
	"qtune/schedules"
	"qtune/service/api"
	"qtune/service/client"
)

// tokenEnv is the variable of the environment that holds a token, for jobs of CI.
const tokenEnv = "QTUNE_TOKEN"

// remoteFlags say which tuning service to ask.
type remoteFlags struct {
	server    string
	tokenFile string
	ca        string
}

func (f *remoteFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.server, "server", "", "address of a tuning service (tune serve), such as https://tuner.example.org:8765")
	c.Flags().StringVar(&f.tokenFile, "token-file", "", "file with the token for --server (default: the variable "+tokenEnv+")")
	c.Flags().StringVar(&f.ca, "ca", "", "file with the authorities to trust for --server, PEM (default: those of the system)")
}

// client makes a client of the service.
func (f *remoteFlags) client() (*client.Client, error) {
	if f.server == "" {
		return nil, usageErrorf("--server is missing")
	}
	token := os.Getenv(tokenEnv)
	if f.tokenFile != "" {
		text, err := os.ReadFile(f.tokenFile)
		if err != nil {
			return nil, fmt.Errorf("--token-file: %w", err)
		}
		token = strings.TrimSpace(string(text))
	}
	roots, err := f.roots()
	if err != nil {
		return nil, err
	}
	c, err := client.New(f.server, token, roots)
	if err != nil {
		return nil, usageErrorf("--server: %w", err)
	}
	return c, nil
}

// roots reads --ca; nil where it is not given.
func (f *remoteFlags) roots() (*x509.CertPool, error) {
	if f.ca == "" {
		return nil, nil
	}
	text, err := os.ReadFile(f.ca)
	if err != nil {
		return nil, fmt.Errorf("--ca: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("--ca: %s: no certificate in it (PEM)", f.ca)
	}
	return roots, nil
}

// modelBytes returns the file of a model, or what tune zoo would write, and a name
// for people.
func modelBytes(path string) (file []byte, name string, err error) {
	g, ok, err := loadZoo(path)
	if !ok {
		file, err = os.ReadFile(path)
		return file, filepath.Base(path), err
	}
	if err == nil {
		file, err = tflite.Export(g)
	}
	return file, strings.TrimPrefix(path, zooPrefix), err
}

func hashOf(file []byte) string {
	sum := sha256.Sum256(file)
	return hex.EncodeToString(sum[:])
}

// cacheFlags are remoteFlags of commands that take schedules from a service, and
// keep what it said for when it cannot be reached.
type cacheFlags struct {
	remoteFlags
	offline bool
}

func (f *cacheFlags) register(c *cobra.Command) {
	f.remoteFlags.register(c)
	c.Flags().BoolVar(&f.offline, "offline", false, "do not ask the --server: use what it said last, from the cache")
}

// used tells whether a service is asked, rather than a log, or should be.
func (f *cacheFlags) used() bool { return *f != cacheFlags{} }

// check finds what is wrong with the flags alone.
func (f *cacheFlags) check(c *cobra.Command) error {
	switch {
	case f.offline && f.server == "":
		return usageErrorf("--offline needs --server")
	case f.server == "" && (f.tokenFile != "" || f.ca != ""):
		return usageErrorf("--token-file and --ca need --server")
	case f.server != "" && c.Flags().Changed("log"):
		return usageErrorf("--server and --log exclude each other")
	}
	return nil
}

// A wanted is what schedules are looked up for: a model, or else a workload.
type wanted struct {
	model    string // as --model
	workload schedules.Workload
	isa      schedules.ISA
}

// key names what is wanted in the cache, and the model to the service.
func (w wanted) key() (hash string, err error) {
	if w.model == "" {
		return hashOf([]byte(w.workload.String())), nil
	}
	file, _, err := modelBytes(w.model)
	return hashOf(file), err
}

// open returns a log of what the service says, which is removed by done.
func (f *cacheFlags) open(c *cobra.Command, w wanted) (log *logs.Log, done func(), err error) {
	if err := f.check(c); err != nil {
		return nil, nil, err
	}
	hash, err := w.key()
	if err != nil {
		return nil, nil, err
	}
	cached, err := f.cacheFile(hash, w.isa)
	if err != nil {
		return nil, nil, err
	}
	if !f.offline {
		if err := f.fetch(c, w, hash, cached); err != nil {
			return nil, nil, fmt.Errorf("--server: %w", err)
		}
	}
	text, err := os.Open(cached)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("--offline: the cache has nothing of %s for this: run it once without", f.server)
	}
	if err != nil {
		return nil, nil, err
	}
	defer text.Close()
	return importTemporary(c, text, cached)
}

// cacheFile is where what a service said is kept.
func (f *cacheFlags) cacheFile(hash string, isa schedules.ISA) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache: %w", err)
	}
	of := hashOf([]byte(strings.TrimSuffix(f.server, "/") + "\n" + hash + "\n" + string(isa)))
	return filepath.Join(dir, "qtune", of+".jsonl"), nil
}

// fetch asks the service, for all machines that it knows.
func (f *cacheFlags) fetch(c *cobra.Command, w wanted, hash, to string) error {
	from, err := f.client()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return writeFile(to, func(out io.Writer) error { return pullBest(c, from, w, hash, "", out) })
}

// pullBest writes the service's export for what is wanted.
func pullBest(c *cobra.Command, from *client.Client, w wanted, hash, machine string, to io.Writer) error {
	if w.model == "" {
		return from.BestOf(c.Context(), w.workload.String(), string(w.isa), machine, to)
	}
	err := from.Best(c.Context(), hash, string(w.isa), machine, to)
	if client.IsNotFound(err) {
		return fmt.Errorf("%w; tune submit gives it the model", err)
	}
	return err
}

// importTemporary makes a log of an export.
func importTemporary(c *cobra.Command, text io.Reader, name string) (log *logs.Log, done func(), err error) {
	dir, err := os.MkdirTemp("", "qtune-*")
	if err != nil {
		return nil, nil, err
	}
	log, err = logs.Open(filepath.Join(dir, defaultLog), logs.Options{Warn: warner(c)})
	done = func() {
		if log != nil {
			log.Close()
		}
		os.RemoveAll(dir)
	}
	var stats logs.ImportStats
	if err == nil {
		stats, err = log.Import(c.Context(), text)
	}
	if err == nil && (stats.Bad > 0 || stats.Cut) {
		err = errors.New("what the service said is damaged")
	}
	if err != nil {
		done()
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return log, done, nil
}

// jobLine is a job as one line.
func jobLine(j api.Job) string {
	text := fmt.Sprintf("job %d: %s %s", j.ID, j.ModelName, j.State)
	if j.SameAs != 0 {
		text += fmt.Sprintf(", the result of job %d", j.SameAs)
	}
	if j.Error != "" {
		text += ": " + j.Error
	}
	return text
}
