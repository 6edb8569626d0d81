package module

import (
	"fmt"
	"slices"

	"qtune/kernels"
	"qtune/qnn"
)

// An operatorMaker returns how node n of m runs in generated code; ok is false
// where there is none for its operands.
type operatorMaker func(m *Module, n *qnn.Node) (o operator, ok bool, err error)

// operatorMakers holds the operators without weights that have generated code.
var operatorMakers = map[string]operatorMaker{
	qnn.Quantize{}.OpName():                       quantizeOperator,
	qnn.Dequantize{}.OpName():                     dequantizeOperator,
	qnn.Clamp{Activation: qnn.Relu}.OpName():      lookupOperator,
	qnn.Clamp{Activation: qnn.ReluN1To1}.OpName(): lookupOperator,
	qnn.Clamp{Activation: qnn.Relu6}.OpName():     lookupOperator,
	qnn.LeakyRelu{}.OpName():                      lookupOperator,
	qnn.Logistic{}.OpName():                       lookupOperator,
	qnn.Tanh{}.OpName():                           lookupOperator,
	qnn.Table{}.OpName():                          lookupOperator,
	qnn.HardSwish{}.OpName():                      lookupOperator,

	qnn.Add{}.OpName():     pairOperator,
	qnn.Sub{}.OpName():     pairOperator,
	qnn.Mul{}.OpName():     pairOperator,
	qnn.Maximum{}.OpName(): pairOperator,
	qnn.Minimum{}.OpName(): pairOperator,
	qnn.PRelu{}.OpName():   pairOperator,
	qnn.Div{}.OpName():     pairOperator,

	qnn.Mean{}.OpName():           meanOperator,
	qnn.Softmax{}.OpName():        softmaxOperator,
	qnn.L2Norm{}.OpName():         l2normOperator,
	qnn.ArgMax{}.OpName():         argMaxOperator,
	qnn.ResizeBilinear{}.OpName(): bilinearOperator,
	qnn.ResizeNearest{}.OpName():  nearestOperator,

	qnn.Slice{}.OpName():        moveOperator,
	qnn.StridedSlice{}.OpName(): moveOperator,
	qnn.Split{}.OpName():        moveOperator,
	qnn.SplitV{}.OpName():       moveOperator,
	qnn.Pack{}.OpName():         moveOperator,
	qnn.Unpack{}.OpName():       moveOperator,
	qnn.Transpose{}.OpName():    moveOperator,
	qnn.SpaceToDepth{}.OpName(): moveOperator,
	qnn.DepthToSpace{}.OpName(): moveOperator,
	qnn.BatchToSpace{}.OpName(): moveOperator,
	qnn.SpaceToBatch{}.OpName(): spaceToBatchOperator,
	qnn.Gather{}.OpName():       gatherOperator,
	qnn.MirrorPad{}.OpName():    mirrorPadOperator,

	qnn.AveragePool{}.OpName(): poolOperator,
	qnn.MaxPool{}.OpName():     poolOperator,
	qnn.Concat{}.OpName():      concatOperator,
	qnn.Pad{}.OpName():         padOperator,
}

// useOperator makes s run generated code where there is some.
func (m *Module) useOperator(s *step) error {
	if s.reshapes() {
		s.operator = operator{bind: m.bindReshape(s)}
		return nil
	}
	prepare := operatorMakers[s.node.Op.OpName()]
	if prepare == nil {
		return nil
	}
	o, ok, err := prepare(m, s.node)
	if err != nil {
		return fmt.Errorf("%s: %w", m.graph.Label(s.node), err)
	}
	if ok {
		s.operator = o
	}
	return nil
}

// bindReshape has nothing to do, unless the operand is a constant: see aliases.
func (m *Module) bindReshape(s *step) binder {
	x, y := s.node.Inputs[0], s.node.Outputs[0]
	return func(mem *memory, _ int) ([][]kernels.Part, error) {
		if !m.graph.Tensors[x].IsConst() {
			return nil, nil
		}
		return onePart(func() error { copy(mem.buffers[y], m.graph.Tensors[x].Data); return nil }), nil
	}
}

// over tells whether the result of n and all its operands have one of types.
func (m *Module) over(n *qnn.Node, types ...qnn.DType) bool {
	for i := range n.Inputs {
		if x := m.graph.Input(n, i); x == nil || !slices.Contains(types, x.Type) {
			return false
		}
	}
	return slices.Contains(types, m.graph.Output(n, 0).Type)
}

// lookupOperator makes each byte of one byte, by a table.
func lookupOperator(m *Module, n *qnn.Node) (o operator, ok bool, err error) {
	if !m.over(n, qnn.Uint8, qnn.Int8) {
		return o, false, nil
	}
	return m.lookupOf(n, 0)
}

// lookupOf looks up the bytes of operand i of n; all others are constant.
func (m *Module) lookupOf(n *qnn.Node, i int) (o operator, ok bool, err error) {
	x, y := n.Inputs[i], n.Outputs[0]
	shape, ok := shape4(flat(m.graph.Tensors[y].Shape))
	if !ok {
		return o, false, nil
	}
	table, err := tabulate(m.graph, n, i)
	if err != nil {
		return o, false, err
	}
	return spanOperator(func(mem *memory, threads int) ([]kernels.Part, error) {
		return m.lookup((*[256]byte)(table), mem, spans(shape, mem.cellsOf(y, shape), mem.cellsOf(x, shape), nil), x, y, threads)
	}), true, nil
}

// flat returns s, in one dimension if it has more than four.
func flat(s qnn.Shape) qnn.Shape {
	if len(s) > 4 {
		return qnn.Shape{s.Elems()}
	}
	return s
}

// spanOperator is an operator of one phase that can step over any gaps.
func spanOperator(parts func(mem *memory, threads int) ([]kernels.Part, error)) operator {
	return operator{reads: anyGaps, writes: anyGaps, bind: func(mem *memory, threads int) ([][]kernels.Part, error) {
		p, err := parts(mem, threads)
		return [][]kernels.Part{p}, err
	}}
}

// lookup returns the parts that look up all spans of x.
func (m *Module) lookup(table *[256]byte, mem *memory, all []span, x, y qnn.TensorID, threads int) ([]kernels.Part, error) {
	var parts []kernels.Part
	for _, s := range all {
		more, err := m.shared.operators.Lookup(table, s.Rows, mem.bytes(x)[s.in:], mem.bytes(y)[s.out:], threads)
		if err != nil {
			return nil, err
		}
		parts = append(parts, more...)
	}
	return parts, nil
}

// poolOperator is AVERAGE_POOL_2D or MAX_POOL_2D.
func poolOperator(m *Module, n *qnn.Node) (o operator, ok bool, err error) {
	if !m.over(n, qnn.Uint8) {
		return o, false, nil
	}
	x, y := n.Inputs[0], n.Outputs[0]
	in := m.graph.Tensors[x].Shape
	r := kernels.PoolResult{}
	var pool qnn.Pool
	switch op := n.Op.(type) {
	case qnn.AveragePool:
		pool, r.Average = op.Pool, true
		if n.FromInt8 {
			r.AwayFrom = 128
		}
	case qnn.MaxPool:
		pool = op.Pool
	}
	win, oh, ow, err := pool.Over(in[1], in[2])
	if err != nil {
		return o, false, err
	}
	lo, hi := qnn.ActivationRange(pool.Activation, m.graph.Output(n, 0))
	r.Least, r.Max = byte(lo), byte(hi)
	a := kernels.PoolArea{N: in[0], H: in[1], W: in[2], C: in[3], OH: oh, OW: ow, Window: win}
	return spanOperator(func(mem *memory, threads int) ([]kernels.Part, error) {
		return m.shared.operators.Pool(a, r, mem.view(x), mem.view(y), threads)
	}), true, nil
}
