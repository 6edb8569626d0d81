package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"qtune/logs"
	"qtune/schedules"
)

func registerMachine(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "machine", "", `choose schedules for another machine: its text in the log, or the start of that, such as "amd-26-2" (default: this one)`)
}

// machineOf returns the machine that a text names: one of log, which may be nil,
// by its text or the start of it, or any by its whole text; this one without.
func machineOf(ctx context.Context, log *logs.Log, text string) (schedules.Machine, error) {
	if text == "" {
		return schedules.HostMachine(), nil
	}
	if m, err := schedules.ParseMachine(text); err == nil {
		return m, nil
	}
	var known []schedules.Machine
	if log != nil {
		var err error
		if known, err = log.Machines(ctx); err != nil {
			return schedules.Machine{}, err
		}
	}
	var found []schedules.Machine
	var classes []string
	for _, m := range known {
		if strings.HasPrefix(m.String()+" ", text+" ") {
			found = append(found, m)
		}
		classes = append(classes, m.String())
	}
	switch {
	case len(found) == 0:
		return schedules.Machine{}, usageErrorf("--machine %q: the log has no such machine (it has: %s)", text, strings.Join(classes, "; "))
	case !oneClass(found):
		return schedules.Machine{}, usageErrorf("--machine %q fits several kinds of machine: %s", text, strings.Join(classes, "; "))
	}
	return found[0], nil
}

// oneClass tells whether measurements of all machines count for each other.
func oneClass(machines []schedules.Machine) bool {
	for _, m := range machines {
		if m.Class() != machines[0].Class() {
			return false
		}
	}
	return true
}
