package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"qtune/kernels"
	"qtune/kernels/module"
	"qtune/measure"
	"qtune/measure/roofline"
	"qtune/schedules"
)

// A rooflineReport is what "tune bench --roofline" prints.
type rooflineReport struct {
	Target  string          `json:"target"`
	Machine []machineReport `json:"machine"` // with one thread and, where more are asked for, with those
	Models  []rooflineModel `json:"models"`
}

// A rooflineModel compares one network with the machine, once for each of the
// machine's numbers of threads.
type rooflineModel struct {
	Model         string         `json:"model"`
	ConstantBytes int            `json:"constant_bytes"`
	Runs          []rooflineRuns `json:"runs"`
}

// rooflineRuns are the layers of a network that some threads compute. Times are
// nanoseconds, sums of medians.
type rooflineRuns struct {
	Threads  int             `json:"threads"`
	LimitNS  float64         `json:"limit_ns"`
	TimeNS   float64         `json:"time_ns"`
	OfLimit  float64         `json:"of_limit"` // limit / time
	Layers   []rooflineLayer `json:"layers"`
	MostLost []int           `json:"most_lost"` // indexes of Layers, worst first
}

type rooflineLayer struct {
	Node            int     `json:"node"`
	Op              string  `json:"op"`
	Output          string  `json:"output"`
	Workload        string  `json:"workload,omitempty"`
	MACs            int64   `json:"macs,omitempty"`
	WeightBytes     int     `json:"weight_bytes,omitempty"`
	ReadBytes       int     `json:"read_bytes"`
	WrittenBytes    int     `json:"written_bytes"`
	EpilogueInsts   int64   `json:"epilogue_instructions,omitempty"`
	ComputeNS       float64 `json:"compute_ns,omitempty"`
	EpilogueNS      float64 `json:"epilogue_ns,omitempty"`
	WeightsNS       float64 `json:"weights_ns,omitempty"`
	WeightsFrom     string  `json:"weights_from,omitempty"`
	ActivationsNS   float64 `json:"activations_ns,omitempty"`
	ActivationsFrom string  `json:"activations_from,omitempty"`
	BoundBy         string  `json:"bound_by,omitempty"`
	LimitNS         float64 `json:"limit_ns"`
	TimeNS          float64 `json:"time_ns"` // median
	OfLimit         float64 `json:"of_limit"`

	op     schedules.Op // of the workload
	result roofline.Result
}

// losers is how many of the layers that lose most time are listed.
const losers = 5

// benchRoofline compares the layers of each model with what the machine can do.
func benchRoofline(c *cobra.Command, f *benchFlags, isa schedules.ISA, mode kernels.Mode) error {
	if isa == schedules.Ref || mode != kernels.Native {
		return errors.New("--roofline: only generated code on a CPU that executes it has such a limit, not --target ref or --emulate")
	}
	if f.svg != "" { // not after minutes of measuring
		if _, err := os.Stat(filepath.Dir(f.svg)); err != nil {
			return fmt.Errorf("--svg: %w", err)
		}
	}
	var races []*race
	defer func() {
		for _, r := range races {
			r.close()
		}
	}()
	for _, path := range f.models { // before the machine is measured: it may fail
		r, err := newRace(c, f, path, isa, mode)
		if err != nil {
			return err
		}
		races = append(races, r)
	}
	rep := rooflineReport{Target: string(isa)}
	threads := []int{1}
	if n := f.compile.threads; n > 1 {
		threads = append(threads, n)
	}
	for _, n := range threads {
		m, err := measureMachine(c.Context(), isa, n)
		if err != nil {
			return err
		}
		rep.Machine = append(rep.Machine, *m)
	}
	for i, r := range races {
		if err := r.run(c, f.repeat); err != nil {
			return err
		}
		rep.Models = append(rep.Models, newRooflineModel(f.models[i], r.teams, rep.Machine, isa))
	}
	if err := rep.write(c, f.json); err != nil {
		return err
	}
	if f.svg == "" {
		return nil
	}
	picture, err := rep.svg()
	if err != nil {
		return fmt.Errorf("--svg: %w", err)
	}
	return writeWhole(f.svg, picture)
}

func (rep *rooflineReport) write(c *cobra.Command, asJSON bool) error {
	if asJSON {
		return writeJSON(c.OutOrStdout(), benchReport{Roofline: rep})
	}
	return rep.print(c.OutOrStdout())
}

// newRooflineModel compares the teams of a network, which were timed, with the
// machine of as many threads.
func newRooflineModel(path string, teams []*team, machines []machineReport, isa schedules.ISA) rooflineModel {
	m := rooflineModel{Model: path, ConstantBytes: teams[0].m.Stats().ConstantBytes}
	costs := teams[0].m.Costs()
	for k, t := range teams {
		machine := machines[k].model(isa)
		runs := rooflineRuns{Threads: t.threads}
		var results []roofline.Result
		for i, info := range t.m.Layers() {
			layer := roofline.Layer{
				MACs: info.MACs, EpilogueInstructions: costs[i].EpilogueInstructions,
				WeightBytes: costs[i].WeightBytes, ActivationBytes: costs[i].ReadBytes + costs[i].WrittenBytes,
			}
			r := roofline.Result{Bounds: machine.Bounds(layer, m.ConstantBytes), Time: measure.Nanos(t.layer(i))}
			results = append(results, r)
			runs.Layers = append(runs.Layers, newRooflineLayer(info, costs[i], r))
		}
		limit, time := roofline.Totals(results)
		runs.LimitNS, runs.TimeNS = float64(limit), float64(time)
		if time > 0 { // there are layers
			runs.OfLimit = float64(limit / time)
		}
		runs.MostLost = roofline.MostLost(results, losers)
		m.Runs = append(m.Runs, runs)
	}
	return m
}

func newRooflineLayer(info module.LayerInfo, cost module.Cost, r roofline.Result) rooflineLayer {
	l := rooflineLayer{
		Node: info.Node, Op: info.Op, Output: info.Output, MACs: info.MACs,
		WeightBytes: cost.WeightBytes, ReadBytes: cost.ReadBytes, WrittenBytes: cost.WrittenBytes,
		EpilogueInsts: cost.EpilogueInstructions,
		ComputeNS:     float64(r.Compute), EpilogueNS: float64(r.Epilogue),
		WeightsNS: float64(r.Weights), WeightsFrom: r.WeightLevel,
		ActivationsNS: float64(r.Activations), ActivationsFrom: r.ActivationLevel,
		BoundBy: string(r.Binding()), LimitNS: float64(r.Limit()),
		TimeNS: float64(r.Time), OfLimit: float64(r.Limit() / r.Time),
		op: info.Workload.Op, result: r,
	}
	if info.MACs > 0 {
		l.Workload = info.Workload.String()
	}
	return l
}

// intensity is how many multiply-accumulate steps there are for each byte that
// has to be moved.
func (l *rooflineLayer) intensity() float64 {
	return float64(l.MACs) / float64(l.WeightBytes+l.ReadBytes+l.WrittenBytes)
}

// speed is in GMAC/s.
func (l *rooflineLayer) speed() float64 { return float64(l.MACs) / l.TimeNS }
