package kernels

import (
	"encoding/binary"

	"qtune/kernels/emit"
	"qtune/kernels/pack"
)

// stacker returns what adds, to the current part, the calls of form=stack that make
// a region: a few rows at a time are stacked, and computed while they are in the
// first cache. The memory of the rows, their table and window sums is the part's.
func (k *convKernel) stacker(b *Bound) func(args emit.Args, made region, thread int) error {
	s := k.Stack
	sums := (s.Bytes() + 63) &^ 63
	table := sums + (s.SumBytes()+63)&^63
	memory := pack.Aligned(table + 8*s.Rows)
	b.keep = append(b.keep, memory)
	for i := range s.Rows {
		binary.LittleEndian.PutUint64(memory[table+8*i:], uint64(addressOf(memory, i*s.RowBytes)))
	}
	return func(args emit.Args, made region, thread int) error {
		for _, rows := range chunksOf(made.rows, (made.rows+s.Rows-1)/s.Rows) {
			some, at := k.rowsOf(args, rows)
			some.Sums = addressOf(memory, sums)
			stack := some
			stack.Out, stack.OutRow = addressOf(memory, 0), int64(s.RowBytes)
			stack.Consts = addressOf(b.p.prepare, 0)
			b.call(progPrepare, stack)
			some.Rows = addressOf(memory, table)
			part := made
			part.y, part.rows = made.y+at.y, at.rows
			if err := b.compute([]emit.Args{some}, part, thread); err != nil {
				return err
			}
		}
		return nil
	}
}
