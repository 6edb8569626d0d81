package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"

	"qtune/kernels"
	"qtune/measure/remote"
	"qtune/measure/remote/fleet"
	"qtune/schedules"
)

// hubFlags say which hub to talk to.
type hubFlags struct {
	url   string
	creds string
	flag  string // that the URL comes from
}

// register adds the flags, the hub's URL under the given name.
func (f *hubFlags) register(c *cobra.Command, name, usage string) {
	f.flag = "--" + name
	c.Flags().StringVar(&f.url, name, "", usage)
	c.Flags().StringVar(&f.creds, "creds", "", "credentials file for the hub (see tune hub add-tuner, add-worker)")
}

// options reads the credentials and checks the URL.
func (f *hubFlags) options(name string, log *slog.Logger) (remote.Options, error) {
	o := remote.Options{URL: f.url, Name: name, Log: log}
	if f.url == "" {
		return o, usageErrorf("%s is missing", f.flag)
	}
	if f.creds != "" {
		c, err := remote.ReadCredentials(f.creds)
		if err != nil {
			return o, fmt.Errorf("--creds: %w", err)
		}
		if c.Role == remote.WorkerRole {
			return o, fmt.Errorf("--creds: %s: credentials of worker %s: those of a tuner are needed (tune hub add-tuner)", f.creds, c.Name)
		}
		o.Credentials = c
	}
	if err := remote.CheckURL(o.URL, o.Credentials); err != nil {
		return o, usageErrorf("%w", err)
	}
	return o, nil
}

// dial connects.
func (f *hubFlags) dial(name string, log *slog.Logger) (*nats.Conn, error) {
	o, err := f.options(name, log)
	if err != nil {
		return nil, err
	}
	return remote.Dial(o)
}

// workersInterval is how often workers are looked for while there are none.
const workersInterval = 2 * time.Second

// findWorkers waits until there are workers that can measure what is asked for, and
// says which are left out, and why.
func findWorkers(c *cobra.Command, nc *nats.Conn, isa schedules.ISA, machine string) (schedules.Target, error) {
	said := ""
	for {
		all, err := remote.Census(c.Context(), nc)
		if err != nil {
			return schedules.Target{}, err
		}
		if err := nc.LastError(); errors.Is(err, nats.ErrPermissionViolation) {
			return schedules.Target{}, remote.Explain(nc.ConnectedUrlRedacted(), err)
		}
		target, rest, err := fleet.Choose(all, isa, machine)
		if err == nil {
			kind := remote.Kind{Generator: kernels.Generator, ISA: target.ISA, Class: target.Machine.Class()}
			fmt.Fprintf(c.ErrOrStderr(), "measuring for %s on %s\n", target, plural(fleet.Serving(all, kind), "worker"))
			for _, why := range rest {
				fmt.Fprintf(c.ErrOrStderr(), "left out: %s\n", why)
			}
			return target, nil
		}
		if text := err.Error(); text != said {
			fmt.Fprintf(c.ErrOrStderr(), "waiting: %s\n", text)
			said = text
		}
		select {
		case <-time.After(workersInterval):
		case <-c.Context().Done():
			return schedules.Target{}, errors.New("interrupted while waiting for workers")
		}
	}
}

// lineHandler makes lines for people of a structured log.
type lineHandler struct {
	say func(string)
}

func (h lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

func (h lineHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	sep := ": "
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&b, "%s%s %s", sep, a.Key, a.Value)
		sep = ", "
		return true
	})
	h.say(b.String())
	return nil
}

// WithAttrs and WithGroup are not used by whom it is given to.
func (h lineHandler) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h lineHandler) WithGroup(string) slog.Handler { return h }
