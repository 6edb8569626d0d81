package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"qtune/service/api"
	"qtune/service/client"
)

func watchCommand() *cobra.Command {
	var (
		remote remoteFlags
		json   bool
	)
	c := &cobra.Command{
		Use:   "watch ID --server URL",
		Short: "Show what a job of a tuning service does, until it has ended",
		Args:  cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseJob(c, args)
			if err != nil {
				return err
			}
			from, err := remote.client()
			if err != nil {
				return err
			}
			return watchJob(c, from, id, json)
		},
	}
	remote.register(c)
	registerJSON(c, &json)
	return c
}

// watchJob shows the events of a job, and its result in the end. A job that failed
// or was cancelled is an error.
func watchJob(c *cobra.Command, from *client.Client, id int64, json bool) error {
	l := newLine(c.ErrOrStderr())
	err := from.Watch(c.Context(), id, func(e api.Event) error { return showEvent(c, l, e) })
	l.clear()
	if err != nil {
		return err
	}
	j, err := from.Job(c.Context(), id)
	if err != nil {
		return err
	}
	if j.State != api.Done {
		return fmt.Errorf("%s", jobLine(j))
	}
	return printJob(c, j, json)
}

// showEvent shows what matters to who waits.
func showEvent(c *cobra.Command, l *line, e api.Event) error {
	say := func(format string, args ...any) {
		l.clear()
		fmt.Fprintf(c.ErrOrStderr(), format+"\n", args...)
	}
	switch e.Type {
	case api.StateEvent:
		var j api.Job
		if err := json.Unmarshal(e.Data, &j); err != nil {
			return err
		}
		say("%s", jobLine(j))
	case api.ProgressEvent:
		var p api.Progress
		if err := json.Unmarshal(e.Data, &p); err != nil {
			return err
		}
		l.show(progressLine(p))
	case api.FinalEvent:
		var f api.Finalist
		if err := json.Unmarshal(e.Data, &f); err != nil {
			return err
		}
		say("final %d/%d: task %d: %s, default %s", f.Done, f.Of, f.Task, nanos(f.TunedNS), nanos(f.DefaultNS))
	case api.EndEvent:
		var end api.End
		if err := json.Unmarshal(e.Data, &end); err != nil {
			return err
		}
		if end.Reason == api.ServiceStopped {
			say("the service stops; waiting for it")
		}
	}
	return nil
}

func progressLine(p api.Progress) string {
	text := fmt.Sprintf("%d/%d trials, %.0f/s, %d failed", p.Done, p.Budget, p.PerSecond, p.Failed)
	if p.NetworkNS > 0 {
		text += fmt.Sprintf(", sum of layers %s (default %s)", nanos(p.NetworkNS), nanos(p.DefaultNS))
	}
	if p.LeftS > 0 {
		text += fmt.Sprintf(", %v left", time.Duration(p.LeftS*float64(time.Second)).Round(time.Second))
	}
	return text
}
