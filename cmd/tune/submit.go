package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"qtune/service/api"
	"qtune/service/client"
)

// submitFlags are the flags of "tune submit".
type submitFlags struct {
	remote remoteFlags
	model  string
	spec   api.Spec
	time   time.Duration
	watch  bool
	json   bool
}

func submitCommand() *cobra.Command {
	f := submitFlags{spec: api.DefaultSpec()}
	c := &cobra.Command{
		Use:   "submit --model M.tflite --server URL [--trials N] [--watch]",
		Short: "Have a tuning service tune a network",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return submit(c, &f) },
	}
	f.remote.register(c)
	c.Flags().StringVar(&f.model, "model", "", modelUsage)
	c.Flags().IntVar(&f.spec.Trials, "trials", f.spec.Trials, "trials for the whole network")
	c.Flags().DurationVar(&f.time, "time", 0, "end the search after so long, such as 10m (default: no limit)")
	c.Flags().StringVar(&f.spec.Target, "target", "", "instruction set (default: the best of the service's machine)")
	c.Flags().IntVar(&f.spec.Threads, "threads", f.spec.Threads, "threads that compute the network before and after; layers are measured with one")
	c.Flags().Uint64Var(&f.spec.Seed, "seed", f.spec.Seed, "seed of the search")
	c.Flags().StringVar(&f.spec.Strategy, "tuner", "", "how to search (default: as tune does)")
	c.Flags().StringVar(&f.spec.Tasks, "tasks", "", `tasks to tune: numbers, ranges and operators, such as "0,4-6,dense" (default: all)`)
	c.Flags().IntVar(&f.spec.Priority, "priority", f.spec.Priority, "share of the measuring against other jobs: twice the number, twice the share")
	c.Flags().BoolVar(&f.watch, "watch", false, "stay and show what happens, until the job has ended")
	registerJSON(c, &f.json)
	return c
}

func submit(c *cobra.Command, f *submitFlags) error {
	switch {
	case f.model == "":
		return usageErrorf("--model is missing")
	case f.time < 0:
		return usageErrorf("--time %s: must not be negative", f.time)
	}
	to, err := f.remote.client()
	if err != nil {
		return err
	}
	file, name, err := modelBytes(f.model)
	if err != nil {
		return err
	}
	f.spec.TimeS = f.time.Seconds()
	f.spec.Model = hashOf(file)
	if err := f.spec.Validate(); err != nil {
		return usageErrorf("%w", err)
	}
	// A model that the service has already is not sent again.
	if _, err := to.Model(c.Context(), f.spec.Model); client.IsNotFound(err) {
		_, err = to.Upload(c.Context(), name, file)
		if err != nil {
			return fmt.Errorf("%s: %w", f.model, err)
		}
	} else if err != nil {
		return err
	}
	j, err := to.Submit(c.Context(), f.spec)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.ErrOrStderr(), "its page: %s/jobs/%d\n", strings.TrimSuffix(f.remote.server, "/"), j.ID)
	if f.watch {
		fmt.Fprintln(c.ErrOrStderr(), jobLine(j))
		return watchJob(c, to, j.ID, f.json)
	}
	if f.json {
		return writeJSON(c.OutOrStdout(), j)
	}
	_, err = fmt.Fprintln(c.OutOrStdout(), jobLine(j))
	return err
}
