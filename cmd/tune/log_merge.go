package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"qtune/logs"
)

func logMergeCommand() *cobra.Command {
	var (
		path string
		json bool
	)
	c := &cobra.Command{
		Use:   "merge FILE...",
		Short: "Add what other logs or exports hold; say how finals that disagree are decided",
		Args:  atLeastOneArg,
		RunE: func(c *cobra.Command, files []string) error {
			log, err := logs.Open(path, logs.Options{Warn: warner(c)})
			if err != nil {
				return err
			}
			defer log.Close()
			total, err := addFiles(c, log, files, mergeFile)
			if err != nil {
				return err
			}
			conflicts, err := log.Conflicts(c.Context())
			if err != nil {
				return err
			}
			for _, k := range conflicts {
				printConflict(c.ErrOrStderr(), k)
			}
			return total.print(c, json)
		},
	}
	registerLog(c, &path)
	registerJSON(c, &json)
	return c
}

// mergeFile adds a log or an export.
func mergeFile(c *cobra.Command, log *logs.Log, file string) (logs.ImportStats, error) {
	database, err := isDatabase(file)
	if err != nil {
		return logs.ImportStats{}, err
	}
	if !database {
		return importFile(c, log, file)
	}
	from, err := logs.Open(file, logs.Options{ReadOnly: true, Warn: warner(c)})
	if err != nil {
		return logs.ImportStats{}, err
	}
	defer from.Close()
	return log.Merge(c.Context(), from)
}

// isDatabase tells a log from its text export.
func isDatabase(file string) (bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, len("SQLite"))
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, fmt.Errorf("%s: %w", file, err)
	}
	return string(head[:n]) == "SQLite", nil
}

// openAny opens a log, or an export as a log that done removes.
func openAny(c *cobra.Command, file string) (log *logs.Log, done func(), err error) {
	database, err := isDatabase(file)
	if err != nil {
		return nil, nil, err
	}
	if database {
		log, err := logs.Open(file, logs.Options{ReadOnly: true, Warn: warner(c)})
		return log, func() { log.Close() }, err
	}
	dir, err := os.MkdirTemp("", "tune-log-")
	if err != nil {
		return nil, nil, err
	}
	log, err = logs.Open(filepath.Join(dir, "tune.db"), logs.Options{Warn: warner(c)})
	if err == nil {
		_, err = importFile(c, log, file)
	}
	done = func() {
		if log != nil {
			log.Close()
		}
		os.RemoveAll(dir)
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	return log, done, nil
}

// printConflict says how finals that disagree were decided.
func printConflict(w io.Writer, k logs.Conflict) {
	fmt.Fprintf(w, "finals disagree: %s on %s\n", k.Workload, k.Target)
	for _, e := range k.Estimates {
		mark := " "
		if e.Schedule == k.Winner.Schedule {
			mark = "*"
		}
		fmt.Fprintf(w, "  %s %s: %.3f of the default's time, +-%s (%s, %s)\n", mark, e.Schedule, e.Ratio, percent(e.Error, 1),
			plural(e.Finals, "final"), plural(e.Trials, "trial"))
	}
}
