package kernels

import (
	"fmt"
	"math"
	"slices"
	"unsafe"

	"qtune/kernels/emit"
	"qtune/kernels/emu"
	"qtune/kernels/pack"
)

// Moves describes an operator that only moves bytes: runs of Run bytes, one for
// each index of Shape. Neighbours along each dimension are In and Out bytes apart
// (In may be 0 or negative), the first runs are at InAt and OutAt.
type Moves struct {
	Shape, In, Out []int
	InAt, OutAt    int
	Run            int
}

// check refuses buffers that do not hold m.
func (m *Moves) check(in, out []byte) error {
	bad := m.Run < 1 || len(m.In) != len(m.Shape) || len(m.Out) != len(m.Shape) || slices.ContainsFunc(m.Shape, func(n int) bool { return n < 0 })
	holds := func(at int, strides []int, n int) bool {
		low, high := at, at+m.Run
		for i, s := range strides {
			low, high = low+min(0, (m.Shape[i]-1)*s), high+max(0, (m.Shape[i]-1)*s)
		}
		return low >= 0 && high <= n
	}
	if bad || !slices.Contains(m.Shape, 0) && (!holds(m.InAt, m.In, len(in)) || !holds(m.OutAt, m.Out, len(out))) {
		return fmt.Errorf("%d and %d bytes do not hold the operands of %+v", len(in), len(out), *m)
	}
	return nil
}

// simplify drops dimensions of one element, makes runs as long as they are in
// both operands, and merges dimensions.
func (m *Moves) simplify() Moves {
	s := Moves{InAt: m.InAt, OutAt: m.OutAt, Run: m.Run}
	for i := len(m.Shape) - 1; i >= 0; i-- { // innermost first
		n, in, out := m.Shape[i], m.In[i], m.Out[i]
		last := len(s.Shape) - 1
		switch {
		case n == 1:
		case last < 0 && in == s.Run && out == s.Run:
			s.Run *= n
		case last >= 0 && in == s.In[last]*s.Shape[last] && out == s.Out[last]*s.Shape[last]:
			s.Shape[last] *= n
		default:
			s.Shape, s.In, s.Out = append(s.Shape, n), append(s.In, in), append(s.Out, out)
		}
	}
	slices.Reverse(s.Shape)
	slices.Reverse(s.In)
	slices.Reverse(s.Out)
	return s
}

// maxRuns is how many runs the table of a line has at most.
const maxRuns = 2048

// Move returns the parts that move bytes of in to out, which must not overlap.
// Nothing is written between the runs.
func (o *Operators) Move(m Moves, in, out []byte, threads int) ([]Part, error) {
	if err := m.check(in, out); err != nil {
		return nil, err
	}
	if slices.Contains(m.Shape, 0) {
		return nil, nil
	}
	return o.move(m.simplify(), in, out, threads)
}

// move is Move for a simple m.
func (o *Operators) move(m Moves, in, out []byte, threads int) ([]Part, error) {
	if len(m.Shape) == 0 {
		return copies(out[m.OutAt:][:m.Run], in[m.InAt:], threads), nil
	}
	runs, first := 1, len(m.Shape) // of the dimensions in a table
	for first > 0 && runs*m.Shape[first-1] <= maxRuns {
		first--
		runs *= m.Shape[first]
	}
	if first > 0 && maxRuns/runs > 1 { // fill the table with a part of the next
		whole, rest := m.split(first-1, maxRuns/runs)
		parts, err := o.move(whole, in, out, threads)
		if err != nil || rest.Shape[first-1] == 0 {
			return parts, err
		}
		more, err := o.move(rest, in, out, 1)
		return append(parts, more...), err
	}
	table := make([]emit.MoveRun, 0, runs)
	eachIndex(m.Shape[first:], m.In[first:], m.Out[first:], func(in, out int) {
		table = append(table, emit.MoveRun{In: int32(in), Out: int32(out)})
	})
	var lines []emit.MoveLine
	eachIndex(m.Shape[:first], m.In[:first], m.Out[:first], func(x, y int) {
		lines = append(lines, emit.MoveLine{In: addressOf(in, m.InAt+x), Out: addressOf(out, m.OutAt+y)})
	})
	return o.moveLines(lines, table, m.Run, in, out, threads)
}

// split cuts dimension i into whole parts of k and the rest.
func (m *Moves) split(i, k int) (whole, rest Moves) {
	n := m.Shape[i] / k
	whole, rest = *m, *m
	whole.Shape = slices.Insert(slices.Clone(m.Shape), i, n)
	whole.Shape[i+1] = k
	whole.In = slices.Insert(slices.Clone(m.In), i, k*m.In[i])
	whole.Out = slices.Insert(slices.Clone(m.Out), i, k*m.Out[i])
	rest.Shape = slices.Clone(m.Shape)
	rest.Shape[i] -= n * k
	rest.InAt += n * k * m.In[i]
	rest.OutAt += n * k * m.Out[i]
	return whole, rest
}

// eachIndex calls f with the offsets of every index of a shape.
func eachIndex(shape, in, out []int, f func(in, out int)) {
	if len(shape) == 0 {
		f(0, 0)
		return
	}
	for i := range shape[0] {
		eachIndex(shape[1:], in[1:], out[1:], func(x, y int) { f(x+i*in[0], y+i*out[0]) })
	}
}

// copies shares a copy among threads.
func copies(out, in []byte, threads int) []Part {
	var parts []Part
	for _, c := range chunksOf(len(out), max(1, min(threads, len(out)/4096), len(out)/maxCall)) {
		to, from := out[c.at:][:c.n], in[c.at:][:c.n]
		parts = append(parts, func() error { copy(to, from); return nil })
	}
	return parts
}

// moveLines returns the parts that copy the runs of lines: vector by vector where
// the runs are short and their bytes lie close together, otherwise run by run.
func (o *Operators) moveLines(lines []emit.MoveLine, table []emit.MoveRun, run int, in, out []byte, threads int) ([]Part, error) {
	if max(len(in), len(out)) > math.MaxInt32 {
		return nil, fmt.Errorf("moves in %d and %d bytes, more than 2 GB", len(in), len(out))
	}
	op := operator{name: "move", piece: emit.PieceFor(o.isa, run), size: run}
	if run > emit.MaxShortRun {
		op.size = 0
	}
	params, items, size := bufferOf("runs", table), len(table), int(unsafe.Sizeof(table[0]))
	if plan, ok := pack.PlanShuffle(table, run); ok {
		op = operator{name: "shuffle", size: plan.Windows}
		params, items = buffer{"records", plan.Records, emu.Read}, plan.Vectors
		size, _ = emit.ShuffleRecord(plan.Windows)
	}
	code, err := o.load(op)
	if err != nil {
		return nil, err
	}
	const cost = 16 // a run costs as much as so many bytes
	calls := max(threads, len(lines)*len(table)*(run+cost)/maxCall)
	var args []emit.Args
	for _, l := range chunksOf(len(lines), calls) {
		for _, t := range chunksOf(items, (threads+len(lines)-1)/len(lines)) {
			a := emit.Args{Rows: uintptr(unsafe.Pointer(&lines[l.at])), NRows: int64(l.n), Params: addressOf(params.data, t.at*size), Big: int64(t.n)}
			if op.name == "move" {
				a.Blocks, a.Tail = int64(run/int(op.piece)), int64(run%int(op.piece))
			}
			args = append(args, a)
		}
	}
	return o.parts(code, args, buffer{"input", in, emu.Read}, buffer{"output", out, emu.Read | emu.Write}, bufferOf("lines", lines), params)
}

// ResizeNearest returns the parts that copy the nearest pixel of in to each of
// out.
func (o *Operators) ResizeNearest(a ResizeArea, in, out View, threads int) ([]Part, error) {
	if err := a.check(in, out); err != nil {
		return nil, err
	}
	var table []emit.MoveRun
	for x, from := range pack.Nearest(a.W, a.OW, a.Resize) {
		table = append(table, emit.MoveRun{In: int32(from * in.PixelStride), Out: int32(x * out.PixelStride)})
	}
	rows := pack.Nearest(a.H, a.OH, a.Resize)
	var lines []emit.MoveLine
	for n := range a.N {
		for y, from := range rows {
			lines = append(lines, emit.MoveLine{In: addressOf(in.Data, in.Offset+n*in.ImageStride+from*in.RowStride),
				Out: addressOf(out.Data, out.Offset+n*out.ImageStride+y*out.RowStride)})
		}
	}
	return o.moveLines(lines, table, a.C, in.Data, out.Data, threads)
}
