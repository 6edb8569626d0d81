package main

import (
	"fmt"
	"runtime"
	"strconv"

	"github.com/spf13/cobra"

	"qtune/kernels"
	"qtune/kernels/peak"
	"qtune/schedules"
)

// benchFlags are the flags of "tune bench".
type benchFlags struct {
	models  []string
	outputs []string
	compile compileFlags
	repeat  int
	peak    bool
	// symmetric times another network than was given: see pass.SaturateWeights.
	symmetric bool
	roofline  bool
	svg       string
	workload  string
	schedule  string
	json      bool
}

func benchCommand() *cobra.Command {
	var f benchFlags
	c := &cobra.Command{
		Use:   "bench [--peak] [--model M.tflite]... [--roofline [--svg FILE]] [--workload TEXT [--schedule TEXT]]",
		Short: "Time networks layer by layer, single workloads, and the machine's peak",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return bench(c, &f) },
	}
	f.compile.register(c)
	c.Flags().StringArrayVar(&f.models, "model", nil, modelUsage+"; may be repeated")
	registerOutputs(c, &f.outputs)
	c.Flags().IntVar(&f.repeat, "repeat", 20, "number of inferences, with 1 thread and with --threads")
	c.Flags().BoolVar(&f.peak, "peak", false, "measure the peak of every target of this CPU")
	c.Flags().BoolVar(&f.roofline, "roofline", false, "compare each layer of the models with what this machine could do, measured, and say what limits it")
	c.Flags().StringVar(&f.svg, "svg", "", "draw the --roofline of one thread into this file")
	c.Flags().BoolVar(&f.symmetric, "symmetric", false, "time what computes something else: each --model as if its weights were symmetric, saturated to int8 about their zero point")
	c.Flags().StringVar(&f.workload, "workload", "", "time one workload, given as text")
	c.Flags().StringVar(&f.schedule, "schedule", "", "schedule of --workload (default: what the log knows)")
	registerJSON(c, &f.json)
	c.Flags().Lookup("threads").Usage = "threads to compare with one"
	c.Flags().Lookup("threads").DefValue = strconv.Itoa(runtime.NumCPU())
	f.compile.threads = runtime.NumCPU()
	return c
}

// A benchReport is what "tune bench" prints. Times are nanoseconds.
type benchReport struct {
	Peaks    []peakReport    `json:"peaks,omitempty"`
	Models   []modelBench    `json:"models,omitempty"`
	Workload *workloadBench  `json:"workload,omitempty"`
	Roofline *rooflineReport `json:"roofline,omitempty"`
}

type peakReport struct {
	Target string  `json:"target"`
	GMACs  float64 `json:"gmac_per_s"`
}

// check refuses combinations of flags that make no sense.
func (f *benchFlags) check() error {
	switch {
	case f.repeat < 1:
		return usageErrorf("--repeat must be 1 or more")
	case f.svg != "" && !f.roofline:
		return usageErrorf("--svg needs --roofline")
	case f.roofline && len(f.models) == 0:
		return usageErrorf("--roofline needs --model")
	case f.roofline && f.symmetric:
		return usageErrorf("--roofline times the network itself, --symmetric another")
	case f.roofline && (f.peak || f.workload != ""):
		return usageErrorf("--roofline goes with --model alone: it measures the peaks by itself, and layers rather than a --workload")
	case !f.peak && len(f.models) == 0 && f.workload == "":
		return usageErrorf("nothing to do: give --model, --workload or --peak")
	case f.schedule != "" && f.workload == "":
		return usageErrorf("--schedule needs --workload")
	case f.symmetric && len(f.models) == 0:
		return usageErrorf("--symmetric needs --model")
	case len(f.outputs) > 0 && len(f.models) != 1:
		return usageErrorf("--outputs needs one --model")
	}
	return nil
}

// bench does what the flags ask for; errors of the command line come first.
func bench(c *cobra.Command, f *benchFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	isa, mode, err := f.compile.target.resolve()
	if err != nil {
		return err
	}
	if f.roofline {
		return benchRoofline(c, f, isa, mode)
	}
	var rep benchReport
	if f.peak {
		if rep.Peaks, err = measurePeaks(); err != nil {
			return err
		}
	}
	yardstick := 0.0 // MACs a second
	if isa != schedules.Ref && mode == kernels.Native {
		if yardstick, err = peak.Measure(isa); err != nil {
			return err
		}
	}
	if f.workload != "" {
		if rep.Workload, err = benchWorkload(c, f, isa, mode, yardstick); err != nil {
			return err
		}
	}
	for _, path := range f.models {
		m, err := benchModel(c, f, path, isa, mode, yardstick)
		if err != nil {
			return err
		}
		rep.Models = append(rep.Models, *m)
	}
	if f.json {
		return writeJSON(c.OutOrStdout(), rep)
	}
	return printBench(c, rep)
}

func measurePeaks() ([]peakReport, error) {
	var peaks []peakReport
	for _, isa := range schedules.HostISAs() {
		v, err := peak.Measure(isa)
		if err != nil {
			return nil, err
		}
		peaks = append(peaks, peakReport{string(isa), v / 1e9})
	}
	return peaks, nil
}

func printBench(c *cobra.Command, rep benchReport) error {
	w := c.OutOrStdout()
	for _, p := range rep.Peaks {
		fmt.Fprintf(w, "peak of %s: %.1f GMAC/s\n", p.Target, p.GMACs)
	}
	if b := rep.Workload; b != nil {
		b.print(w)
	}
	for i := range rep.Models {
		if err := rep.Models[i].print(w); err != nil {
			return err
		}
	}
	return nil
}
