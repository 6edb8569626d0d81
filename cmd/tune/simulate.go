package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"qtune/tuner/model"
	"qtune/tuner/replay"
	"qtune/tuner/strategy"
)

// simulateFlags are the flags of "tune simulate".
type simulateFlags struct {
	logs       []string
	strategies []string
	seeds      int
	trials     int
	batch      int
	alone      bool
	blind      bool
	transfer   bool
	prior      string
	csv, svg   string
	json       bool
}

func simulateCommand() *cobra.Command {
	var f simulateFlags
	c := &cobra.Command{
		Use:   "simulate --log FULL.jsonl[.gz]",
		Short: "Compare search strategies on spaces that were measured completely",
		Long: `Compare search strategies on spaces that were measured completely ("tune
simulate record"): many searches with other seeds, without measuring anything.
Printed is the efficiency of what each would choose, how fast that is as a share
of the fastest schedule of the space.

The workloads are searched in turns with one model, like the tasks of a network.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return simulate(c, &f) },
	}
	fl := c.Flags()
	fl.StringArrayVar(&f.logs, "log", nil, "an export of a complete log, or a folder of such; may be repeated")
	fl.StringSliceVar(&f.strategies, "tuner", []string{"model", "anneal", "evolve", "descent", "random"},
		"strategies to compare, of: "+strings.Join(strategy.Names(), ", "))
	fl.IntVar(&f.seeds, "seeds", 20, "searches of each strategy and workload")
	fl.IntVar(&f.trials, "trials", 128, "trials of each workload")
	fl.IntVar(&f.batch, "batch", 8, "trials that are asked for at a time")
	fl.BoolVar(&f.alone, "alone", false, "give each workload a model of its own")
	fl.BoolVar(&f.blind, "blind", false, "begin with random schedules in place of the defaults")
	fl.BoolVar(&f.transfer, "transfer", false, "give each workload a model of its own that was trained on all others")
	fl.StringVar(&f.prior, "prior", "", "begin with what another log or a saved model knows")
	fl.StringVar(&f.csv, "csv", "", "file for all curves as comma-separated values")
	fl.StringVar(&f.svg, "svg", "", "file for a picture of the curves")
	registerJSON(c, &f.json)
	c.AddCommand(simulateRecordCommand())
	return c
}

func (f *simulateFlags) check() error {
	switch {
	case len(f.logs) == 0:
		return usageErrorf("simulate: --log is missing")
	case f.seeds < 1 || f.trials < 1 || f.batch < 1:
		return usageErrorf("simulate: --seeds, --trials and --batch must be at least 1")
	case f.transfer && f.prior != "":
		return usageErrorf("--transfer and --prior exclude each other")
	}
	for _, name := range f.strategies {
		if !slices.Contains(strategy.Names(), name) {
			return usageErrorf("--tuner %q is unknown (known: %s)", name, strings.Join(strategy.Names(), ", "))
		}
	}
	for _, file := range []string{f.csv, f.svg} { // not after minutes of searching
		if _, err := os.Stat(filepath.Dir(file)); err != nil {
			return err
		}
	}
	return nil
}

func simulate(c *cobra.Command, f *simulateFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	recordings, err := readRecordings(f.logs)
	if err != nil {
		return err
	}
	prior, err := loadPrior(c, f.prior)
	if err != nil {
		return err
	}
	study := replay.Study{Recordings: recordings, Strategies: f.strategies, Seeds: f.seeds, Trials: f.trials, Batch: f.batch,
		Alone: f.alone, Blind: f.blind, Prior: prior, Transfer: f.transfer}
	curves, err := study.Run(c.Context())
	if err != nil {
		return err
	}
	rep := newSimulateReport(f, curves)
	if f.csv != "" {
		err = writeWhole(f.csv, rep.csv())
	}
	if f.svg != "" && err == nil {
		var picture []byte
		if picture, err = rep.svg(); err == nil {
			err = writeWhole(f.svg, picture)
		}
	}
	if err != nil {
		return err
	}
	if f.json {
		return writeJSON(c.OutOrStdout(), rep)
	}
	return rep.print(c.OutOrStdout())
}

// readRecordings reads exports; of a folder those that it holds.
func readRecordings(paths []string) ([]*replay.Recording, error) {
	var list []*replay.Recording
	for _, path := range paths {
		files := []string{path}
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			files = nil
			for _, pattern := range []string{"*.jsonl", "*.jsonl.gz"} {
				found, err := filepath.Glob(filepath.Join(path, pattern))
				if err != nil {
					return nil, err
				}
				files = append(files, found...)
			}
			slices.Sort(files)
		}
		for _, file := range files {
			more, err := replay.ReadFile(file)
			if err != nil {
				return nil, err
			}
			list = append(list, more...)
		}
	}
	if len(list) == 0 {
		return nil, errors.New("no recordings")
	}
	return list, nil
}

// loadPrior reads a saved model, or trains one on a log or an export. No path is
// no prior.
func loadPrior(c *cobra.Command, path string) (*model.Prior, error) {
	if path == "" {
		return nil, nil
	}
	p, err := readPrior(c, path)
	if err != nil {
		return nil, fmt.Errorf("--prior %s: %w", path, err)
	}
	return p, nil
}
