package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"qtune/kernels"
	"qtune/kernels/module"
	"qtune/kernels/peak"
	"qtune/qnn"
	"qtune/schedules"
)

// benchFlags are the flags of "tune bench".
type benchFlags struct {
	models   []string
	compile  compileFlags
	repeat   int
	peak     bool
	workload string
	schedule string
	json     bool
}

func benchCommand() *cobra.Command {
	var f benchFlags
	c := &cobra.Command{
		Use:   "bench [--peak] [--model M.tflite]... [--workload TEXT [--schedule TEXT]]",
		Short: "Time networks layer by layer, single workloads, and the machine's peak",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return bench(c, &f) },
	}
	f.compile.register(c)
	c.Flags().StringArrayVar(&f.models, "model", nil, modelUsage+"; may be repeated")
	c.Flags().IntVar(&f.repeat, "repeat", 20, "number of inferences")
	c.Flags().BoolVar(&f.peak, "peak", false, "measure the peak of every target of this CPU")
	c.Flags().StringVar(&f.workload, "workload", "", "time one workload, given as text")
	c.Flags().StringVar(&f.schedule, "schedule", "", "schedule of --workload (default: what the log knows)")
	registerJSON(c, &f.json)
	return c
}

// A benchReport is what "tune bench" prints. Times are nanoseconds.
type benchReport struct {
	Peaks    []peakReport   `json:"peaks,omitempty"`
	Models   []modelBench   `json:"models,omitempty"`
	Workload *workloadBench `json:"workload,omitempty"`
}

type peakReport struct {
	Target string  `json:"target"`
	GMACs  float64 `json:"gmac_per_s"`
}

// bench does what the flags ask for; errors of the command line come first.
func bench(c *cobra.Command, f *benchFlags) error {
	switch {
	case f.repeat < 1:
		return usageErrorf("--repeat must be 1 or more")
	case !f.peak && len(f.models) == 0 && f.workload == "":
		return usageErrorf("nothing to do: give --model, --workload or --peak")
	case f.schedule != "" && f.workload == "":
		return usageErrorf("--schedule needs --workload")
	}
	isa, mode, err := f.compile.target.resolve()
	if err != nil {
		return err
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
		m, err := benchModel(c, f, path, isa, yardstick)
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

// A modelBench is one network's times: medians over the inferences.
type modelBench struct {
	Model     string         `json:"model"`
	Target    string         `json:"target"`
	PeakGMACs float64        `json:"peak_gmac_per_s,omitempty"` // measured; 0 where nothing runs natively
	Latency   latencyReport  `json:"latency"`
	MACs      int64          `json:"macs"`
	Sources   map[string]int `json:"schedules_from"`
	Layers    []layerBench   `json:"layers"`
}

type layerBench struct {
	Node     int     `json:"node"`
	Op       string  `json:"op"`
	Output   string  `json:"output"`
	TimeNS   int64   `json:"time_ns"`
	Share    float64 `json:"share_of_time"`
	MACs     int64   `json:"macs,omitempty"`
	GMACs    float64 `json:"gmac_per_s,omitempty"`
	OfPeak   float64 `json:"of_peak,omitempty"`
	Workload string  `json:"workload,omitempty"`
	Schedule string  `json:"schedule,omitempty"`
	Source   string  `json:"source,omitempty"`
	CodeHash string  `json:"code_hash,omitempty"`
}

func benchModel(c *cobra.Command, f *benchFlags, path string, isa schedules.ISA, yardstick float64) (*modelBench, error) {
	g, err := loadModel(path)
	if err != nil {
		return nil, err
	}
	m, err := f.compile.compile(c, g, path)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	inputs := randomInputs(g)
	_, latency, err := repeatRun(c, m, inputs, f.repeat)
	if err != nil {
		return nil, err
	}
	times, err := layerTimes(c, m, inputs, f.repeat)
	if err != nil {
		return nil, err
	}
	b := &modelBench{Model: path, Target: string(isa), PeakGMACs: yardstick / 1e9, Latency: latency, Sources: countSources(m.Layers())}
	for i, l := range m.Layers() {
		b.MACs += l.MACs
		b.Layers = append(b.Layers, benchLayer(l, times[i], yardstick))
	}
	total := int64(0)
	for _, t := range times {
		total += t.Nanoseconds()
	}
	for i := range b.Layers {
		b.Layers[i].Share = float64(b.Layers[i].TimeNS) / float64(total)
	}
	return b, nil
}

func benchLayer(l module.LayerInfo, d time.Duration, yardstick float64) layerBench {
	b := layerBench{Node: l.Node, Op: l.Op, Output: l.Output, TimeNS: d.Nanoseconds(), MACs: l.MACs}
	if l.MACs > 0 {
		speed := float64(l.MACs) / d.Seconds()
		b.GMACs = speed / 1e9
		if yardstick > 0 {
			b.OfPeak = speed / yardstick
		}
		b.Workload = l.Workload.String()
	}
	if l.Source != module.NoSource {
		b.Schedule, b.Source, b.CodeHash = l.Schedule.String(), l.Source.String(), l.CodeHash
	}
	return b
}

// layerTimes returns the median time of each layer over n inferences.
func layerTimes(c *cobra.Command, m *module.Module, inputs [][]byte, n int) ([]time.Duration, error) {
	layers := len(m.Layers())
	all := make([][]time.Duration, layers)
	once := make([]time.Duration, layers)
	for range n {
		if err := c.Context().Err(); err != nil {
			return nil, err
		}
		if _, err := m.RunTimed(inputs, once); err != nil {
			return nil, err
		}
		for i, t := range once {
			all[i] = append(all[i], t)
		}
	}
	medians := make([]time.Duration, layers)
	for i, times := range all {
		slices.Sort(times)
		medians[i] = max(times[len(times)/2], 1)
	}
	return medians, nil
}

// randomInputs makes inputs of g; the time of an inference does not depend on
// them.
func randomInputs(g *qnn.Graph) [][]byte {
	rng := rand.New(rand.NewPCG(1, 1))
	var inputs [][]byte
	for _, id := range g.Inputs {
		b := make([]byte, g.Tensors[id].Bytes())
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		inputs = append(inputs, b)
	}
	return inputs
}

func printBench(c *cobra.Command, rep benchReport) error {
	w := c.OutOrStdout()
	for _, p := range rep.Peaks {
		fmt.Fprintf(w, "peak of %s: %.1f GMAC/s\n", p.Target, p.GMACs)
	}
	if b := rep.Workload; b != nil {
		b.print(w)
	}
	for _, m := range rep.Models {
		fmt.Fprintf(w, "%s on %s: median %s, fastest %s of %d inferences, %.1f MMAC, %.1f GMAC/s\n",
			m.Model, m.Target, ms(time.Duration(m.Latency.MedianNS)), ms(time.Duration(m.Latency.MinNS)), m.Latency.Runs,
			float64(m.MACs)/1e6, float64(m.MACs)/float64(m.Latency.MedianNS))
		if m.PeakGMACs > 0 {
			fmt.Fprintf(w, "peak of %s: %.1f GMAC/s\n", m.Target, m.PeakGMACs)
		}
		t := newTable(">node", "operator", ">time", ">share", ">GMAC/s", ">of peak", "from", "schedule")
		for _, l := range m.Layers {
			t.add(strconv.Itoa(l.Node), l.Op, ms(time.Duration(l.TimeNS)), percent(l.Share, 1),
				number(l.GMACs), percentOrNone(l.OfPeak), l.Source, l.Schedule)
		}
		if err := t.write(w); err != nil {
			return err
		}
	}
	return nil
}

// number prints a speed, nothing where there is none.
func number(v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f", v)
}

func percentOrNone(v float64) string {
	if v == 0 {
		return ""
	}
	return percent(v, 1)
}
