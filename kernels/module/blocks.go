package module

import (
	"qtune/kernels"
	"qtune/qnn"
)

// blockMoves returns the moves between a tensor and its form in which the cells
// of each block lie in the batch: one for each cell of a block. toSpace is their
// direction.
func blockMoves(space, batch qnn.TensorID, spaceShape, batchShape qnn.Shape, b *qnn.Blocks, toSpace bool) []move {
	var all []move
	sp, ba := steps(spaceShape), steps(batchShape)
	for phase := range b.Count() {
		v := kernels.Moves{Shape: []int{spaceShape[0]}}
		inSpace, inBatch := []int{sp[0]}, []int{ba[0]}
		spaceAt, batchAt := 0, phase*spaceShape[0]*ba[0]
		rest := phase
		cells := make([]int, len(b.Extent))
		for i := len(b.Extent) - 1; i >= 0; i-- {
			cells[i] = rest % b.Extent[i]
			rest /= b.Extent[i]
		}
		for i := range spaceShape[1:] {
			d := i + 1
			extent, first, cell, count := 1, 0, 0, spaceShape[d]
			if i < len(b.Extent) {
				extent = b.Extent[i]
				first, cell, count = neighbours(spaceShape[d], extent, cells[i]-b.Cells[i][0])
			}
			v.Shape = append(v.Shape, count)
			inSpace, inBatch = append(inSpace, extent*sp[d]), append(inBatch, ba[d])
			spaceAt += cell * sp[d]
			batchAt += first * ba[d]
		}
		m := move{space, batch, v}
		m.In, m.Out, m.InAt, m.OutAt = inSpace, inBatch, spaceAt, batchAt
		if toSpace {
			m.from, m.to = batch, space
			m.In, m.Out, m.InAt, m.OutAt = inBatch, inSpace, batchAt, spaceAt
		}
		all = append(all, m)
	}
	return all
}

// spaceToBatchOperator is SPACE_TO_BATCH_ND: moves, over a fill if there is
// padding.
func spaceToBatchOperator(m *Module, n *qnn.Node) (o operator, ok bool, err error) {
	o, ok, err = moveOperator(m, n)
	if err != nil || !ok {
		return o, ok, err
	}
	b, err := m.graph.BlocksOf(n)
	if err != nil {
		return o, false, err
	}
	padded := false
	for _, c := range b.Cells {
		padded = padded || c != [2]int{}
	}
	if !padded {
		return o, true, nil
	}
	moves, zero := o.bind, byte(0)
	switch y := m.graph.Output(n, 0); {
	case y.Type.Is8Bit():
		zero = byte(y.Quant.Zero[0])
	case len(y.Quant.Zero) > 0 && y.Quant.Zero[0] != 0: // of int16
		return operator{}, false, nil
	}
	o.bind = func(mem *memory, threads int) ([][]kernels.Part, error) {
		out := mem.bytes(n.Outputs[0])
		phases, err := moves(mem, threads)
		return append(onePart(func() error { fill(out, zero); return nil }), phases...), err
	}
	return o, true, nil
}
