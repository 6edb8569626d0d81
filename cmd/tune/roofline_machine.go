package main

import (
	"context"

	"qtune/kernels/peak"
	"qtune/measure/roofline"
	"qtune/schedules"
)

// A machineReport is what some threads of this machine can do together.
type machineReport struct {
	Threads int         `json:"threads"`
	Peaks   []dotReport `json:"peaks"` // of every target of this CPU
	// GInstructions are vector instructions of the target.
	GInstructions float64       `json:"vector_ginstructions_per_s"`
	Levels        []levelReport `json:"levels"`
}

// A dotReport is the peak of a dot step.
type dotReport struct {
	Target string  `json:"target"`
	Step   string  `json:"dot_step"`
	GMACs  float64 `json:"gmac_per_s"`
}

// A levelReport is the read bandwidth of a cache, or of memory, with loads of the
// target's width: the median of several rounds, the slowest and the fastest.
type levelReport struct {
	Name        string  `json:"name"`
	Bytes       int     `json:"bytes,omitempty"` // of one cache
	Assumed     bool    `json:"assumed,omitempty"`
	Shared      bool    `json:"shared"`
	BufferBytes int     `json:"buffer_bytes"` // of each thread
	MedianGBs   float64 `json:"gb_per_s"`
	MinGBs      float64 `json:"min_gb_per_s"`
	MaxGBs      float64 `json:"max_gb_per_s"`
}

// measureMachine takes one to two seconds.
func measureMachine(ctx context.Context, isa schedules.ISA, threads int) (*machineReport, error) {
	m := &machineReport{Threads: threads}
	for _, target := range schedules.HostISAs() {
		v, err := peak.Together(threads, func() (float64, error) { return peak.Measure(target) })
		if err != nil {
			return nil, err
		}
		m.Peaks = append(m.Peaks, dotReport{string(target), peak.StepName(target), v / 1e9})
	}
	v, err := peak.Together(threads, func() (float64, error) { return peak.MeasureInstructions(isa) })
	if err != nil {
		return nil, err
	}
	m.GInstructions = v / 1e9
	for _, l := range peak.Levels(schedules.HostMachine(), threads) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b, err := peak.MeasureBandwidth(isa, l.Buffer, threads)
		if err != nil {
			return nil, err
		}
		m.Levels = append(m.Levels, levelReport{
			Name: l.Name, Bytes: l.Bytes, Assumed: l.Assumed, Shared: l.Shared, BufferBytes: l.Buffer,
			MedianGBs: b.Median / 1e9, MinGBs: b.Min / 1e9, MaxGBs: b.Max / 1e9,
		})
	}
	return m, nil
}

// peak is that of a target in GMAC/s.
func (m *machineReport) peak(target string) float64 {
	for _, p := range m.Peaks {
		if p.Target == target {
			return p.GMACs
		}
	}
	return 0
}

// model is m for layers of target isa. Caches that every core has hold a share of
// what all threads need. (1 G a second is 1 a nanosecond.)
func (m *machineReport) model(isa schedules.ISA) *roofline.Machine {
	r := &roofline.Machine{MACs: m.peak(string(isa)), Instructions: m.GInstructions}
	for _, l := range m.Levels {
		bytes := l.Bytes
		if !l.Shared {
			bytes *= m.Threads
		}
		r.Levels = append(r.Levels, roofline.Level{Name: l.Name, Bytes: bytes, Bandwidth: l.MedianGBs})
	}
	return r
}
