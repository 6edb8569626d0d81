package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"qtune/internal/cores"
	"qtune/kernels"
	"qtune/measure/remote"
	"qtune/measure/remote/worker"
	"qtune/schedules"
)

// workerFlags are the flags of "tune worker".
type workerFlags struct {
	hub      string
	creds    string
	name     string
	cores    string
	maxBusy  int
	maxBatch int
	labels   []string
	metrics  string
	verbose  bool
	log      logFormat
}

func workerCommand() *cobra.Command {
	var f workerFlags
	c := &cobra.Command{
		Use:   "worker --hub URL",
		Short: "Measure on this machine for tuners elsewhere",
		Long: `Measure on this machine for tuners elsewhere. The worker connects to a hub, takes
schedules as text, generates, checks and times the code itself, and sends what came
out. It measures only while its cores are otherwise idle (--max-busy), and no other
worker of this machine uses them.

It runs until it gets SIGTERM or SIGINT, finishes what it has, and exits with
status 0; a second signal ends it at once.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return work(c, &f) },
	}
	fl := c.Flags()
	fl.StringVar(&f.hub, "hub", "", "the hub: nats://HOST:PORT on this machine, elsewhere tls://HOST:PORT")
	fl.StringVar(&f.creds, "creds", "", "credentials file, needed where the hub is on another machine")
	fl.StringVar(&f.name, "name", "", "name of this worker (default: that of the credentials, or this machine's)")
	fl.StringVar(&f.cores, "cores", "", `cores to measure on, one batch on each at a time, such as "0,2-3" (default: the last)`)
	fl.IntVar(&f.maxBusy, "max-busy", 20, "wait while others use more of a core than so much, in percent; 100: measure whatever they do (Linux)")
	fl.IntVar(&f.maxBatch, "max-batch", 0, "refuse batches of more schedules (default: no limit but the protocol's)")
	fl.StringSliceVar(&f.labels, "labels", nil, "what to say of this worker to those who list workers, such as rack=7,owner=ci")
	fl.StringVar(&f.metrics, "metrics", "", "address for Prometheus to scrape, such as localhost:9464; /healthz too")
	fl.BoolVar(&f.verbose, "verbose", false, "log every batch")
	f.log.register(c)
	return c
}

// config makes a worker's configuration of the flags, all but its runner.
func (f *workerFlags) config() (worker.Config, error) {
	var cfg worker.Config
	if f.hub == "" {
		return cfg, usageErrorf("worker: --hub is missing")
	}
	if err := checkNotNegative("--max-batch", f.maxBatch); err != nil {
		return cfg, err
	}
	if f.maxBusy < 0 || f.maxBusy > 100 {
		return cfg, usageErrorf("--max-busy %d: must be between 0 and 100", f.maxBusy)
	}
	creds, err := f.readCreds()
	if err != nil {
		return cfg, err
	}
	if err := remote.CheckURL(f.hub, creds); err != nil {
		return cfg, usageErrorf("--hub: %w", err)
	}
	name, err := f.workerName(creds)
	if err != nil {
		return cfg, err
	}
	labels, err := parseLabels(f.labels)
	if err != nil {
		return cfg, usageErrorf("--labels: %w", err)
	}
	list, err := f.pickCores()
	if err != nil {
		return cfg, err
	}
	var idleness worker.Idleness
	if f.maxBusy < 100 {
		idleness = worker.NewIdleness(list, float64(f.maxBusy)/100)
	}
	return worker.Config{
		Hub:      remote.Options{URL: f.hub, Credentials: creds},
		Identity: remote.Identity{Name: name, Version: programVersion(), Generator: kernels.Generator, Machine: schedules.HostMachine()},
		ISAs:     schedules.HostISAs(),
		Cores:    list, Labels: labels, Idleness: idleness, MaxBatch: f.maxBatch,
	}, nil
}

// readCreds returns the credentials; nil where none are given.
func (f *workerFlags) readCreds() (*remote.Credentials, error) {
	if f.creds == "" {
		return nil, nil
	}
	creds, err := remote.ReadCredentials(f.creds)
	if err != nil {
		return nil, err
	}
	if creds.Role != "" && creds.Role != remote.WorkerRole {
		return nil, fmt.Errorf("%s: the credentials of a %s, not of a worker", f.creds, creds.Role)
	}
	return creds, nil
}

// workerName is the name that the credentials give, as hubs allow no other, or the
// one asked for, or the machine's.
func (f *workerFlags) workerName(creds *remote.Credentials) (string, error) {
	given := creds != nil && creds.Name != ""
	switch {
	case given && f.name != "" && f.name != creds.Name:
		return "", usageErrorf("--name %s: %s is for %s, and its hub allows no other name", f.name, f.creds, creds.Name)
	case given:
		return creds.Name, nil
	case f.name != "":
		if err := remote.CheckName(f.name); err != nil {
			return "", usageErrorf("--name: %w", err)
		}
		return f.name, nil
	}
	host, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("this machine has no name (--name gives one): %w", err)
	}
	name := hostWorkerName(host)
	if remote.CheckName(name) != nil {
		return "", fmt.Errorf("no name can be made of this machine's, %q: --name gives one", host)
	}
	return name, nil
}

// hostWorkerName makes a valid name of a host's: its first part, in lower case.
func hostWorkerName(host string) string {
	const longest = 32
	host, _, _ = strings.Cut(strings.ToLower(host), ".")
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, host)
	name = strings.TrimLeft(name, "-")
	return name[:min(len(name), longest)]
}

// pickCores returns the cores to measure on. Low numbers serve interrupts: by
// default it is the last alone.
func (f *workerFlags) pickCores() ([]int, error) {
	allowed, err := cores.Allowed()
	if err != nil {
		return nil, err
	}
	if f.cores == "" {
		return allowed[len(allowed)-1:], nil
	}
	var list []int
	for word := range strings.SplitSeq(f.cores, ",") {
		lo, hi, ok := schedules.ParseRange(strings.TrimSpace(word))
		if !ok {
			return nil, usageErrorf("--cores %q: %q is no number or range of cores", f.cores, word)
		}
		for core := lo; core <= hi; core++ {
			switch {
			case !slices.Contains(allowed, core):
				return nil, usageErrorf("--cores %q: this process may not use core %d (it may use: %s)", f.cores, core, join(allowed))
			case slices.Contains(list, core):
				return nil, usageErrorf("--cores %q: core %d is there twice", f.cores, core)
			}
			list = append(list, core)
		}
	}
	return list, nil
}

func join(numbers []int) string { return strings.Trim(fmt.Sprint(numbers), "[]") }

// parseLabels reads words such as rack=7.
func parseLabels(words []string) (map[string]string, error) {
	labels := map[string]string{}
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		if _, twice := labels[key]; !ok || twice {
			return nil, fmt.Errorf("%q: want KEY=VALUE, each key once", word)
		}
		labels[key] = value
	}
	return labels, remote.CheckLabels(labels)
}

// programVersion is the version of this program as the go command noted it.
func programVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}

func work(c *cobra.Command, f *workerFlags) error {
	cfg, err := f.config()
	if err != nil {
		return err
	}
	runner, err := newRunner(len(cfg.Cores), cfg.Cores)
	if err != nil {
		return err
	}
	defer runner.Close()
	cfg.Runner = runner
	cfg.Log = f.log.logger(c, f.verbose)
	w, err := worker.New(cfg)
	if err != nil {
		return err
	}
	stop, err := serveMetrics(f.metrics, w.Handler(), cfg.Log)
	if err != nil {
		return fmt.Errorf("--metrics %s: %w", f.metrics, err)
	}
	defer stop()
	cfg.Log.Info("worker", "name", cfg.Identity.Name, "machine", cfg.Identity.Machine.String(), "isas", cfg.ISAs, "cores", cfg.Cores, "generator", cfg.Identity.Generator)
	return w.Run(c.Context())
}

// serveMetrics answers at an address until stop is called; nowhere if it is empty.
// Without a host it is for this machine alone.
func serveMetrics(address string, h http.Handler, log *slog.Logger) (stop func(), err error) {
	if address == "" {
		return func() {}, nil
	}
	if strings.HasPrefix(address, ":") {
		address = "localhost" + address
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics", "error", err)
		}
	}()
	log.Info("metrics", "address", l.Addr())
	return func() { server.Close() }, nil
}
