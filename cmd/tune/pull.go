package main

import (
	"io"

	"github.com/spf13/cobra"

	"qtune/schedules"
)

// pullFlags are the flags of "tune pull".
type pullFlags struct {
	remote   remoteFlags
	target   targetFlags
	model    string
	workload string
	machine  string
	best     bool
	out      string
}

func pullCommand() *cobra.Command {
	var f pullFlags
	c := &cobra.Command{
		Use:   "pull (--model M.tflite --best | --workload TEXT [--best]) --server URL [-o FILE]",
		Short: "Fetch what a tuning service has measured, as an export that log import reads",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return pull(c, &f) },
	}
	f.remote.register(c)
	f.target.register(c)
	c.Flags().StringVar(&f.model, "model", "", modelUsage)
	c.Flags().StringVar(&f.workload, "workload", "", "a workload's text, in place of a model")
	c.Flags().StringVar(&f.machine, "machine", "", `only of a machine: its text in the log, or the words that it starts with, such as "amd-26-2" (default: of all)`)
	c.Flags().BoolVar(&f.best, "best", false, "only what decides which schedules are chosen")
	c.Flags().StringVarP(&f.out, "output", "o", "", "file to write (default: standard output)")
	return c
}

// want checks the flags and says what they ask for.
func (f *pullFlags) want() (w wanted, err error) {
	if w.isa, err = f.target.parse(); err != nil {
		return w, err
	}
	switch {
	case f.model != "" && f.workload != "":
		return w, usageErrorf("--workload and --model exclude each other")
	case f.model == "" && f.workload == "":
		return w, usageErrorf("--model or --workload is missing")
	case f.model != "" && !f.best:
		return w, usageErrorf("--best is missing: of a --model only that can be pulled")
	case f.model != "":
		w.model = f.model
		return w, nil
	}
	if w.workload, err = schedules.ParseWorkload(f.workload); err != nil {
		return w, usageErrorf("--workload: %w", err)
	}
	return w, nil
}

func pull(c *cobra.Command, f *pullFlags) error {
	w, err := f.want()
	if err != nil {
		return err
	}
	from, err := f.remote.client()
	if err != nil {
		return err
	}
	hash, err := w.key()
	if err != nil {
		return err
	}
	write := func(to io.Writer) error {
		if !f.best {
			return from.LogOf(c.Context(), w.workload.String(), string(w.isa), f.machine, to)
		}
		return pullBest(c, from, w, hash, f.machine, to)
	}
	if f.out == "" {
		return write(c.OutOrStdout())
	}
	return writeFile(f.out, write)
}
