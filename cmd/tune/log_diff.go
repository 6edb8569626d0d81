package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"qtune/logs"
	"qtune/measure"
)

// A diffLine is a workload whose best record differs between two logs.
type diffLine struct {
	Change   string   `json:"change"` // added, removed, changed
	Workload string   `json:"workload"`
	Target   string   `json:"target"`
	Machine  string   `json:"machine"`
	Old      *diffEnd `json:"old,omitempty"`
	New      *diffEnd `json:"new,omitempty"`
}

type diffEnd struct {
	Schedule  string  `json:"schedule"`
	Generator string  `json:"generator"`
	CodeHash  string  `json:"code_hash"`
	TimeNS    float64 `json:"time_ns"`
}

func logDiffCommand() *cobra.Command {
	var json bool
	c := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Compare the best schedules of two logs or exports",
		Args: func(_ *cobra.Command, files []string) error {
			if len(files) != 2 {
				return usageErrorf("log diff: which two files?")
			}
			return nil
		},
		RunE: func(c *cobra.Command, files []string) error {
			var both [2]*logs.Log
			for i, file := range files {
				log, done, err := openAny(c, file)
				if err != nil {
					return err
				}
				defer done()
				both[i] = log
			}
			changes, err := logs.Diff(c.Context(), both[0], both[1])
			if err != nil {
				return err
			}
			lines := []diffLine{}
			for _, k := range changes {
				lines = append(lines, diffLineOf(k))
			}
			if json {
				return writeJSON(c.OutOrStdout(), lines)
			}
			return printDiff(c, lines)
		},
	}
	registerJSON(c, &json)
	return c
}

func diffLineOf(k logs.Change) diffLine {
	l := diffLine{
		Change: "changed", Workload: k.Workload.String(), Target: string(k.Target.ISA), Machine: k.Target.Machine.Class(),
		Old: diffEndOf(k.Old), New: diffEndOf(k.New),
	}
	switch {
	case l.Old == nil:
		l.Change = "added"
	case l.New == nil:
		l.Change = "removed"
	}
	return l
}

func diffEndOf(r *logs.Record) *diffEnd {
	if r == nil {
		return nil
	}
	return &diffEnd{r.Schedule.String(), r.Generator, r.CodeHash, r.CenterNS}
}

func (e *diffEnd) print(w io.Writer, sign string) {
	if e != nil {
		fmt.Fprintf(w, "  %s %s  %s, generator %s, code %s\n", sign, e.Schedule, measure.Nanos(e.TimeNS), e.Generator, e.CodeHash)
	}
}

// printDiff prints two lines for each change, as diff does.
func printDiff(c *cobra.Command, lines []diffLine) error {
	w := c.OutOrStdout()
	for _, l := range lines {
		fmt.Fprintf(w, "%s %s on %s %s\n", l.Change, l.Workload, l.Target, l.Machine)
		l.Old.print(w, "-")
		l.New.print(w, "+")
	}
	_, err := fmt.Fprintf(w, "%s\n", plural(len(lines), "difference"))
	return err
}
