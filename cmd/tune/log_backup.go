package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"qtune/logs"
)

func logBackupCommand() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the log to a new file, whole, also while others write to it",
		Args:  oneArg("file"),
		RunE: func(c *cobra.Command, args []string) error {
			log, err := logs.Open(path, logs.Options{ReadOnly: true, Warn: warner(c)})
			if err != nil {
				return err
			}
			defer log.Close()
			if err := log.Backup(c.Context(), args[0]); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.ErrOrStderr(), "copied %s to %s\n", path, args[0])
			return err
		},
	}
	registerLog(c, &path)
	return c
}
