package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"qtune/measure/remote"
)

// workersFlags are the flags of the workers command.
type workersFlags struct {
	hub   hubFlags
	watch bool
	json  bool
}

func workersCommand() *cobra.Command {
	var f workersFlags
	c := &cobra.Command{
		Use:   "workers --hub URL [--creds FILE]",
		Short: "List the workers of a hub: what they are, what they do, when they were last seen",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return listWorkers(c, &f) },
	}
	f.hub.register(c, "hub", "URL of the hub, such as tls://hub.example:4222")
	c.Flags().BoolVar(&f.watch, "watch", false, "list again every two seconds, until interrupted")
	registerJSON(c, &f.json)
	c.AddCommand(admitCommand())
	return c
}

func admitCommand() *cobra.Command {
	var f hubFlags
	c := &cobra.Command{
		Use:   "admit NAME --hub URL [--creds FILE]",
		Short: "Let a worker that was put aside take work again",
		Args:  cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageErrorf("admit: want the name of one worker")
			}
			return withWorkers(c, &f, func(ctx context.Context, _ *nats.Conn, kv jetstream.KeyValue) error {
				was, err := remote.LetIn(ctx, kv, args[0])
				if err == nil && !was {
					err = fmt.Errorf("worker %s is not put aside", args[0])
				}
				return err
			})
		},
	}
	f.register(c, "hub", "URL of the hub")
	return c
}

// withWorkers connects to a hub and opens its bucket of workers.
func withWorkers(c *cobra.Command, f *hubFlags, do func(context.Context, *nats.Conn, jetstream.KeyValue) error) error {
	nc, err := f.dial("tune workers", slog.New(lineHandler{func(line string) { fmt.Fprintln(c.ErrOrStderr(), line) }}))
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	kv, err := remote.OpenWorkers(c.Context(), js)
	if err != nil {
		return remote.Explain(f.url, err)
	}
	return do(c.Context(), nc, kv)
}

const watchWorkers = 2 * time.Second

func listWorkers(c *cobra.Command, f *workersFlags) error {
	return withWorkers(c, &f.hub, func(ctx context.Context, nc *nats.Conn, kv jetstream.KeyValue) error {
		for {
			all, err := allWorkers(ctx, nc, kv)
			if err != nil {
				return err
			}
			if err := printWorkers(c.OutOrStdout(), f.json, all, time.Now()); err != nil || !f.watch {
				return err
			}
			select {
			case <-time.After(watchWorkers):
				fmt.Fprintln(c.OutOrStdout())
			case <-ctx.Done():
				return nil
			}
		}
	})
}

// allWorkers returns who is here, and what is last known of the others: they are
// gone, whatever they said.
func allWorkers(ctx context.Context, nc *nats.Conn, kv jetstream.KeyValue) ([]remote.Status, error) {
	all, err := remote.Census(ctx, nc)
	if err != nil {
		return nil, err
	}
	known, err := remote.LastSeen(ctx, kv)
	if err != nil {
		return nil, err
	}
	here := map[string]bool{}
	for _, s := range all {
		here[s.Identity.Name] = true
	}
	for _, s := range known {
		if !here[s.Identity.Name] {
			s.State, s.PerSecond = remote.Gone, 0
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b remote.Status) int { return cmp.Compare(a.Identity.Name, b.Identity.Name) })
	return all, nil
}

// A workerLine is a worker in the JSON output. Times are nanoseconds.
type workerLine struct {
	Name          string            `json:"name"`
	State         string            `json:"state"`
	Why           string            `json:"why,omitempty"`
	Targets       []string          `json:"targets"`
	Machine       string            `json:"machine"`
	Version       string            `json:"version"`
	Generator     string            `json:"generator"`
	Cores         []int             `json:"cores"`
	Labels        map[string]string `json:"labels,omitempty"`
	Trials        int               `json:"trials"`
	PerSecond     float64           `json:"trials_per_second"`
	Failures      int               `json:"failures"`
	Lost          int               `json:"batches_lost"`
	Load          float64           `json:"load"`
	CalibrationNS float64           `json:"calibration_ns"`
	Drift         float64           `json:"calibration_drift"` // now against the start; 0 = not known
	Seen          time.Time         `json:"last_seen"`
}

func workerLineOf(s remote.Status) workerLine {
	l := workerLine{
		Name: s.Identity.Name, State: string(s.State), Why: s.Why, Machine: s.Identity.Machine.String(), Version: s.Identity.Version,
		Generator: s.Identity.Generator, Cores: s.Cores, Labels: s.Labels, Trials: s.Trials, PerSecond: s.PerSecond,
		Failures: s.Failures, Lost: s.Lost, Load: s.Load, CalibrationNS: float64(s.Calibration), Seen: s.Seen,
	}
	for _, isa := range s.ISAs {
		l.Targets = append(l.Targets, string(isa))
	}
	if s.First > 0 {
		l.Drift = float64(s.Calibration / s.First)
	}
	return l
}

func printWorkers(w io.Writer, asJSON bool, all []remote.Status, now time.Time) error {
	lines := make([]workerLine, len(all))
	for i, s := range all {
		lines[i] = workerLineOf(s)
	}
	if asJSON {
		return writeJSON(w, lines)
	}
	t := newTable("worker", "state", "targets", "machine", "cores", ">trials", ">/s", ">failed", ">lost", ">clock", ">load", "version", "seen", "labels")
	for _, l := range lines {
		state := l.State
		if l.Why != "" {
			state += ": " + l.Why
		}
		m, _, _ := strings.Cut(l.Machine, " ")
		t.add(l.Name, state, strings.Join(l.Targets, ","), m, list(l.Cores), fmt.Sprint(l.Trials), fmt.Sprintf("%.1f", l.PerSecond),
			fmt.Sprint(l.Failures), fmt.Sprint(l.Lost), factor(l.Drift), load(l.Load), l.Version+" g"+l.Generator, ago(now.Sub(l.Seen)), labels(l.Labels))
	}
	if len(lines) == 0 {
		_, err := fmt.Fprintln(w, "no worker was ever here")
		return err
	}
	return t.write(w)
}

func list(cores []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(cores), " ", ","), "[]")
}

func load(v float64) string {
	if v < 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", v)
}

// ago prints how long ago something was.
func ago(d time.Duration) string {
	if d < 5*time.Second {
		return "now"
	}
	return d.Round(time.Second).String() + " ago"
}

func labels(m map[string]string) string {
	var words []string
	for k, v := range m {
		words = append(words, k+"="+v)
	}
	slices.Sort(words)
	return strings.Join(words, ",")
}
