package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"qtune/kernels"
	"qtune/measure"
	"qtune/schedules"
)

// A workloadBench is one workload's time, taken as the tuner takes it.
type workloadBench struct {
	Workload  string    `json:"workload"`
	Schedule  string    `json:"schedule"`
	Source    string    `json:"source"` // "given" with --schedule
	Target    string    `json:"target"`
	Protocol  string    `json:"protocol"`
	CodeHash  string    `json:"code_hash"`
	CenterNS  float64   `json:"center_ns"`
	LoNS      float64   `json:"lo_ns"`
	HiNS      float64   `json:"hi_ns"`
	SamplesNS []float64 `json:"samples_ns"`
	GMACs     float64   `json:"gmac_per_s"`
	OfPeak    float64   `json:"of_peak"`
}

// benchSamples is how many samples a single workload gets.
const benchSamples = 51

func benchWorkload(c *cobra.Command, f *benchFlags, isa schedules.ISA, mode kernels.Mode, yardstick float64) (*workloadBench, error) {
	if isa == schedules.Ref || mode != kernels.Native {
		return nil, fmt.Errorf("--workload: only generated code on a CPU that executes it can be timed")
	}
	w, err := schedules.ParseWorkload(f.workload)
	if err != nil {
		return nil, usageErrorf("--workload: %w", err)
	}
	s, source, err := f.scheduleOf(c, w, isa)
	if err != nil {
		return nil, err
	}
	protocol := measure.DefaultProtocol()
	protocol.Samples = benchSamples
	runner, err := newRunner(1, nil)
	if err != nil {
		return nil, err
	}
	defer runner.Close()
	job := measure.Job{ID: 1, Workload: w, Schedule: s, ISA: isa, Mode: mode, Protocol: protocol, Seed: 1}
	results, err := runner.Measure(c.Context(), []measure.Job{job})
	if err != nil {
		return nil, err
	}
	r := results[0]
	if r.Status != measure.OK {
		return nil, fmt.Errorf("%s | %s: %s: %s", w, s, r.Status, r.Message)
	}
	speed := float64(w.MACs()) / float64(r.Summary.Center) * 1e9
	return &workloadBench{
		Workload: w.String(), Schedule: s.String(), Source: source, Target: string(isa), Protocol: protocol.String(),
		CodeHash: r.CodeHash, CenterNS: float64(r.Summary.Center), LoNS: float64(r.Summary.Lo), HiNS: float64(r.Summary.Hi),
		SamplesNS: r.SamplesNS, GMACs: speed / 1e9, OfPeak: speed / yardstick,
	}, nil
}

// scheduleOf returns the schedule of --schedule, or what the log knows.
func (f *benchFlags) scheduleOf(c *cobra.Command, w schedules.Workload, isa schedules.ISA) (schedules.Schedule, string, error) {
	if f.schedule == "" {
		choice, err := f.compile.choose(c, w, isa)
		return choice.Schedule, choice.Source.String(), err
	}
	space, err := schedules.SpaceFor(w, isa)
	if err != nil {
		return schedules.Schedule{}, "", err
	}
	s, err := parseScheduleFlag(f.schedule, space)
	return s, "given", err
}

func (b *workloadBench) print(w io.Writer) {
	fmt.Fprintf(w, "%s\n%s (%s) on %s: %s (%s to %s), %.1f GMAC/s, %s of the peak\n",
		b.Workload, b.Schedule, b.Source, b.Target, measure.Nanos(b.CenterNS), measure.Nanos(b.LoNS), measure.Nanos(b.HiNS),
		b.GMACs, percent(b.OfPeak, 1))
}
