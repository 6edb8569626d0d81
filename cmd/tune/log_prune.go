package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"qtune/logs"
)

// defaultKeep is how many trials of a workload have a say in what is chosen.
const defaultKeep = 100

func logPruneCommand() *cobra.Command {
	var (
		path string
		keep int
		json bool
	)
	c := &cobra.Command{
		Use:   "prune [--keep N]",
		Short: "Remove failures and all but the fastest trials; what is chosen stays the same",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if keep < 1 {
				return usageErrorf("--keep %d: must be 1 or more", keep)
			}
			log, err := logs.Open(path, logs.Options{Warn: warner(c)})
			if err != nil {
				return err
			}
			defer log.Close()
			removed, err := log.Prune(c.Context(), keep)
			if err != nil {
				return err
			}
			if json {
				return writeJSON(c.OutOrStdout(), map[string]int64{"removed": removed})
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s removed\n", plural(int(removed), "trial"))
			return err
		},
	}
	registerLog(c, &path)
	registerJSON(c, &json)
	c.Flags().IntVar(&keep, "keep", defaultKeep, "successful trials to keep of each workload, machine, target, generator and protocol")
	return c
}
