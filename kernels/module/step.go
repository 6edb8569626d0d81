package module

import (
	"fmt"

	"qtune/kernels"
	"qtune/kernels/pack"
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
	layer     *qnn.Layer
	data      int       // which operand it reads
	subpixel  *subpixel // of TRANSPOSE_CONV: what becomes of the layer's results
	code      *code     // nil without machine code
	measured  string    // hash of the code that the chooser knows a time of
	operators *kernels.Operators
	packed    *kernels.Packed
	add       pairParts         // of the residual, nil without
	sum       *pack.WeightedSum // the same, where it has that form

	operator
}

// An operator says how a node runs.
type operator struct {
	// reads and writes tell which gaps the operands and results may have.
	reads, writes gaps
	// bind joins it to memory: phases that follow each other, of parts that run
	// at the same time.
	bind binder

	interpreted bool // by ref
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

// newStep resolves node n, for isa.
func newStep(g *qnn.Graph, n *qnn.Node, isa schedules.ISA) (*step, error) {
	s := &step{node: n}
	s.info = LayerInfo{Node: n.Index, Op: n.Op.OpName(), Output: g.Output(n, 0).Name}
	s.operator = interpreted(g, n)
	var err error
	switch n.Op.(type) {
	case qnn.Conv2D, qnn.Depthwise, qnn.Dense:
		s.layer, err = qnn.ResolveLayer(g, n)
	case qnn.TransposeConv:
		err = s.useSubpixel(g)
	default:
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	s.layer = s.layer.Convolution()
	s.info.MACs = s.layer.MACs()
	if s.info.Workload, err = schedules.WorkloadOf(s.layer, isa); err != nil {
		return nil, fmt.Errorf("%s: %w", g.Label(n), err)
	}
	return s, nil
}

// useSubpixel resolves TRANSPOSE_CONV.
func (s *step) useSubpixel(g *qnn.Graph) error {
	l, err := qnn.ResolveTransposeConv(g, s.node)
	if err != nil {
		return err
	}
	s.subpixel = &subpixel{l.Subpixel()}
	s.layer, s.data = s.subpixel.Conv, 2
	return nil
}

// interpreted runs n in the reference interpreter.
func interpreted(g *qnn.Graph, n *qnn.Node) operator {
	return operator{interpreted: true, bind: func(mem *memory, _ int) ([][]kernels.Part, error) {
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
func (s *step) useKernel(g *qnn.Graph, o *kernels.Operators) error {
	var err error
	s.operators = o
	if s.packed, err = s.code.kernel.Pack(s.layer); err != nil {
		return fmt.Errorf("%s: %w", g.Label(s.node), err)
	}
	s.operator = operator{}
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
	if s.subpixel != nil {
		s.bind, s.writes = s.bindSubpixel, noGaps
	}
	if s.node.Residual != nil {
		s.useResidual(qnn.ResolveResidual(g, s.node), s.node.FromInt8)
	}
	return nil
}

// useResidual prepares the addition at the end of the layer.
func (s *step) useResidual(n qnn.AddNumbers, fromInt8 bool) {
	sum := &pack.Sum{Scales: n.Scales, Zeros: n.Zeros, Lo: n.Lo, Hi: n.Hi, FromInt8: fromInt8}
	table := sum.Table()
	fit := sum.Fit(table)
	switch {
	case fit == nil:
		s.add = tableParts(table)
	case s.layer.Kind == qnn.DepthwiseLayer: // cannot add by itself
		s.add = sumParts(fit)
	default:
		s.sum = fit
	}
}

func (s *step) bindKernel(mem *memory, threads int) ([][]kernels.Part, error) {
	in, out := s.input(mem), s.output(mem)
	var b *kernels.Bound
	var err error
	switch {
	case s.add != nil:
		return s.bindAndAdd(mem, in, threads)
	case s.sum != nil:
		b, err = s.code.exec.BindResidual(s.packed, in, out, threads, *s.residual(mem))
	default:
		b, err = s.code.exec.Bind(s.packed, in, out, threads)
	}
	if err != nil {
		return nil, err
	}
	return b.Phases(), nil
}

// input is the operand of a layer.
func (s *step) input(mem *memory) kernels.View {
	l := s.layer
	return mem.viewAs(s.node.Inputs[s.data], l.N, l.H, l.W, l.C)
}

// output is the result of a layer.
func (s *step) output(mem *memory) kernels.View {
	l := s.layer
	return mem.viewAs(s.node.Outputs[0], l.N, l.OH, l.OW, l.OC)
}

// residual is what a layer adds by itself.
func (s *step) residual(mem *memory) *kernels.Residual {
	l := s.layer
	other := mem.viewAs(s.node.Inputs[len(s.node.Inputs)-1], l.N, l.OH, l.OW, l.OC)
	return &kernels.Residual{Operators: s.operators, Sum: s.sum, View: other}
}

// bindAndAdd computes the layer into memory of its own, and adds in a phase
// after.
func (s *step) bindAndAdd(mem *memory, in kernels.View, threads int) ([][]kernels.Part, error) {
	l := s.layer
	own := kernels.NewView(l.N, l.OH, l.OW, l.OC, kernels.Halo{}, 0)
	b, err := s.code.exec.Bind(s.packed, in, own, threads)
	if err != nil {
		return nil, err
	}
	shape := [4]int{l.N, l.OH, l.OW, l.OC}
	y, other := s.node.Outputs[0], s.node.Inputs[len(s.node.Inputs)-1]
	first := cells{0, [3]int{own.ImageStride, own.RowStride, own.PixelStride}}
	second := mem.cellsAs(other, shape)
	var parts []kernels.Part
	for _, sp := range spans(shape, mem.cellsAs(y, shape), first, &second) {
		more, err := s.add(s.operators, sp.Rows, own.Data[sp.in:], mem.bytes(other)[sp.in2:], mem.bytes(y)[sp.out:], threads)
		if err != nil {
			return nil, err
		}
		parts = append(parts, more...)
	}
	return append(b.Phases(), parts), nil
}
