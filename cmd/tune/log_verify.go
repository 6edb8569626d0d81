package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"qtune/kernels"
	"qtune/logs"
	"qtune/measure"
	"qtune/measure/local"
	"qtune/schedules"
)

// verifyFlags are the flags of "tune log verify".
type verifyFlags struct {
	log       string
	time      bool
	tolerance float64
	strict    bool
	json      bool
}

// A verifyReport is what "tune log verify" found.
type verifyReport struct {
	Damage []string     `json:"damage,omitempty"`
	Best   []verifyLine `json:"best"`
	Stale  int          `json:"stale"`
	Wrong  int          `json:"wrong"`  // outputs, or code that fails
	Slower int          `json:"slower"` // than recorded, by more than the tolerance
}

// A verifyLine is the best record of a workload, instruction set and machine.
type verifyLine struct {
	Workload string  `json:"workload"`
	Target   string  `json:"target"`
	Schedule string  `json:"schedule"`
	State    string  `json:"state"` // exact, stale, unusable, wrong, slower, faster
	Why      string  `json:"why,omitempty"`
	TimeNS   float64 `json:"time_ns"`
	NowNS    float64 `json:"time_now_ns,omitempty"`
}

func logVerifyCommand() *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:   "verify [--time [--tolerance 0.15]]",
		Short: "Check that the log is whole and that its best records still hold",
		Long: `Read every row and check its checksum; then generate the code of the best record
of each workload, target and kind of machine again, compare it with the code that
was measured, run it (interpreted where this CPU does not execute it) and compare
its output with the reference. With --time, also measure again what was measured
on this kind of machine.

Exit status 1: rows are damaged, an output is wrong, or a time is off. Stale
records alone, whose code is generated differently now, give 0, with --strict 3.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return verifyLog(c, &f) },
	}
	registerLog(c, &f.log)
	registerJSON(c, &f.json)
	c.Flags().BoolVar(&f.time, "time", false, "measure again")
	c.Flags().Float64Var(&f.tolerance, "tolerance", 0.15, "relative difference of times that --time accepts")
	c.Flags().BoolVar(&f.strict, "strict", false, "exit with status 3 where a record is stale")
	return c
}

func verifyLog(c *cobra.Command, f *verifyFlags) error {
	log, err := logs.Open(f.log, logs.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer log.Close()
	damage, err := log.Verify(c.Context())
	if err != nil {
		return err
	}
	rep := verifyReport{Best: []verifyLine{}}
	for _, d := range damage {
		rep.Damage = append(rep.Damage, d.Error())
	}
	audits, err := log.Audit(c.Context())
	if err != nil {
		return err
	}
	runner, err := newRunner(1, nil)
	if err != nil {
		return err
	}
	defer runner.Close()
	for _, a := range audits {
		line, err := f.verify(c, runner, a)
		if err != nil {
			return err
		}
		rep.add(line)
	}
	if f.json {
		err = writeJSON(c.OutOrStdout(), rep)
	} else {
		err = rep.print(c)
	}
	if err != nil {
		return err
	}
	return f.verdict(rep)
}

// verify runs the code of one record.
func (f *verifyFlags) verify(c *cobra.Command, runner *local.Runner, a logs.Audit) (verifyLine, error) {
	line := verifyLine{
		Workload: a.Workload.String(), Target: a.Target.String(), Schedule: a.Schedule.String(),
		State: "exact", Why: a.Why, TimeNS: a.CenterNS,
	}
	if a.Stale {
		line.State = "stale"
	}
	if !a.Usable {
		line.State = "unusable"
		return line, nil
	}
	protocol, err := measure.ParseProtocol(a.Protocol)
	if err != nil {
		protocol = measure.DefaultProtocol()
	}
	native := slices.Contains(schedules.HostISAs(), a.Target.ISA)
	timed := f.time && err == nil && native && a.Target.Machine.Class() == schedules.HostMachine().Class()
	job := measure.Job{ID: 1, Workload: a.Workload, Schedule: a.Schedule, ISA: a.Target.ISA, Mode: kernels.Emulated, Protocol: protocol, Seed: 1}
	if native {
		job.Mode = kernels.Native
	}
	if native && !timed {
		job.Protocol.Samples = 1
	}
	results, err := runner.Measure(c.Context(), []measure.Job{job})
	if err != nil {
		return line, err
	}
	r := results[0]
	switch {
	case r.Status != measure.OK:
		line.State, line.Why = "wrong", fmt.Sprintf("%s: %s", r.Status, r.Message)
	case timed:
		line.compare(float64(r.Summary.Center), f.tolerance)
	}
	return line, nil
}

// compare judges a time that was measured now.
func (l *verifyLine) compare(now, tolerance float64) {
	l.NowNS = now
	state := ""
	switch ratio := now / l.TimeNS; {
	case ratio > 1+tolerance:
		state = "slower"
	case ratio < 1-tolerance:
		state = "faster"
	default:
		return
	}
	if l.State == "exact" {
		l.State, l.Why = state, fmt.Sprintf("%s now, %s recorded", measure.Nanos(now), measure.Nanos(l.TimeNS))
	}
}

func (r *verifyReport) add(l verifyLine) {
	r.Best = append(r.Best, l)
	switch l.State {
	case "stale", "unusable":
		r.Stale++
	case "wrong":
		r.Wrong++
	case "slower":
		r.Slower++
	}
}

func (r *verifyReport) print(c *cobra.Command) error {
	w := c.OutOrStdout()
	for _, d := range r.Damage {
		fmt.Fprintf(w, "damaged: %s\n", d)
	}
	t := newTable("state", "target", ">time", "workload", "schedule", "why")
	exact := 0
	for _, l := range r.Best {
		if l.State == "exact" {
			exact++
		}
		t.add(l.State, l.Target, fmt.Sprint(measure.Nanos(l.TimeNS)), l.Workload, l.Schedule, l.Why)
	}
	if err := t.write(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "%s: %d exact, %d stale, %d wrong, %d slower; %d damaged\n",
		plural(len(r.Best), "best record"), exact, r.Stale, r.Wrong, r.Slower, len(r.Damage))
	return nil
}

// verdict turns what was found into the exit status.
func (f *verifyFlags) verdict(r verifyReport) error {
	switch {
	case len(r.Damage) > 0:
		return fmt.Errorf("%s: %s damaged or with impossible times", f.log, plural(len(r.Damage), "place"))
	case r.Wrong > 0:
		return fmt.Errorf("%s: %s with wrong results", f.log, plural(r.Wrong, "record"))
	case r.Slower > 0:
		return fmt.Errorf("%s: %s slower than recorded by more than %s", f.log, plural(r.Slower, "record"), percent(f.tolerance, 1))
	case f.strict && r.Stale > 0:
		return statusError{fmt.Errorf("--strict: %s: %s stale; tuning again measures them", f.log, plural(r.Stale, "record")), statusNotStrict}
	}
	return nil
}
