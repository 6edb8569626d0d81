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
		Short: "Look into the log, copy it to and from text",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			return usageErrorf("log: which of show, best, export, import?")
		},
	}
	c.AddCommand(logShowCommand(), logBestCommand(), logExportCommand(), logImportCommand())
	return c
}

func logExportCommand() *cobra.Command {
	var path, out string
	c := &cobra.Command{
		Use:   "export [-o FILE]",
		Short: "Write the log as text: JSON lines, sorted, comparable line by line",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			log, err := logs.Open(path, logs.Options{ReadOnly: true, Warn: warner(c)})
			if err != nil {
				return err
			}
			defer log.Close()
			if out == "" {
				return log.Export(c.Context(), c.OutOrStdout())
			}
			f, err := os.Create(out)
			if err != nil {
				return err
			}
			if err := log.Export(c.Context(), f); err != nil {
				f.Close() // the error that matters is err
				return err
			}
			return f.Close()
		},
	}
	registerLog(c, &path)
	c.Flags().StringVarP(&out, "output", "o", "", "file to write (default: standard output)")
	return c
}

// An importReport is what "tune log import" did.
type importReport struct {
	Added   int `json:"added"`
	Known   int `json:"known"`
	Skipped int `json:"skipped"`
}

func logImportCommand() *cobra.Command {
	var (
		path string
		json bool
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
			var total importReport
			for _, file := range files {
				stats, err := importFile(c, log, file)
				if err != nil {
					return fmt.Errorf("%s: %w", file, err)
				}
				for _, n := range stats.Notes {
					fmt.Fprintf(c.ErrOrStderr(), "%s: %s\n", file, n)
				}
				total.Added += stats.Added
				total.Known += stats.Known
				total.Skipped += stats.Bad
			}
			if json {
				return writeJSON(c.OutOrStdout(), total)
			}
			fmt.Fprintf(c.OutOrStdout(), "%d rows added, %d known, %d skipped\n", total.Added, total.Known, total.Skipped)
			return nil
		},
	}
	registerLog(c, &path)
	registerJSON(c, &json)
	return c
}

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
	return log.Import(c.Context(), in)
}
