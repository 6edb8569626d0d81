package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"qtune/kernels"
	"qtune/kernels/module"
	"qtune/qnn"
	"qtune/qnn/pass"
	"qtune/schedules"
)

// A modelBench is one network's times: medians over the inferences, with one
// thread and, where more are asked for, with those.
type modelBench struct {
	Model string `json:"model"`
	// Symmetric networks compute something else than the file says, as with
	// SaturatedWeights of its weights changed.
	Symmetric        bool            `json:"symmetric,omitempty"`
	SaturatedWeights int             `json:"saturated_weights,omitempty"`
	Target           string          `json:"target"`
	PeakGMACs        float64         `json:"peak_gmac_per_s,omitempty"` // of a core, measured; 0 where nothing runs natively
	Latency          []threadLatency `json:"latency"`
	MACs             int64           `json:"macs"`
	// OtherShare is the part of the time, of one thread, that operators other than
	// convolution, depthwise and dense take.
	OtherShare float64      `json:"other_operators_share_of_time"`
	CompileNS  int64        `json:"compile_ns"`
	Memory     memoryReport `json:"memory"`
	sourcesReport
	Layers []layerBench `json:"layers"`
}

// A threadLatency is the time of whole inferences; nine of ten lie between Lo
// and Hi.
type threadLatency struct {
	Threads  int   `json:"threads"`
	Runs     int   `json:"runs"`
	MedianNS int64 `json:"median_ns"`
	MinNS    int64 `json:"min_ns"`
	LoNS     int64 `json:"p5_ns"`
	HiNS     int64 `json:"p95_ns"`
}

type memoryReport struct {
	ArenaBytes    int `json:"arena_bytes"`
	PeakLiveBytes int `json:"peak_live_bytes"`
	ConstantBytes int `json:"constant_bytes"`
	CodeBytes     int `json:"code_bytes"`
}

type layerBench struct {
	Node          int     `json:"node"`
	Op            string  `json:"op"`
	Output        string  `json:"output"`
	TimeNS        int64   `json:"time_ns"`                   // with one thread
	TimeThreadsNS int64   `json:"time_threads_ns,omitempty"` // with all
	Share         float64 `json:"share_of_time"`
	MACs          int64   `json:"macs,omitempty"`
	GMACs         float64 `json:"gmac_per_s,omitempty"`
	OfPeak        float64 `json:"of_peak,omitempty"`
	Workload      string  `json:"workload,omitempty"`
	Schedule      string  `json:"schedule,omitempty"`
	Source        string  `json:"source,omitempty"`
	CodeHash      string  `json:"code_hash,omitempty"`
	Interpreted   bool    `json:"interpreted,omitempty"`
	Band          int     `json:"band,omitempty"` // rows that are made before the next layer reads them
}

func benchModel(c *cobra.Command, f *benchFlags, path string, isa schedules.ISA, mode kernels.Mode, yardstick float64) (*modelBench, error) {
	r, err := newRace(c, f, path, isa, mode)
	if err != nil {
		return nil, err
	}
	defer r.close()
	if err := r.run(c, f.repeat); err != nil {
		return nil, err
	}
	m := r.teams[0].m
	b := &modelBench{
		Model: path, Symmetric: f.symmetric, SaturatedWeights: r.saturated, Target: string(isa), PeakGMACs: yardstick / 1e9,
		CompileNS: r.compiling.Nanoseconds(), Memory: memoryReport(m.Stats()), sourcesReport: reportSources(m.Layers()),
	}
	b.fill(m.Layers(), r.teams, yardstick)
	return b, nil
}

// A race times a network with one thread and, where more are asked for and
// possible, with those.
type race struct {
	teams     []*team
	inputs    [][]byte
	compiling time.Duration
	saturated int // weights that --symmetric changed
}

// newRace compiles the network at path. The race must be closed.
func newRace(c *cobra.Command, f *benchFlags, path string, isa schedules.ISA, mode kernels.Mode) (*race, error) {
	g, err := loadModel(path, f.outputs)
	if err != nil {
		return nil, err
	}
	if err := checkThreads(f.compile.threads); err != nil {
		return nil, err
	}
	saturated := 0
	if f.symmetric {
		g, saturated = pass.SaturateWeights(g)
	}
	one := f.compile
	one.threads = 1
	start := time.Now()
	m, err := one.compile(c, g, path)
	if err != nil {
		return nil, err
	}
	r := &race{teams: []*team{newTeam(m, 1)}, inputs: randomInputs(g), compiling: time.Since(start), saturated: saturated}
	if n := f.compile.threads; n > 1 && mode == kernels.Native && isa != schedules.Ref {
		more, err := m.CloneThreads(n)
		if err != nil {
			return nil, errors.Join(err, m.Close())
		}
		r.teams = append(r.teams, newTeam(more, n))
	}
	return r, nil
}

func (r *race) close() {
	for _, t := range r.teams {
		t.m.Close()
	}
}

// A team is a network with some number of threads, and its times.
type team struct {
	m       *module.Module
	threads int
	whole   []time.Duration
	layers  [][]time.Duration // of each layer
	once    []time.Duration
}

func newTeam(m *module.Module, threads int) *team {
	n := len(m.Layers())
	return &team{m: m, threads: threads, layers: make([][]time.Duration, n), once: make([]time.Duration, n)}
}

// turn is how many inferences of a team follow each other, as they do in a busy
// service: the first of them has to wake the workers, which takes a tenth of a
// millisecond.
const turn = 10

// run times n inferences of each team, in turns, so that all meet the same
// disturbances: as a whole, and again layer by layer, after one that does not
// count.
func (r *race) run(c *cobra.Command, n int) error {
	for _, t := range r.teams {
		if _, err := t.m.Run(r.inputs); err != nil {
			return err
		}
	}
	for done := 0; done < n; done += turn {
		for _, t := range r.teams {
			for range min(turn, n-done) {
				if err := c.Context().Err(); err != nil {
					return err
				}
				if err := t.time(r.inputs); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// time adds the times of two inferences.
func (t *team) time(inputs [][]byte) error {
	start := time.Now()
	if _, err := t.m.Run(inputs); err != nil {
		return err
	}
	t.whole = append(t.whole, time.Since(start))
	if _, err := t.m.RunTimed(inputs, t.once); err != nil {
		return err
	}
	for k, d := range t.once {
		t.layers[k] = append(t.layers[k], d)
	}
	return nil
}

func (t *team) latency() threadLatency {
	slices.Sort(t.whole)
	at := func(part float64) int64 { return t.whole[int(part*float64(len(t.whole)-1)+0.5)].Nanoseconds() }
	return threadLatency{
		Threads: t.threads, Runs: len(t.whole),
		MedianNS: at(0.5), MinNS: at(0), LoNS: at(0.05), HiNS: at(0.95),
	}
}

// layer is the median time of layer i.
func (t *team) layer(i int) time.Duration {
	times := t.layers[i]
	slices.Sort(times)
	return max(times[len(times)/2], 1)
}

// fill adds what the teams measured.
func (b *modelBench) fill(layers []module.LayerInfo, teams []*team, yardstick float64) {
	for _, t := range teams {
		b.Latency = append(b.Latency, t.latency())
	}
	total, other := time.Duration(0), time.Duration(0)
	for i, l := range layers {
		d := teams[0].layer(i)
		total += d
		if l.MACs == 0 {
			other += d
		}
		b.MACs += l.MACs
		row := benchLayer(l, d, yardstick)
		if len(teams) > 1 {
			row.TimeThreadsNS = teams[1].layer(i).Nanoseconds()
		}
		b.Layers = append(b.Layers, row)
	}
	for i := range b.Layers {
		b.Layers[i].Share = float64(b.Layers[i].TimeNS) / float64(total)
	}
	b.OtherShare = float64(other) / float64(total)
}

func benchLayer(l module.LayerInfo, d time.Duration, yardstick float64) layerBench {
	b := layerBench{Node: l.Node, Op: l.Op, Output: l.Output, TimeNS: d.Nanoseconds(), MACs: l.MACs, Interpreted: l.Interpreted, Band: l.Band}
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

func (b *modelBench) print(w io.Writer) error {
	fmt.Fprintf(w, "%s on %s: %.1f MMAC\n", b.Model, b.Target, float64(b.MACs)/1e6)
	if b.Symmetric {
		fmt.Fprintf(w, "symmetric: not this network, but one that computes something else, for comparing times: %s saturated to int8\n", plural(b.SaturatedWeights, "weight"))
	}
	for _, l := range b.Latency {
		speed := float64(b.MACs) / float64(l.MedianNS)
		fmt.Fprintf(w, "%s: median %s (%s to %s), fastest %s of %s, %.1f GMAC/s", plural(l.Threads, "thread"),
			ms(time.Duration(l.MedianNS)), ms(time.Duration(l.LoNS)), ms(time.Duration(l.HiNS)), ms(time.Duration(l.MinNS)), plural(l.Runs, "inference"), speed)
		if b.PeakGMACs > 0 {
			fmt.Fprintf(w, ", %s of the peak", percent(speed, b.PeakGMACs*float64(l.Threads)))
		}
		if l.Threads > 1 {
			fmt.Fprintf(w, ", %.2fx", float64(b.Latency[0].MedianNS)/float64(l.MedianNS))
		}
		fmt.Fprintln(w)
	}
	if b.PeakGMACs > 0 {
		fmt.Fprintf(w, "peak of %s: %.1f GMAC/s a core\n", b.Target, b.PeakGMACs)
	}
	fmt.Fprintf(w, "other operators than convolution, depthwise and dense: %s of the time\n", percent(b.OtherShare, 1))
	fmt.Fprintf(w, "memory: arena %s (%s in use at a time), constants %s, code %s; compiled in %s\n",
		kib(b.Memory.ArenaBytes), kib(b.Memory.PeakLiveBytes), kib(b.Memory.ConstantBytes), kib(b.Memory.CodeBytes), ms(time.Duration(b.CompileNS)))
	head := []string{">node", "operator", ">time", ">share", ">GMAC/s", ">of peak", ">band", "from", "schedule"}
	if len(b.Latency) > 1 {
		head = slices.Insert(head, 3, fmt.Sprintf(">%d threads", b.Latency[1].Threads))
	}
	t := newTable(head...)
	for _, l := range b.Layers {
		if l.Interpreted {
			l.Source = "interpreter"
		}
		cells := []string{strconv.Itoa(l.Node), l.Op, ms(time.Duration(l.TimeNS)), percent(l.Share, 1),
			number(l.GMACs), percentOrNone(l.OfPeak), "", l.Source, l.Schedule}
		if l.Band > 0 {
			cells[6] = strconv.Itoa(l.Band)
		}
		if len(b.Latency) > 1 {
			cells = slices.Insert(cells, 3, ms(time.Duration(l.TimeThreadsNS)))
		}
		t.add(cells...)
	}
	return t.write(w)
}

func kib(bytes int) string { return fmt.Sprintf("%.0f KiB", float64(bytes)/1024) }

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
