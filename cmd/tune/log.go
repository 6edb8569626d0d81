package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"qtune/logs"
)

func logCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "log",
		Short: "Look into the log, copy it to and from text, merge, compare and check",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			return usageErrorf("log: which of show, best, export, import, merge, diff, verify, prune, backup?")
		},
	}
	c.AddCommand(logShowCommand(), logBestCommand(), logExportCommand(), logImportCommand(),
		logMergeCommand(), logDiffCommand(), logVerifyCommand(), logPruneCommand(), logBackupCommand())
	return c
}

func logExportCommand() *cobra.Command {
	var (
		path, out string
		best      bool
	)
	c := &cobra.Command{
		Use:   "export [--best] [-o FILE]",
		Short: "Write the log as text: JSON lines, sorted, comparable line by line",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			log, err := logs.Open(path, logs.Options{ReadOnly: true, Warn: warner(c)})
			if err != nil {
				return err
			}
			defer log.Close()
			write := log.Export
			if best {
				write = log.ExportBest
			}
			if out == "" {
				return write(c.Context(), c.OutOrStdout())
			}
			return writeFile(out, func(w io.Writer) error { return write(c.Context(), w) })
		},
	}
	registerLog(c, &path)
	c.Flags().StringVarP(&out, "output", "o", "", "file to write (default: standard output)")
	c.Flags().BoolVar(&best, "best", false, "only what decides which schedules are chosen: a small file to keep under version control")
	return c
}

// An importReport is what "tune log import" did.
type importReport struct {
	Added   int  `json:"added"`
	Known   int  `json:"known"`
	Skipped int  `json:"skipped"`
	Cut     bool `json:"cut_off,omitempty"` // an export ended before its end
}

func (r *importReport) add(s logs.ImportStats) {
	r.Added += s.Added
	r.Known += s.Known
	r.Skipped += s.Bad
	r.Cut = r.Cut || s.Cut
}

func (r importReport) print(c *cobra.Command, json bool) error {
	if json {
		return writeJSON(c.OutOrStdout(), r)
	}
	_, err := fmt.Fprintf(c.OutOrStdout(), "%d rows added, %d known, %d skipped\n", r.Added, r.Known, r.Skipped)
	return err
}

func logImportCommand() *cobra.Command {
	var (
		path         string
		json, strict bool
	)
	c := &cobra.Command{
		Use:   "import FILE...",
		Short: "Add what exports hold; - is standard input",
		Args:  atLeastOneArg,
		RunE: func(c *cobra.Command, files []string) error {
			log, err := logs.Open(path, logs.Options{Warn: warner(c)})
			if err != nil {
				return err
			}
			defer log.Close()
			total, err := addFiles(c, log, files, importFile)
			if err != nil {
				return err
			}
			if err := total.print(c, json); err != nil {
				return err
			}
			if strict && (total.Skipped > 0 || total.Cut) {
				return statusError{fmt.Errorf("--strict: not everything could be imported"), statusNotStrict}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&strict, "strict", false, "exit with status 3 where lines were skipped or a file is cut off")
	registerLog(c, &path)
	registerJSON(c, &json)
	return c
}

// addFiles adds files to a log, one after the other.
func addFiles(c *cobra.Command, log *logs.Log, files []string, add func(*cobra.Command, *logs.Log, string) (logs.ImportStats, error)) (importReport, error) {
	var total importReport
	for _, file := range files {
		stats, err := add(c, log, file)
		if err != nil {
			return total, err
		}
		total.add(stats)
	}
	return total, nil
}

// importFile imports an export, and prints its notes.
func importFile(c *cobra.Command, log *logs.Log, file string) (logs.ImportStats, error) {
	var in io.Reader = c.InOrStdin()
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return logs.ImportStats{}, err
		}
		defer f.Close()
		in = f
	}
	stats, err := log.Import(c.Context(), in)
	if err != nil {
		return stats, fmt.Errorf("%s: %w", file, err)
	}
	for _, n := range stats.Notes {
		fmt.Fprintf(c.ErrOrStderr(), "%s: %s\n", file, n)
	}
	return stats, nil
}
