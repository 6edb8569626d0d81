// Package module turns a network into something that runs: it compiles a Graph
// with generated kernels, one for each convolution, depthwise and dense node,
// with generated programs for the other 8-bit operators, and the reference
// interpreter for the few that are left.
//
//	Compile:  source graph --pass.Run--> legalised graph (uint8 activations)
//	          node --> step: Layer, Workload --Choose--> Schedule --kernels.Build--> Kernel
//	                         or an operator (operators.go)
//	          equal Workload and Schedule: one Kernel, one machine code
//	          layers that alone read each other's results --> chains (chain.go)
//	          tensors --> layouts (halo, dense, or inside another) --> blocks of one arena
//	          steps + views of the arena --> phases of Parts
//	Run:      inputs --> arena; phases in order, their Parts shared by the threads; arena --> outputs
//
// A Module gives byte for byte what qnn/ref gives on the source graph, for every
// choice of schedules: only its speed depends on them.
//
// # Memory
//
// Every computed tensor is a block of the arena, placed by the time in which it
// is needed (arena.go), or part of another tensor (alias.go), or has but some rows
// at a time (chain.go). Where a kernel wants the zero point around its input
// (pad=halo), the tensor gets a border if all who touch it can live with that
// (memory.go); otherwise the kernel copies by itself.
package module

import (
	"fmt"
	"time"

	"qtune/kernels"
	"qtune/qnn"
	"qtune/schedules"
)

// Options say how to compile.
type Options struct {
	ISA  schedules.ISA // Ref: no machine code at all
	Mode kernels.Mode
	// Choose picks the schedule of each workload; nil means the default
	// schedule of its space.
	Choose Chooser
	// Threads compute an inference together; 0 is 1. Emulated kernels have one.
	Threads int
	// KeepAll gives every tensor memory of its own, so that Tensor can tell
	// what each layer computed.
	KeepAll bool
	// NoFuse computes the network operator by operator, every tensor of the
	// source graph.
	NoFuse bool
}

// An UnsupportedError is that of a network with an operator that nothing here
// computes.
type UnsupportedError struct{ Node, Reason string }

// Error names the node.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("%s is not supported: %s", e.Node, e.Reason)
}

// A Module is a compiled network. It is safe for one inference at a time.
type Module struct {
	source, graph *qnn.Graph // as given, and legalised
	keepAll       bool
	noFuse        bool
	machine       schedules.Machine // whose caches decide what is chained
	oneThread     bool              // nothing runs natively
	threads       int
	steps         []*step
	shared        *machineCode

	mem     *memory
	phases  [][]*phase             // of each step
	chains  map[int]*kernels.Chain // by their last step
	outputs [][]byte               // what Run returns
	team    *team
}

// Source tells where the schedule of a layer came from.
type Source uint8

// Sources, best first. NoSource marks a layer without a schedule.
const (
	NoSource  Source = iota
	Exact            // measured for this workload on this kind of machine
	Stale            // the same, with code that the generator does not make any more
	OtherCPU         // measured for this workload on another CPU of this instruction set
	Nearest          // measured for a similar workload
	Heuristic        // never measured: the default schedule
)

var sourceNames = []string{"", "exact", "stale", "other cpu", "nearest", "heuristic"}

// String returns for example "exact".
func (s Source) String() string { return sourceNames[s] }

// A Choice is a schedule and where it came from.
type Choice struct {
	Schedule schedules.Schedule
	Source   Source
	Estimate time.Duration // of one run on one thread
	Loss     float64       // predicted for what is not measured, relative to tuning: 0.05 is 5 % more time
	// CodeHash is that of the code that was measured, if it was: with other code
	// the layer is not Exact, but Stale.
	CodeHash string
	// Others are nearly as fast, and have other Layouts; Compile takes one where
	// that saves a copy between layers.
	Others []Alternative
}

// An Alternative is a schedule that takes Extra longer than another.
type Alternative struct {
	Schedule schedules.Schedule
	Extra    time.Duration
	CodeHash string // as of a Choice
}

// A Chooser picks the schedule of a workload.
type Chooser func(schedules.Workload, schedules.ISA) (Choice, error)

// Default is the Chooser that takes the default schedule of each space.
func Default(w schedules.Workload, isa schedules.ISA) (Choice, error) {
	space, err := schedules.SpaceFor(w, isa)
	if err != nil {
		return Choice{}, err
	}
	return HeuristicOf(space, w, isa), nil
}

// HeuristicOf is the Choice of what is not measured.
func HeuristicOf(space *schedules.Space, w schedules.Workload, isa schedules.ISA) Choice {
	const stepsPerNS = 4 // dot steps, about what any CPU does
	_, lanes := schedules.Registers(isa)
	perStep := 4 * lanes / schedules.ElementBytes(isa, space.Start())
	ns := float64(w.MACs()) / float64(perStep) / stepsPerNS
	c := Choice{Schedule: space.Start(), Source: Heuristic, Estimate: time.Duration(ns)}
	for _, o := range space.Others() {
		c.Others = append(c.Others, Alternative{Schedule: o.Schedule, Extra: time.Duration(ns * (o.Cost - 1))})
	}
	return c
}

// LayerInfo describes one layer of the network as it was compiled.
type LayerInfo struct {
	Node   int    // number in the source file
	Op     string // TensorFlow Lite's name of the operator
	Output string // name of the tensor that it makes
	MACs   int64  // multiply-accumulate steps, 0 for operators without
	// Interpreted: it runs in the reference interpreter, exactly but slowly,
	// because nothing generates code for such operands.
	Interpreted bool

	// The kernel; zero for layers without.
	Workload schedules.Workload
	Schedule schedules.Schedule
	Source   Source
	CodeHash string
	Estimate time.Duration // of one run on one thread, as the Chooser knew or guessed
	Loss     float64       // see Choice
	// Band is how many of its rows, about, are made before the next layer reads
	// them; 0: all.
	Band int
}

// Layers describes the layers in the order in which they run.
func (m *Module) Layers() []LayerInfo {
	infos := make([]LayerInfo, len(m.steps))
	for i, s := range m.steps {
		infos[i] = s.info
		infos[i].Interpreted = s.interpreted
		if c := m.mem.chainOf[i]; c != nil && i != c.last() {
			last := m.steps[c.last()].info.Workload
			infos[i].Band = c.band * s.info.Workload.OH() / last.OH()
		}
	}
	return infos
}

// Run computes the network. inputs are dense tensors in the order and types of
// the graph's inputs; so are the outputs, which belong to the Module and stay
// as they are until the next Run. It allocates nothing, unless some operator
// runs in the reference interpreter.
func (m *Module) Run(inputs [][]byte) ([][]byte, error) {
	if err := m.setInputs(inputs); err != nil {
		return nil, err
	}
	m.team.begin()
	for i := range m.steps {
		if err := m.run(i); err != nil {
			m.team.end()
			return nil, err
		}
	}
	m.team.end()
	m.getOutputs()
	return m.outputs, nil
}

// RunTimed is Run that also stores what each layer took into times, which must
// have one element for each of Layers.
func (m *Module) RunTimed(inputs [][]byte, times []time.Duration) ([][]byte, error) {
	if err := m.setInputs(inputs); err != nil {
		return nil, err
	}
	m.timeChains(true)
	defer m.timeChains(false)
	m.team.begin()
	for i := range m.steps {
		start := time.Now()
		if err := m.run(i); err != nil {
			m.team.end()
			return nil, err
		}
		times[i] = time.Since(start)
	}
	m.team.end()
	for i := range m.chains {
		m.share(m.mem.chainOf[i], times)
	}
	m.getOutputs()
	return m.outputs, nil
}

// run computes step i.
func (m *Module) run(i int) error {
	for _, p := range m.phases[i] {
		if err := m.team.run(p); err != nil {
			return fmt.Errorf("%s: %w", m.graph.Label(m.steps[i].node), err)
		}
	}
	return nil
}

// Clone returns another instance of m with memory and threads of its own, for
// inferences at the same time. It shares weights and machine code with m, and
// must be closed like m.
func (m *Module) Clone() (*Module, error) { return m.CloneThreads(m.threads) }

// CloneThreads is Clone with another number of threads. Emulated kernels have
// one.
func (m *Module) CloneThreads(n int) (*Module, error) {
	if m.oneThread {
		n = 1
	}
	c := &Module{source: m.source, graph: m.graph, keepAll: m.keepAll, noFuse: m.noFuse, machine: m.machine,
		oneThread: m.oneThread, threads: max(n, 1), steps: m.steps, shared: m.shared}
	p := m.mem.plan
	if c.threads != m.threads {
		p = c.planMemory()
	}
	if err := c.start(p); err != nil {
		return nil, err
	}
	m.shared.users.Add(1)
	return c, nil
}

// Close ends the threads of m, and releases the machine code unless clones
// still need it; m must not be used any more.
func (m *Module) Close() error {
	if m.team == nil {
		return nil
	}
	m.team.close()
	m.team = nil
	return m.shared.close()
}
