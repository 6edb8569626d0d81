package main

import (
	"os"

	"github.com/spf13/cobra"

	"qtune/measure/local"
)

// childName is the hidden subcommand that measuring processes run.
const childName = "measure-child"

func childCommand() *cobra.Command {
	return &cobra.Command{
		Use:    childName,
		Short:  "Measure candidates for a parent process",
		Hidden: true,
		Args:   noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return local.Child(c.InOrStdin(), c.OutOrStdout())
		},
	}
}

// newRunner makes a runner whose children are this very program; cores may be nil.
func newRunner(parallel int, cores []int) (*local.Runner, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return local.New(local.Config{Argv: []string{self, childName}, Parallel: parallel, Cores: cores})
}
