package module

import (
	"fmt"
	"slices"

	"qtune/kernels"
	"qtune/qnn"
)

// A move is some of the bytes of an operand that become some of a result.
type move struct {
	from, to qnn.TensorID
	kernels.Moves
}

// maxMoves bounds the moves of an operator: a small file can describe any number
// of them, for each of which memory is needed. Beyond, the interpreter runs it.
const maxMoves = 1 << 13

// moveOperator is an operator that only moves elements, of dense tensors.
func moveOperator(m *Module, n *qnn.Node) (o operator, ok bool, err error) {
	switch n.Op.(type) {
	case qnn.SpaceToBatch, qnn.BatchToSpace:
		if b, err := m.graph.BlocksOf(n); err != nil || b.Count() > maxMoves {
			return o, false, err
		}
	}
	all, err := m.movesOf(n)
	if err != nil {
		return o, false, err
	}
	return m.moves(n, all)
}

// moves is the operator of the given moves of elements.
func (m *Module) moves(n *qnn.Node, all []move) (o operator, ok bool, err error) {
	size := m.graph.Output(n, 0).Type.Size()
	if size < 1 {
		return o, false, nil
	}
	for i := range all { // from elements to bytes
		v := &all[i].Moves
		v.InAt, v.OutAt, v.Run = v.InAt*size, v.OutAt*size, size
		for d := range v.Shape {
			v.In[d], v.Out[d] = v.In[d]*size, v.Out[d]*size
		}
	}
	return operator{bind: func(mem *memory, threads int) ([][]kernels.Part, error) {
		var parts []kernels.Part
		for _, v := range all {
			more, err := m.shared.operators.Move(v.Moves, mem.bytes(v.from), mem.bytes(v.to), threads)
			if err != nil {
				return nil, err
			}
			parts = append(parts, more...)
		}
		return [][]kernels.Part{parts}, nil
	}}, true, nil
}

// movesOf describes the moves of n, in elements.
func (m *Module) movesOf(n *qnn.Node) ([]move, error) {
	switch op := n.Op.(type) {
	case qnn.Slice:
		ranges, err := m.graph.SliceRanges(n)
		return m.pickRanges(n, ranges), err
	case qnn.StridedSlice:
		ranges, err := m.graph.StridedRanges(n)
		return m.pickRanges(n, ranges), err
	case qnn.Transpose:
		perm, err := m.graph.Permutation(n)
		if err != nil {
			return nil, err
		}
		x, y := m.graph.Input(n, 0).Shape, m.graph.Output(n, 0).Shape
		from := steps(x)
		in := make([]int, len(perm))
		for i, p := range perm {
			in[i] = from[p]
		}
		return one(n, y, in, steps(y)), nil
	case qnn.SpaceToDepth:
		b, s, st := op.Block, m.graph.Output(n, 0).Shape, steps(m.graph.Input(n, 0).Shape)
		shape := []int{s[0], s[1], s[2], b, b, s[3] / b / b}
		return one(n, shape, []int{st[0], b * st[1], b * st[2], st[1], st[2], 1}, steps(shape)), nil
	case qnn.DepthToSpace:
		b, x, st := op.Block, m.graph.Input(n, 0).Shape, steps(m.graph.Output(n, 0).Shape)
		shape := []int{x[0], x[1], x[2], b, b, x[3] / b / b}
		return one(n, shape, steps(shape), []int{st[0], b * st[1], b * st[2], st[1], st[2], 1}), nil
	case qnn.SpaceToBatch, qnn.BatchToSpace:
		b, err := m.graph.BlocksOf(n)
		if err != nil {
			return nil, err
		}
		x, y := n.Inputs[0], n.Outputs[0]
		if _, toSpace := op.(qnn.BatchToSpace); toSpace {
			return blockMoves(y, x, m.graph.Tensors[y].Shape, m.graph.Tensors[x].Shape, b, true), nil
		}
		return blockMoves(x, y, m.graph.Tensors[x].Shape, m.graph.Tensors[y].Shape, b, false), nil
	case qnn.Split:
		return m.splitAlong(n, 1, 0)
	case qnn.SplitV:
		return m.splitAlong(n, 0, 2)
	case qnn.Pack:
		return m.stacked(n.Inputs, n.Outputs[0], op.Axis, false), nil
	case qnn.Unpack:
		return m.stacked(n.Outputs, n.Inputs[0], op.Axis, true), nil
	}
	panic("BUG: module: " + n.Op.OpName() + " does not only move elements")
}

// one is a single move of the elements of shape.
func one(n *qnn.Node, shape, in, out []int) []move {
	return []move{{n.Inputs[0], n.Outputs[0], kernels.Moves{Shape: shape, In: in, Out: out}}}
}

// steps returns the distance of neighbours along each dimension of s.
func steps(s []int) []int {
	st := make([]int, len(s))
	step := 1
	for i := len(s) - 1; i >= 0; i-- {
		st[i] = step
		step *= s[i]
	}
	return st
}

// pickRanges moves what ranges select of the operand.
func (m *Module) pickRanges(n *qnn.Node, ranges []qnn.Range) []move {
	v := kernels.Moves{}
	st := steps(m.graph.Input(n, 0).Shape)
	for i, r := range ranges {
		v.Shape = append(v.Shape, r.Count)
		v.In = append(v.In, r.Step*st[i])
		v.InAt += r.First * st[i]
	}
	v.Out = steps(v.Shape)
	return []move{{n.Inputs[0], n.Outputs[0], v}}
}

// splitAlong moves each result's part of operand data along the axis that the
// operand axisInput names.
func (m *Module) splitAlong(n *qnn.Node, data, axisInput int) ([]move, error) {
	x := m.graph.Input(n, data).Shape
	axis, err := m.graph.Axis(n, axisInput, len(x))
	if err != nil {
		return nil, err
	}
	var all []move
	st, first := steps(x), 0
	for _, y := range n.Outputs {
		s := m.graph.Tensors[y].Shape
		all = append(all, move{n.Inputs[data], y, kernels.Moves{Shape: s, In: slices.Clone(st), Out: steps(s), InAt: first}})
		first += s[axis] * st[axis]
	}
	return all, nil
}

// stacked moves parts of one shape to (or, for UNPACK, from) their places along
// an axis that whole has more.
func (m *Module) stacked(parts []qnn.TensorID, whole qnn.TensorID, axis int, unpack bool) []move {
	shape := m.graph.Tensors[whole].Shape
	if axis < 0 {
		axis += len(shape)
	}
	st := steps(shape)
	kept := slices.Concat(st[:axis], st[axis+1:])
	var all []move
	for i, p := range parts {
		s := m.graph.Tensors[p].Shape
		v := move{p, whole, kernels.Moves{Shape: s, In: steps(s), Out: slices.Clone(kept), OutAt: i * st[axis]}}
		if unpack {
			v = move{whole, p, kernels.Moves{Shape: s, In: slices.Clone(kept), Out: steps(s), InAt: i * st[axis]}}
		}
		all = append(all, v)
	}
	return all
}

// gathered moves for each constant index, of each batch, the slice that it names.
func (m *Module) gathered(n *qnn.Node, indices []int, axis, batches int) []move {
	x := m.graph.Input(n, 0).Shape
	batch, outer, run := x[:batches].Elems(), x[batches:axis].Elems(), x[axis+1:].Elems()
	count := len(indices) / batch
	var all []move
	for i, from := range indices {
		b, k := i/count, i%count
		all = append(all, move{n.Inputs[0], n.Outputs[0], kernels.Moves{
			Shape: []int{outer, run}, In: []int{x[axis] * run, 1}, Out: []int{count * run, 1},
			InAt: (b*outer*x[axis] + from) * run, OutAt: (b*outer*count + k) * run,
		}})
	}
	return all
}

// gatherOperator is GATHER at constant indices.
func gatherOperator(m *Module, n *qnn.Node) (o operator, ok bool, err error) {
	indices, err := m.graph.Input(n, 1).ConstInts()
	if err != nil {
		return o, false, nil // computed ones
	}
	axis, batches, err := m.graph.GatherAxes(n)
	if err != nil || len(indices) > maxMoves {
		return o, false, err
	}
	extent := m.graph.Input(n, 0).Shape[axis]
	for _, i := range indices {
		if i < 0 || i >= extent {
			return o, false, fmt.Errorf("index %d of %d", i, extent)
		}
	}
	return m.moves(n, m.gathered(n, indices, axis, batches))
}

// mirrorPadOperator is MIRROR_PAD.
func mirrorPadOperator(m *Module, n *qnn.Node) (o operator, ok bool, err error) {
	cells, err := m.graph.Paddings(n)
	if err != nil {
		return o, false, err
	}
	return m.moves(n, m.mirrored(n, cells, n.Op.(qnn.MirrorPad).Symmetric))
}

// mirrored moves the operand, and for each border and corner the part of it that
// is mirrored there, backwards.
func (m *Module) mirrored(n *qnn.Node, cells [][2]int, symmetric bool) []move {
	x, y := m.graph.Input(n, 0).Shape, m.graph.Output(n, 0).Shape
	from, to, border := steps(x), steps(y), 1
	if symmetric {
		border = 0
	}
	all := []kernels.Moves{{}}
	for i, d := range x {
		before, after := cells[i][0], cells[i][1]
		parts := []struct{ count, in, step, out int }{
			{d, 0, 1, before},
			{before, before - 1 + border, -1, 0},
			{after, d - 1 - border, -1, before + d},
		}
		var more []kernels.Moves
		for _, v := range all {
			for _, p := range parts {
				if p.count == 0 {
					continue
				}
				more = append(more, kernels.Moves{
					Shape: append(slices.Clone(v.Shape), p.count),
					In:    append(slices.Clone(v.In), p.step*from[i]), InAt: v.InAt + p.in*from[i],
					Out: append(slices.Clone(v.Out), to[i]), OutAt: v.OutAt + p.out*to[i],
				})
			}
		}
		all = more
	}
	var moves []move
	for _, v := range all {
		moves = append(moves, move{n.Inputs[0], n.Outputs[0], v})
	}
	return moves
}

// nearestOperator is RESIZE_NEAREST_NEIGHBOR of bytes.
func nearestOperator(m *Module, n *qnn.Node) (o operator, ok bool, err error) {
	x, y := m.graph.Input(n, 0), m.graph.Output(n, 0)
	if !x.Type.Is8Bit() {
		return o, false, nil
	}
	in, out := x.Shape, y.Shape
	a := kernels.ResizeArea{N: in[0], H: in[1], W: in[2], C: in[3], OH: out[1], OW: out[2], Resize: n.Op.(qnn.ResizeNearest).Resize}
	return spanOperator(func(mem *memory, threads int) ([]kernels.Part, error) {
		return m.shared.operators.ResizeNearest(a, mem.view(n.Inputs[0]), mem.view(n.Outputs[0]), threads)
	}), true, nil
}
