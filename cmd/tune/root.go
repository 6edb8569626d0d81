package main

import (
	"context"
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"
)

// run executes the command line args and returns the exit status.
func run(ctx context.Context, args []string, in io.Reader, out, messages io.Writer) int {
	root := tuneCommand()
	root.AddCommand(inferCommand(), benchCommand(), tasksCommand(), spaceCommand(), dumpCommand(), logCommand(), evalCommand(), zooCommand(), simulateCommand(), trainCommand(),
		reportCommand(), serveCommand(), submitCommand(), jobsCommand(), watchCommand(), pullCommand(), workersCommand(), workerCommand(), hubCommand(), childCommand(), compareCommand())
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(messages)
	// Errors are reported here, in one line, and wrong usage has its own status.
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageErrorf("%w", err) })
	root.CompletionOptions.HiddenDefaultCmd = true
	err := root.ExecuteContext(ctx)
	report(messages, err)
	return status(err)
}

// noArgs refuses arguments, among them misspelt commands.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageErrorf("unknown command or argument %q", args[0])
	}
	return nil
}

func atLeastOneArg(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageErrorf("%s: which file?", c.Name())
	}
	return nil
}

// Flags that several commands share.

func registerJSON(c *cobra.Command, to *bool) {
	c.Flags().BoolVar(to, "json", false, "print JSON")
}

func registerLog(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "log", defaultLog, "the log, an SQLite file")
}

func registerThreads(c *cobra.Command, to *int) {
	c.Flags().IntVar(to, "threads", 1, "threads that compute a network")
}

// checkThreads refuses more threads than cores: they meet at spinning barriers,
// which is slow where they cannot all run.
func checkThreads(n int) error {
	if cores := runtime.NumCPU(); n < 1 || n > cores {
		return usageErrorf("--threads %d: must be between 1 and the %d cores of this machine", n, cores)
	}
	return nil
}

// checkNotNegative checks a flag that counts something.
func checkNotNegative(flag string, n int) error {
	if n < 0 {
		return usageErrorf("%s %d: must not be negative", flag, n)
	}
	return nil
}

// plural prints a count of things.
func plural(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}
