// Package module turns a network into something that runs: it compiles a Graph
// with generated kernels, one for each convolution, depthwise and dense node,
// and the reference interpreter for nearly everything else.
//
//	Compile:  source graph --pass.Run--> legalised graph (uint8 activations)
//	          node --> Layer, Workload --Choose--> Schedule --kernels.Build--> Kernel
//	          equal Workload and Schedule: one Kernel, one machine code
//	          tensors --> layouts (halo or dense) --> blocks of one arena
//	          Kernel + packed constants + views of the arena --> Bound
//	ADD, QUANTIZE on equal shapes --> a table of all results (table.go)
//	Run:      inputs --> arena; steps in order; arena --> outputs
//
// A Module gives byte for byte what qnn/ref gives on the source graph, for every
// choice of schedules: only its speed depends on them.
//
// # Buffers
//
// Every computed tensor is a block of the arena, placed by the time in which it
// is needed (see place). Where a kernel wants the zero point around its input
// (pad=halo), the tensor gets a border if all who touch it can live with that
// (see haloOf); otherwise the kernel copies by itself.
package module

import (
	"fmt"
	"time"

	"qtune/kernels"
	"qtune/qnn"
	"qtune/qnn/ref"
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
}

// A Module is a compiled network. It is safe for one inference at a time.
type Module struct {
	source, graph *qnn.Graph // as given, and legalised
	keepAll       bool
	steps         []*step
	layouts       []layout   // by tensor
	buffers       ref.Values // by tensor: part of the arena; nil if constant or not computed
	outputs       [][]byte   // what Run returns
	executables   []*kernels.Executable
	team          *team
}

// A step is a node that is ready to run.
type step struct {
	node  *qnn.Node
	info  LayerInfo
	layer *qnn.Layer // nil: the node runs in the reference interpreter
	code  *code      // of layer, nil without machine code
	bound *kernels.Bound
	table *table // of an elementwise operator, nil without

	// refill is the tensor whose halo the step restores before it runs, because
	// somebody else used the memory since; qnn.NoTensor if there is none.
	refill qnn.TensorID
}

// Source tells where the schedule of a layer came from.
type Source uint8

// Sources, best first. NoSource marks a layer without a schedule: it runs in
// the reference interpreter.
const (
	NoSource     Source = iota
	Exact               // measured for this workload on this kind of machine
	OtherVersion        // the same, with the code of another version of the generator
	OtherCPU            // measured for this workload on another CPU of this instruction set
	Nearest             // measured for a similar workload
	Heuristic           // never measured: the default schedule
)

var sourceNames = []string{"", "exact", "other version", "other cpu", "nearest", "heuristic"}

// String returns for example "exact".
func (s Source) String() string { return sourceNames[s] }

// A Choice is a schedule and where it came from.
type Choice struct {
	Schedule schedules.Schedule
	Source   Source
}

// A Chooser picks the schedule of a workload.
type Chooser func(schedules.Workload, schedules.ISA) (Choice, error)

// Default is the Chooser that takes the default schedule of each space.
func Default(w schedules.Workload, isa schedules.ISA) (Choice, error) {
	space, err := schedules.SpaceFor(w, isa)
	if err != nil {
		return Choice{}, err
	}
	return Choice{Schedule: space.Start(), Source: Heuristic}, nil
}

// LayerInfo describes one layer of the network as it was compiled.
type LayerInfo struct {
	Node   int    // number in the source file
	Op     string // TensorFlow Lite's name of the operator
	Output string // name of the tensor that it makes
	MACs   int64  // multiply-accumulate steps, 0 for operators without

	// The kernel; zero where the reference interpreter runs the layer.
	Workload schedules.Workload
	Schedule schedules.Schedule
	Source   Source
	CodeHash string
}

// Layers describes the layers in the order in which they run.
func (m *Module) Layers() []LayerInfo {
	infos := make([]LayerInfo, len(m.steps))
	for i, s := range m.steps {
		infos[i] = s.info
	}
	return infos
}

// Run computes the network. inputs are dense tensors in the order and types of
// the graph's inputs; so are the outputs, which belong to the Module and stay
// as they are until the next Run.
func (m *Module) Run(inputs [][]byte) ([][]byte, error) {
	if err := m.setInputs(inputs); err != nil {
		return nil, err
	}
	m.team.begin()
	defer m.team.end()
	for _, s := range m.steps {
		if err := m.run(s); err != nil {
			return nil, err
		}
	}
	m.getOutputs()
	return m.outputs, nil
}

// RunTimed is Run that also stores what each layer took into times, which must
// have one element for each of Layers.
func (m *Module) RunTimed(inputs [][]byte, times []time.Duration) ([][]byte, error) {
	if err := m.setInputs(inputs); err != nil {
		return nil, err
	}
	m.team.begin()
	defer m.team.end()
	for i, s := range m.steps {
		start := time.Now()
		if err := m.run(s); err != nil {
			return nil, err
		}
		times[i] = time.Since(start)
	}
	m.getOutputs()
	return m.outputs, nil
}

// run computes one step.
func (m *Module) run(s *step) error {
	if s.refill != qnn.NoTensor {
		m.fillHalo(s.refill)
	}
	var err error
	switch {
	case s.bound != nil:
		err = m.team.run(s.bound)
	case s.table != nil:
		s.table.apply(m.graph, s.node, m.buffers)
	default:
		err = ref.Node(m.graph, s.node, m.buffers)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", m.graph.Label(s.node), err)
	}
	return nil
}

// Close releases the machine code; the Module must not be used any more.
func (m *Module) Close() error {
	var first error
	if m.team != nil {
		m.team.close()
		m.team = nil
	}
	for _, x := range m.executables {
		if err := x.Close(); err != nil && first == nil {
			first = err
		}
	}
	m.executables = nil
	return first
}
