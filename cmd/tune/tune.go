package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"qtune/kernels/module"
	"qtune/logs"
	"qtune/measure/remote"
	"qtune/qnn"
	"qtune/schedules"
	"qtune/service"
	"qtune/tuner"
	"qtune/tuner/model"
	"qtune/tuner/strategy"
)

// tuneFlags are the flags of the root command, which tunes.
type tuneFlags struct {
	model     modelFlag
	workloads []string
	target    targetFlags
	log       string
	trials    int
	time      time.Duration
	threads   int
	seed      uint64
	tuner     string
	prior     string
	tasks     string
	parallel  int
	ahead     int
	plain     bool
	json      bool
	hub       hubFlags
	machine   string
	batch     int
}

const defaultTrials = 1000

func tuneCommand() *cobra.Command {
	var f tuneFlags
	c := &cobra.Command{
		Use:   "tune (--model M.tflite | --workload TEXT) [--trials N]",
		Short: "Find the fastest exact kernels for a quantised network on this CPU",
		Long: `Find the fastest exact kernels for a quantised network on this CPU. Every trial
is kept in the log; the same command continues where the last one ended. The
commands run and bench use what the log knows.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 --strict not met.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return tune(c, &f) },
	}
	f.model.register(c)
	c.Flags().StringArrayVar(&f.workloads, "workload", nil, "a workload's text, in place of a model; may be repeated")
	f.target.register(c)
	registerLog(c, &f.log)
	registerThreads(c, &f.threads)
	registerJSON(c, &f.json)
	c.Flags().IntVar(&f.trials, "trials", defaultTrials, "trials for the whole network, those in the log included")
	c.Flags().DurationVar(&f.time, "time", 0, "end the search after so long, such as 10m (default: no limit)")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "seed of the search")
	c.Flags().StringVar(&f.tuner, "tuner", strategy.Default, "how to search: "+strings.Join(strategy.Names(), ", "))
	c.Flags().StringVar(&f.prior, "prior", "", "begin with what another log, or a model that train saved, knows")
	c.Flags().StringVar(&f.tasks, "tasks", "", `tasks to tune: numbers, ranges and operators, such as "0,4-6,dense" (default: all)`)
	f.hub.register(c, "workers", "measure on the workers of a hub, such as tls://hub.example:4222 (default: on this machine)")
	c.Flags().StringVar(&f.machine, "machine", "", `of the workers, those of this machine: its text as tune workers --json has it, or the start of that, such as "amd-26-2" (default: the kind of machine that most workers are)`)
	c.Flags().IntVar(&f.parallel, "parallel", 0, "processes that measure at the same time, each on a core (default: one measures, others check)")
	c.Flags().IntVar(&f.batch, "batch", 0, "schedules that are measured in turn; part of the search like --seed. A hub is full with a hundred workers or so, and with more the longer batches are (default 8, at most 64)")
	c.Flags().IntVar(&f.ahead, "ahead", 0, "batches planned before the first is back; part of the search like --seed. More workers than this cannot be kept busy (default: 2 to 4, by the number of tasks)")
	c.Flags().BoolVar(&f.plain, "plain", false, "tell of progress in plain lines, also on a terminal")
	return c
}

// check finds what is wrong with the flags alone.
func (f *tuneFlags) check() error {
	if err := errors.Join(
		checkNotNegative("--trials", f.trials), checkNotNegative("--parallel", f.parallel), checkNotNegative("--batch", f.batch), checkNotNegative("--ahead", f.ahead), checkThreads(f.threads),
	); err != nil {
		return err
	}
	switch {
	case f.batch > remote.MaxJobs:
		return usageErrorf("--batch %d: at most %d are allowed", f.batch, remote.MaxJobs)
	case f.time < 0:
		return usageErrorf("--time %s: must not be negative", f.time)
	case f.model.path != "" && len(f.workloads) > 0:
		return usageErrorf("--workload and --model exclude each other")
	case f.tasks != "" && len(f.workloads) > 0:
		return usageErrorf("--tasks selects from a --model")
	case f.hub.url == "" && (f.hub.creds != "" || f.machine != ""):
		return usageErrorf("--creds and --machine are for --workers")
	case f.hub.url != "" && f.parallel > 0:
		return usageErrorf("--parallel is for measuring on this machine; how many cores a worker uses is its own --cores")
	case !slices.Contains(strategy.Names(), f.tuner):
		return usageErrorf("--tuner %q is unknown (known: %s)", f.tuner, strings.Join(strategy.Names(), ", "))
	}
	return nil
}

func tune(c *cobra.Command, f *tuneFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	prior, err := loadPrior(c, f.prior)
	if err != nil {
		return err
	}
	display := newProgress(c.ErrOrStderr(), f.plain)
	b, err := f.site(c, display)
	if err != nil {
		return err
	}
	g, tasks, err := f.pickTasks(c, b.target.ISA)
	if err == nil {
		err = f.tuneOn(c, b, display, g, tasks, prior)
	}
	return errors.Join(err, b.close())
}

// tuneOn tunes with what b measures with.
func (f *tuneFlags) tuneOn(c *cobra.Command, b *site, display *progress, g *qnn.Graph, tasks []schedules.Task, prior *model.Prior) error {
	log, err := logs.Open(f.log, logs.Options{Warn: warner(c)})
	if err != nil {
		return err
	}
	session, err := log.BeginSession(c.Context(), strings.Join(os.Args, " "), f.seed)
	if err != nil {
		return errors.Join(err, log.Close())
	}
	rep, err := f.search(c, store{log, session.ID}, tasks, b, display, prior)
	switch {
	case err == nil && !rep.Interrupted && b.local:
		err = finishTuning(c, f, log, g, b.target.ISA, session.ID, rep)
	case rep != nil:
		err = errors.Join(printTuning(c, service.ResultOf(rep), f.json), err)
	}
	if err := errors.Join(err, log.EndSession(context.WithoutCancel(c.Context()), session.ID), log.Close()); err != nil {
		return err
	}
	if rep.Interrupted {
		return fmt.Errorf("interrupted after %s; the same command continues", plural(rep.Counts.New, "trial"))
	}
	return nil
}

// pickTasks returns what to tune, with the network that it is from; nil for
// single workloads. It says what is left alone.
func (f *tuneFlags) pickTasks(c *cobra.Command, isa schedules.ISA) (*qnn.Graph, []schedules.Task, error) {
	if len(f.workloads) > 0 {
		tasks, err := parseTasks(f.workloads)
		return nil, tasks, err
	}
	g, err := f.model.load()
	if err != nil {
		return nil, nil, err
	}
	_, tasks, skipped, err := module.Tasks(g, isa)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", f.model.path, err)
	}
	for _, s := range skipped {
		fmt.Fprintf(c.ErrOrStderr(), "not tuned: %s\n", s)
	}
	if len(tasks) == 0 {
		return nil, nil, fmt.Errorf("%s: nothing to tune: no convolution, depthwise or dense operator", f.model.path)
	}
	numbers, err := schedules.SelectTasks(tasks, f.tasks)
	if err != nil {
		return nil, nil, usageErrorf("--tasks %w", err)
	}
	var picked []schedules.Task
	for _, i := range numbers {
		picked = append(picked, tasks[i])
	}
	return g, picked, nil
}

// parseTasks makes tasks of workloads' texts.
func parseTasks(texts []string) ([]schedules.Task, error) {
	var tasks []schedules.Task
	for _, text := range texts {
		w, err := schedules.ParseWorkload(text)
		if err != nil {
			return nil, usageErrorf("--workload: %w", err)
		}
		tasks = append(tasks, schedules.Task{Workload: w, Count: 1, MACs: w.MACs()})
	}
	return tasks, nil
}

// search spends the budget. The report may be there beside an error.
func (f *tuneFlags) search(c *cobra.Command, log store, tasks []schedules.Task, b *site, display *progress, prior *model.Prior) (*tuner.Report, error) {
	rep, err := tuner.Tune(c.Context(), tuner.Config{
		Tasks:    tasks,
		Target:   b.target,
		Runner:   b.runner,
		Store:    log,
		Trials:   f.trials,
		Time:     f.time,
		Batch:    f.batch,
		Strategy: f.tuner,
		Seed:     f.seed,
		Prior:    prior,
		Ahead:    f.ahead,
		Listen:   display.listen,
	})
	display.end()
	return rep, err
}

// A store is a log that notes in every row which session wrote it.
type store struct {
	*logs.Log
	session int64
}

func (s store) Append(ctx context.Context, trials []logs.Trial) error {
	for i := range trials {
		trials[i].Session = s.session
	}
	return s.Log.Append(ctx, trials)
}

func (s store) RecordFinal(ctx context.Context, f logs.Final) error {
	f.Session = s.session
	return s.Log.RecordFinal(ctx, f)
}
