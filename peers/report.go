package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"qtune/schedules"
)

// A report is everything that was measured, and where.
type report struct {
	Date      string         `json:"date"`
	CPU       string         `json:"cpu"`
	Target    string         `json:"target"` // of qtune
	Version   string         `json:"onnxruntime_version"`
	Command   string         `json:"command"`
	Rounds    int            `json:"rounds"`
	Turn      int            `json:"turn"` // inferences in a turn
	Exact     bool           `json:"x64quantprecision"`
	Networks  []*networkRow  `json:"networks,omitempty"`
	Depthwise []depthwiseRow `json:"depthwise,omitempty"`
}

// A networkRow is one network with some number of threads.
type networkRow struct {
	Network   string            `json:"network"`
	Threads   int               `json:"threads"`
	MACs      int64             `json:"macs"`
	Agreement []agreement       `json:"agreement"`
	Schedules []scheduleSources `json:"schedules"`
	Times     []timing          `json:"times"`
}

// scheduleSources counts the layers of one of our contenders by where their
// schedule came from.
type scheduleSources struct {
	Contender string         `json:"contender"`
	Layers    map[string]int `json:"layers"`
}

// A timing is the time of whole inferences of a contender; nine of ten lie
// between Lo and Hi.
type timing struct {
	Contender string  `json:"contender"`
	MedianNS  int64   `json:"median_ns"`
	LoNS      int64   `json:"p5_ns"`
	HiNS      int64   `json:"p95_ns"`
	SamplesNS []int64 `json:"samples_ns"` // in the order in which they were taken
}

func newReport(f *flags, isa schedules.ISA) *report {
	return &report{
		Date: time.Now().UTC().Format(time.DateOnly), CPU: schedules.HostMachine().String(), Target: string(isa),
		Command: "go run ./peers " + strings.Join(os.Args[1:], " "), Rounds: f.rounds, Turn: f.turn, Exact: f.exact,
	}
}

// summarise sums up the times of c, of which there are some.
func summarise(c *contender) timing {
	t := timing{Contender: c.name}
	for _, d := range c.times {
		t.SamplesNS = append(t.SamplesNS, d.Nanoseconds())
	}
	if len(t.SamplesNS) == 0 { // the race failed
		return t
	}
	sorted := slices.Sorted(slices.Values(t.SamplesNS))
	at := func(part float64) int64 { return sorted[int(part*float64(len(sorted)-1)+0.5)] }
	t.MedianNS, t.LoNS, t.HiNS = at(0.5), at(0.05), at(0.95)
	return t
}

// timing returns the times of a contender.
func (r *networkRow) timing(contender string) timing {
	for _, t := range r.Times {
		if t.Contender == contender {
			return t
		}
	}
	return timing{}
}

// print writes what was measured for people who wait for it.
func (r *networkRow) print(w io.Writer) {
	fmt.Fprintf(w, "%s, %s, %.0f MMAC\n", r.Network, plural(r.Threads, "thread"), float64(r.MACs)/1e6)
	for _, a := range r.Agreement {
		fmt.Fprintf(w, "  %-17s agrees with qtune: logits differ by %.2f steps on average, %.0f at most, correlation %.4f, same greatest in %d of %d inputs\n",
			a.Contender, a.MeanSteps, a.MostSteps, a.Correlation, a.SameTop, a.Inputs)
	}
	for _, s := range r.Schedules {
		fmt.Fprintf(w, "  %-17s schedules: %v\n", s.Contender, s.Layers)
	}
	for _, t := range r.Times {
		fmt.Fprintf(w, "  %-17s %8.3f ms (%.3f to %.3f)\n", t.Contender, ms(t.MedianNS), ms(t.LoNS), ms(t.HiNS))
	}
}

func ms(ns int64) float64 { return float64(ns) / 1e6 }
