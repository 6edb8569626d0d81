package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"qtune/schedules"
	"qtune/service"
	"qtune/service/api"
	"qtune/service/pages"
	"qtune/service/server"
	"qtune/tuner"
)

// serveFlags are the flags of "tune serve".
type serveFlags struct {
	listen    string
	store     string
	cert, key string
	maxJobs   int
	models    byteSize
	retention time.Duration
	parallel  int
	hub       hubFlags
	machine   string
	log       logFormat
}

const (
	defaultListen  = "127.0.0.1:8765"
	defaultMaxJobs = 8
)

func serveCommand() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve --store DIR [--listen ADDR]",
		Short: "Serve others: tune what they submit, keep one log, answer look-ups",
		Long: `Serve others: tune what they submit on the cores of this machine, keep one log for
all, answer look-ups. Jobs go on after a restart. An address that other machines
reach needs TLS and a token for each user (serve add-token); so does a loopback
address as soon as there is one token. See docs/service.md.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return serve(c, &f) },
	}
	registerStore(c, &f.store)
	c.Flags().StringVar(&f.listen, "listen", defaultListen, "address and port; port 0 takes a free one")
	c.Flags().StringVar(&f.cert, "tls-cert", "", "file with the certificate, PEM; read again when it changes")
	c.Flags().StringVar(&f.key, "tls-key", "", "file with its key, PEM")
	c.Flags().IntVar(&f.maxJobs, "max-jobs", defaultMaxJobs, "jobs that share the machine at a time; others wait")
	f.models = service.DefaultMaxModels
	c.Flags().Var(&f.models, "models-limit", "size of all models' files together; further ones are refused")
	c.Flags().DurationVar(&f.retention, "retention", 0, "delete jobs that ended, and models without jobs, after so long, such as 720h (default: never); the log keeps all")
	f.hub.register(c, "workers", "measure on the workers of a hub, such as tls://hub.example:4222 (default: on this machine)")
	c.Flags().StringVar(&f.machine, "machine", "", `of the workers, those of this machine: the start of its text, such as "amd-26-2" (default: the kind that most workers are)`)
	c.Flags().IntVar(&f.parallel, "parallel", 0, "processes that measure at the same time, each on a core (default: one measures, others check)")
	f.log.register(c)
	c.AddCommand(addTokenCommand(), revokeCommand(), tokensCommand())
	return c
}

func registerStore(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "store", "", "folder of the service: its log, jobs, models and tokens")
}

// check finds what is wrong with the flags alone.
func (f *serveFlags) check() error {
	switch {
	case f.store == "":
		return usageErrorf("--store is missing")
	case f.hub.url == "" && (f.hub.creds != "" || f.machine != ""):
		return usageErrorf("--creds and --machine are for --workers")
	case f.hub.url != "" && f.parallel > 0:
		return usageErrorf("--parallel is for measuring on this machine")
	case (f.cert == "") != (f.key == ""):
		return usageErrorf("--tls-cert and --tls-key need each other")
	case f.maxJobs < 1:
		return usageErrorf("--max-jobs %d: must be 1 or more", f.maxJobs)
	case f.retention < 0:
		return usageErrorf("--retention %s: must not be negative", f.retention)
	}
	return checkNotNegative("--parallel", f.parallel)
}

// compareFunc is service.Config.Compare.
type compareFunc func(context.Context, service.Comparison) (*api.Latency, error)

// An engine measures for a service.
type engine struct {
	tuner.Runner
	machine schedules.Machine
	isas    []schedules.ISA // the best first
	workers pages.Workers   // nil: this machine measures
	compare compareFunc     // nil: whole networks cannot be measured
	threads int             // most threads that it does that with; 0 = 1
	limits  pages.Limits    // nil: they cannot be measured
	close   func() error
}

// serveRunner returns what a service measures with: the cores of this machine, or
// workers.
var serveRunner = func(c *cobra.Command, f *serveFlags, log *slog.Logger) (*engine, error) {
	if f.hub.url != "" {
		return f.workers(c, log)
	}
	isas := schedules.HostISAs()
	if len(isas) == 0 {
		return nil, errors.New("this CPU executes none of the targets that can be tuned")
	}
	r, err := newRunner(f.parallel, nil)
	if err != nil {
		return nil, err
	}
	return &engine{Runner: r, machine: schedules.HostMachine(), isas: isas, compare: compareInChild, threads: runtime.NumCPU(), limits: measureLimits, close: r.Close}, nil
}

// workers measures on the workers of a hub, of one kind.
func (f *serveFlags) workers(c *cobra.Command, log *slog.Logger) (*engine, error) {
	team, err := joinFleet(c, &f.hub, "", f.machine, log)
	if err != nil {
		return nil, err
	}
	return &engine{Runner: team.runner, machine: team.target.Machine, isas: []schedules.ISA{team.target.ISA}, workers: team.workers, close: team.close}, nil
}

// listWorkers lists the workers for the API; nil where there are none.
func (e *engine) listWorkers() func(context.Context) ([]api.Worker, error) {
	if e.workers == nil {
		return nil
	}
	return func(ctx context.Context) ([]api.Worker, error) {
		all, err := e.workers(ctx)
		var list []api.Worker
		for _, w := range all {
			list = append(list, api.Worker{Name: w.Identity.Name, Machine: w.Identity.Machine.String(), State: string(w.State), Seen: w.Seen})
		}
		return list, err
	}
}

func serve(c *cobra.Command, f *serveFlags) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	log := f.log.logger(c, false)
	var config *tls.Config
	if f.cert != "" {
		pair, err := server.LoadCertificate(f.cert, f.key, log)
		if err != nil {
			return fmt.Errorf("--tls-cert, --tls-key: %w", err)
		}
		config = pair.Config()
	}
	l, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	defer l.Close()
	open, err := server.CheckListener(l, config != nil, func() (bool, error) { return hasTokens(c.Context(), f.store) })
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	runner, err := serveRunner(c, f, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, runner.close()) }()
	s, err := service.Open(service.Config{
		Dir: f.store, Runner: runner.Runner, Machine: runner.machine, ISAs: runner.isas, Compare: runner.compare, Threads: runner.threads,
		MaxJobs: f.maxJobs, MaxModels: int64(f.models), Retention: f.retention, Log: log,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	scheme := "http"
	if config != nil {
		scheme = "https"
	}
	fmt.Fprintf(c.OutOrStdout(), "serving %s on %s://%s\n", f.store, scheme, l.Addr())
	return server.New(server.Config{Service: s, Open: open, TLS: config != nil, Pages: pages.New(s, runner.workers, runner.limits, log), Workers: runner.listWorkers(), Log: log}).Serve(c.Context(), l, config)
}

// hasTokens tells whether anybody has a token. It does not make a store.
func hasTokens(ctx context.Context, store string) (has bool, err error) {
	if !service.IsStore(store) {
		return false, nil
	}
	err = withStore(store, func(s *service.Store) error {
		tokens, err := s.Tokens(ctx)
		has = len(tokens) > 0
		return err
	})
	return has, err
}
