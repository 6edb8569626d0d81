package module

import (
	"qtune/kernels"
	"qtune/qnn"
)

// A concatenation is a CONCATENATION seen as [outer][bytes of all operands].
type concatenation struct {
	m      *Module
	node   *qnn.Node
	outer  int
	inner  int // bytes of one index of the axis
	axis   int
	tables []*[256]byte // by operand: how its bytes change; nil where they do not
}

// concatOperator copies or looks up the operands that do not lie in the result
// already.
func concatOperator(m *Module, n *qnn.Node) (o operator, ok bool, err error) {
	op := n.Op.(qnn.Concat)
	t := m.graph.Output(n, 0)
	c := &concatenation{m: m, node: n, axis: op.Axis, tables: make([]*[256]byte, len(n.Inputs))}
	if c.axis < 0 {
		c.axis += len(t.Shape)
	}
	if op.Activation != qnn.NoActivation || t.Type.Size() < 1 {
		return o, false, nil
	}
	c.outer = qnn.Shape(t.Shape[:c.axis]).Elems()
	c.inner = qnn.Shape(t.Shape[c.axis+1:]).Elems() * t.Type.Size()
	for i, x := range n.Inputs {
		if tx := &m.graph.Tensors[x]; t.Type.Is8Bit() && !sameQuant(tx, t) {
			one := qnn.Node{Op: qnn.Concat{}, Inputs: n.Inputs[i : i+1], Outputs: n.Outputs, FromInt8: n.FromInt8}
			table, err := tabulate(m.graph, &one, 0)
			if err != nil {
				return o, false, err
			}
			c.tables[i] = (*[256]byte)(table)
		}
	}
	o = spanOperator(c.parts)
	if !c.ofChannels() {
		o.reads, o.writes = noGaps, noGaps
	}
	return o, true, nil
}

// ofChannels tells whether the operands are channels of an image of bytes.
func (c *concatenation) ofChannels() bool {
	t := c.m.graph.Output(c.node, 0)
	return c.axis == 3 && len(t.Shape) == 4 && t.Type.Size() == 1
}

func (c *concatenation) parts(mem *memory, threads int) ([]kernels.Part, error) {
	y := c.node.Outputs[0]
	var parts []kernels.Part
	at := 0
	for i, x := range c.node.Inputs {
		per := c.m.graph.Tensors[x].Shape[c.axis] * c.inner
		first := at
		at += per
		if mem.aliases.inPlace[y] != nil && mem.aliases.inPlace[y][i] {
			continue
		}
		var all []span
		if c.ofChannels() {
			shape := [4]int(c.m.graph.Tensors[x].Shape)
			out := mem.cellsOf(y, [4]int(c.m.graph.Tensors[y].Shape))
			out.at += first
			all = spans(shape, out, mem.cellsOf(x, shape), nil)
		} else {
			total := len(mem.bytes(y)) / c.outer
			all = spans([4]int{1, 1, c.outer, per},
				cells{first, [3]int{0, 0, total}}, cells{0, [3]int{0, 0, per}}, nil)
		}
		more, err := c.move(mem, i, all, threads)
		if err != nil {
			return nil, err
		}
		parts = append(parts, more...)
	}
	return parts, nil
}

// move returns the parts that move spans of operand i.
func (c *concatenation) move(mem *memory, i int, all []span, threads int) ([]kernels.Part, error) {
	x, y := c.node.Inputs[i], c.node.Outputs[0]
	if c.tables[i] != nil {
		return c.m.lookup(c.tables[i], mem, all, x, y, threads)
	}
	var parts []kernels.Part
	for _, s := range all {
		moves := kernels.Moves{Shape: []int{s.Count}, In: []int{s.In}, Out: []int{s.Out}, InAt: s.in, OutAt: s.out, Run: s.Bytes}
		more, err := c.m.shared.operators.Move(moves, mem.bytes(x), mem.bytes(y), threads)
		if err != nil {
			return nil, err
		}
		parts = append(parts, more...)
	}
	return parts, nil
}
