package module

import (
	"fmt"

	"qtune/kernels"
	"qtune/qnn"
	"qtune/qnn/ref"
	"qtune/schedules"
)

// A step is a node with what it takes to run it, in whatever memory: clones
// share steps.
type step struct {
	node *qnn.Node
	info LayerInfo

	// Layers only.
	layer  *qnn.Layer
	code   *code // nil without machine code
	packed *kernels.Packed

	operator
}

// An operator says how a node runs.
type operator struct {
	// reads and writes tell which gaps the operands and results may have.
	reads, writes gaps
	// bind joins it to memory: phases that follow each other, of parts that run
	// at the same time.
	bind binder
}

type binder func(mem *memory, threads int) ([][]kernels.Part, error)

// gaps is a set of places where the bytes of a tensor need not follow each
// other.
type gaps uint8

const (
	gapRows   gaps = 1 << iota // between rows: a halo
	gapPixels                  // between pixels: channels of others
	noGaps    gaps = 0
	anyGaps        = gapRows | gapPixels
)

// newStep resolves node n.
func newStep(g *qnn.Graph, n *qnn.Node) (*step, error) {
	s := &step{node: n}
	s.info = LayerInfo{Node: n.Index, Op: n.Op.OpName(), Output: g.Output(n, 0).Name}
	s.operator = interpreted(g, n)
	switch n.Op.(type) {
	case qnn.Conv2D, qnn.Depthwise, qnn.Dense:
	default:
		return s, nil
	}
	var err error
	if s.layer, err = qnn.ResolveLayer(g, n); err != nil {
		return nil, err
	}
	s.info.MACs = s.layer.MACs()
	if s.info.Workload, err = schedules.WorkloadOf(s.layer); err != nil {
		return nil, fmt.Errorf("%s: %w", g.Label(n), err)
	}
	return s, nil
}

// interpreted runs n in the reference interpreter.
func interpreted(g *qnn.Graph, n *qnn.Node) operator {
	return operator{bind: func(mem *memory, _ int) ([][]kernels.Part, error) {
		return onePart(func() error { return ref.Node(g, n, mem.buffers) }), nil
	}}
}

func onePart(p kernels.Part) [][]kernels.Part { return [][]kernels.Part{{p}} }

// reshapes tells whether the result of s has the bytes of its first operand.
func (s *step) reshapes() bool {
	switch s.node.Op.(type) {
	case qnn.Reshape, qnn.Squeeze, qnn.ExpandDims:
		return true
	}
	return false
}

// useKernel makes s run its layer's machine code.
func (s *step) useKernel(g *qnn.Graph) error {
	var err error
	if s.packed, err = s.code.kernel.Pack(s.layer); err != nil {
		return fmt.Errorf("%s: %w", g.Label(s.node), err)
	}
	s.reads, s.writes = noGaps, noGaps
	if k := s.code.kernel; s.layer.Kind != qnn.DenseLayer {
		if !k.ContiguousInput() {
			s.reads = gapRows
		}
		if !k.ContiguousOutput() {
			s.writes |= gapRows
		}
		if !k.DensePixels() {
			s.writes |= gapPixels
		}
	}
	s.bind = s.bindKernel
	return nil
}

func (s *step) bindKernel(mem *memory, threads int) ([][]kernels.Part, error) {
	l := s.layer
	in := mem.viewAs(s.node.Inputs[0], l.N, l.H, l.W, l.C)
	out := mem.viewAs(s.node.Outputs[0], l.N, l.OH, l.OW, l.OC)
	b, err := s.code.exec.Bind(s.packed, in, out, threads)
	if err != nil {
		return nil, err
	}
	return b.Phases(), nil
}
