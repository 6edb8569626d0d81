package main

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"qtune/service/api"
	"qtune/service/client"
)

// maxJobsShown is how many of the latest jobs a list has.
const maxJobsShown = 100

// jobsFlags are the flags of "tune jobs".
type jobsFlags struct {
	remote                remoteFlags
	pause, resume, cancel int64
	json                  bool
}

func jobsCommand() *cobra.Command {
	var f jobsFlags
	c := &cobra.Command{
		Use:   "jobs [ID] --server URL",
		Short: "List the jobs of a tuning service, show one, pause, resume or cancel one",
		Args:  cobra.ArbitraryArgs,
		RunE:  func(c *cobra.Command, args []string) error { return jobs(c, &f, args) },
	}
	f.remote.register(c)
	c.Flags().Int64Var(&f.pause, "pause", 0, "stop a job until it is resumed")
	c.Flags().Int64Var(&f.resume, "resume", 0, "have a job go on that was paused or failed")
	c.Flags().Int64Var(&f.cancel, "cancel", 0, "end a job; what was measured stays")
	registerJSON(c, &f.json)
	c.MarkFlagsMutuallyExclusive("pause", "resume", "cancel")
	return c
}

func jobs(c *cobra.Command, f *jobsFlags, args []string) error {
	from, err := f.remote.client()
	if err != nil {
		return err
	}
	for verb, id := range map[string]int64{"pause": f.pause, "resume": f.resume, "cancel": f.cancel} {
		if !c.Flags().Changed(verb) {
			continue
		}
		if id <= 0 {
			return usageErrorf("--%s %d is not the number of a job", verb, id)
		}
		if len(args) > 0 {
			return usageErrorf("jobs: --%s names its job, %q is one more", verb, args[0])
		}
		j, err := from.Change(c.Context(), id, verb)
		if err != nil {
			return err
		}
		return f.printJob(c, j)
	}
	if len(args) > 0 {
		id, err := parseJob(c, args)
		if err != nil {
			return err
		}
		j, err := from.Job(c.Context(), id)
		if err != nil {
			return err
		}
		return f.printJob(c, j)
	}
	return f.listJobs(c, from)
}

// parseJob reads the one argument that is the number of a job.
func parseJob(c *cobra.Command, args []string) (int64, error) {
	if len(args) != 1 {
		return 0, usageErrorf("%s: which job? One number", c.Name())
	}
	id, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil || id <= 0 {
		return 0, usageErrorf("%s: %q is not the number of a job", c.Name(), args[0])
	}
	return id, nil
}

func (f *jobsFlags) listJobs(c *cobra.Command, from *client.Client) error {
	list, err := from.Jobs(c.Context(), maxJobsShown)
	if err != nil {
		return err
	}
	if f.json {
		return writeJSON(c.OutOrStdout(), list)
	}
	t := newTable(">job", "state", ">trials", ">network", ">default", "target", "owner", "created", "model")
	for _, j := range list {
		trials, network, standard := "", "-", "-"
		if p := j.Progress; p != nil {
			trials, network, standard = strconv.Itoa(p.Done), nanos(p.NetworkNS), nanos(p.DefaultNS)
		}
		t.add(strconv.FormatInt(j.ID, 10), string(j.State), trials+"/"+strconv.Itoa(j.Spec.Trials), network, standard,
			j.Spec.Target, j.Owner, j.Created.Format(time.DateTime), j.ModelName)
	}
	return t.write(c.OutOrStdout())
}

func (f *jobsFlags) printJob(c *cobra.Command, j api.Job) error {
	return printJob(c, j, f.json)
}

// printJob prints a job with its result.
func printJob(c *cobra.Command, j api.Job, json bool) error {
	w := c.OutOrStdout()
	if json {
		return writeJSON(w, j)
	}
	fmt.Fprintln(w, jobLine(j))
	switch {
	case j.Result != nil:
		return printResult(w, j.Result)
	case j.Progress != nil:
		return printJobProgress(w, j.Progress)
	}
	return nil
}

// printJobProgress prints how far a job is, of one that runs a line for each task.
func printJobProgress(w io.Writer, p *api.Progress) error {
	fmt.Fprintln(w, progressLine(*p))
	if len(p.Tasks) == 0 {
		return nil
	}
	t := newTable(">task", ">count", ">trials", ">default", ">best", ">gain", "state", "workload")
	for i, k := range p.Tasks {
		gain, state := 0.0, "searching"
		if k.BestNS > 0 {
			gain = k.DefaultNS / k.BestNS
		}
		if k.Ended {
			state = "ended"
		}
		t.add(strconv.Itoa(i), strconv.Itoa(k.Count), strconv.Itoa(k.Trials), nanos(k.DefaultNS), nanos(k.BestNS), factor(gain), state, k.Workload)
	}
	return t.write(w)
}
