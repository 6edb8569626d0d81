package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"qtune/logs"
	"qtune/measure"
	"qtune/schedules"
	"qtune/tuner/replay"
)

func simulateRecordCommand() *cobra.Command {
	var (
		pick   pickFlags
		target targetFlags
		path   string
	)
	c := &cobra.Command{
		Use:   "record (--workload TEXT | --model M.tflite [--tasks SEL]) --log FULL.db",
		Short: "Measure every schedule of workloads, for simulate",
		Long: `Measure every schedule of workloads several times and store them in a log of
their own, one row each. "tune log export" makes of it what simulate reads. A
space of some thousand schedules takes half a minute.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			isa, _, err := target.resolve()
			if err != nil {
				return err
			}
			workloads, err := pick.workloads(isa)
			if err != nil {
				return err
			}
			log, err := logs.Open(path, logs.Options{Warn: warner(c)})
			if err != nil {
				return err
			}
			defer log.Close()
			return record(c, log, workloads, isa)
		},
	}
	pick.register(c)
	target.register(c)
	registerLog(c, &path)
	return c
}

func record(c *cobra.Command, log *logs.Log, workloads []schedules.Workload, isa schedules.ISA) error {
	runner, err := newRunner(0, nil)
	if err != nil {
		return err
	}
	defer runner.Close()
	r := replay.Recorder{Runner: runner, Target: schedules.Target{ISA: isa, Machine: schedules.HostMachine()}, Protocol: measure.DefaultProtocol()}
	for _, w := range workloads {
		space, err := schedules.SpaceFor(w, isa)
		if err != nil {
			return err
		}
		trials, err := r.Record(c.Context(), space)
		if err != nil {
			return fmt.Errorf("%s: %w", w, err)
		}
		if err := log.Append(c.Context(), trials); err != nil {
			return err
		}
		fmt.Fprintf(c.ErrOrStderr(), "%s of %s\n", plural(len(trials), "schedule"), w)
	}
	return nil
}
