package kernels

import (
	"unsafe"

	"qtune/kernels/emit"
)

func (k *convKernel) link() link {
	w := k.Workload
	return link{rows: w.OH(), step: 1, height: w.H, stride: w.StrideH, reach: (w.KH-1)*w.DilationH + 1, above: w.PadTop}
}

// makesAnyRows: the pixels of a row fill a tile, where tiles are not cut by rows.
func (k *convKernel) makesAnyRows() bool {
	return k.Stack == nil && (!k.Flat || k.Workload.OW() >= k.Big)
}

// readsAnyRows: a window of one pixel, so that rows are prepared once.
func (k *convKernel) readsAnyRows() bool {
	return k.Workload.Pointwise() && (k.widened() || !k.Copy)
}

// prepared is the size of widened rows or of window sums.
func (k *convKernel) prepared(rows int, ring bool) int {
	switch {
	case k.Sums:
		return 4 * rows * k.Workload.OW()
	case k.widened() && ring:
		return rows*k.Workload.W*k.PixelBytes + scratchSlack
	}
	return 0
}

// makeRows adds calls that make some rows. Their input is widened, or its windows
// are summed, just before.
func (k *convKernel) makeRows(b *Bound, s *strip, rows chunk) error {
	w := k.Workload
	table := s.table[rows.at*w.StrideH:]
	if s.ring && k.widened() {
		table = k.widenRows(b, s, rows)
	}
	args := k.allBlocks(b)
	args.Out, args.OutRow, args.OutPix = s.out(rows.at), int64(s.outRow), int64(s.outPix)
	args.Sums = addressOf(s.prepared, 0)
	calls := k.calls(b, args, table, rows.n)
	made := region{image: s.image, y: rows.at, rows: rows.n, pixels: w.OW(), channels: w.O}
	return b.compute(calls, made, s.thread)
}

// calls returns the calls for n rows whose input rows are in the table, and adds
// those that sum their windows.
func (k *convKernel) calls(b *Bound, args emit.Args, table []uint64, n int) []emit.Args {
	args.Rows = uintptr(unsafe.Pointer(&table[0]))
	if !k.Flat {
		args.NRows, args.Big, args.Small = int64(n), int64(k.BigN), int64(k.SmallN)
		args.PrefetchStep = k.prefetchStep(n * (k.BigN + k.SmallN))
		k.sum(b, args, k.Row)
		return []emit.Args{args}
	}
	var list []emit.Args
	for at := 0; at < n; {
		run := runOf(table[at:n], k.Workload.W*k.PixelBytes)
		a := args
		a.NRows = 1
		a.Rows = uintptr(unsafe.Pointer(&table[at]))
		a.Out += uintptr(at*k.Workload.OW()) * uintptr(a.OutPix)
		a.Sums += uintptr(4 * at * k.Workload.OW())
		k.sum(b, a, run*k.Workload.OW())
		list = append(list, k.tiles(b, a, table[at], run*k.Workload.OW())...)
		at += run
	}
	return list
}

// runOf counts the rows at the beginning of a table that follow each other in
// memory.
func runOf(table []uint64, bytes int) int {
	n := 1
	for n < len(table) && table[n] == table[n-1]+uint64(bytes) {
		n++
	}
	return n
}

// sum adds the call that sums the windows of all rows of args, if there is one.
func (k *convKernel) sum(b *Bound, args emit.Args, pixels int) {
	if k.Sums {
		args.Big = int64(pixels)
		b.call(progPrepare, args)
	}
}

// tiles cuts pixels that follow each other, from address in on, into the tiles that
// a flat kernel has. Where they do not fit, the last one makes some pixels again.
func (k *convKernel) tiles(b *Bound, args emit.Args, in uint64, pixels int) []emit.Args {
	n := (pixels + k.Big - 1) / k.Big
	small := n*k.Big - pixels
	args.PrefetchStep = k.prefetchStep(n)
	if small == 0 || k.SmallN > 0 && small <= n {
		args.Big, args.Small = int64(n-small), int64(small)
		return []emit.Args{args}
	}
	args.Big, args.Small = int64(n-1), 0
	last, at := args, pixels-k.Big
	table := []uint64{in + uint64(at*k.PixelBytes)}
	b.tables = append(b.tables, table)
	last.Rows = uintptr(unsafe.Pointer(&table[0]))
	last.Out += uintptr(at) * uintptr(args.OutPix)
	last.Sums += uintptr(4 * at)
	last.Big = 1
	return []emit.Args{args, last}
}

// widenRows adds calls that widen rows of a ring, and returns the table of what
// they make.
func (k *convKernel) widenRows(b *Bound, s *strip, rows chunk) []uint64 {
	w := k.Workload
	table := make([]uint64, rows.n)
	for i := range table {
		table[i] = uint64(addressOf(s.prepared, i*w.W*k.PixelBytes))
	}
	b.tables = append(b.tables, table)
	from := s.table[rows.at:][:rows.n]
	for at := 0; at < rows.n; {
		run := runOf(from[at:], w.W*w.C)
		b.call(progPrepare, emit.Args{
			In: uintptr(from[at]), InRow: int64(w.W * w.C),
			Out: uintptr(table[at]), OutRow: int64(w.W * k.PixelBytes),
			NRows: int64(run), Consts: addressOf(b.p.prepare, 0),
		})
		at += run
	}
	return table
}
