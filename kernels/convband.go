package kernels

import (
	"unsafe"

	"qtune/kernels/emit"
	"qtune/kernels/pack"
)

func (k *convKernel) link() link {
	w := k.Workload
	return link{rows: w.OH(), step: 1, height: w.H, stride: w.StrideH, reach: (w.KH-1)*w.DilationH + 1, above: w.PadTop}
}

// leads: all pixels of a row fill a tile of form=flat.
func (k *convKernel) leads() bool { return !k.Flat || k.Workload.OW() >= k.Big }

// follows: a convolution of single pixels.
func (k *convKernel) follows() bool {
	w := k.Workload
	pointwise := w.KH == 1 && w.KW == 1 && w.StrideH == 1 && w.StrideW == 1 && w.PadTop|w.PadLeft|w.PadBottom|w.PadRight == 0
	return pointwise && (k.widened() || !k.Copy) && k.leads()
}

// makeRows adds calls for the rows: the input is widened, and its windows summed,
// for them alone.
func (k *convKernel) makeRows(b *Bound, s *strip, rows chunk) error {
	w := k.Workload
	table := s.table
	first := rows.at * w.StrideH // in the table
	if s.own && k.widened() {
		table, first = k.widenRows(b, s, rows), 0
	}
	args := emit.Args{
		Weights: addressOf(b.p.weights, 0), Params: addressOf(b.p.blocks, 0), Consts: addressOf(b.p.consts, 0),
		OutRow: int64(s.outRow), OutPix: int64(s.outPix),
		NRows: 1, Big: int64(k.BigN), Small: int64(k.SmallN),
		Blocks: int64(k.FullBlocks), Tail: int64(k.Blocks() - k.FullBlocks),
	}
	made := region{image: s.image, y: rows.at, rows: rows.n, pixels: w.OW(), channels: w.O}
	if k.Sums {
		args.Sums = addressOf(b.buffer(&b.sumsOf, s.thread, 4*rows.n*w.OW()), 0)
	}
	args.Out = s.out(rows.at)
	if !k.Flat {
		args.NRows = int64(rows.n)
		args.Rows = uintptr(unsafe.Pointer(&table[first]))
		args.PrefetchStep = k.prefetchStep(rows.n * (k.BigN + k.SmallN))
		if k.Sums {
			sums := args
			sums.Big = int64(w.OW())
			b.call(progPrepare, sums)
		}
		return b.compute(args, made, s.thread)
	}
	var calls []emit.Args
	for n := 0; n < rows.n; {
		run := 1
		for n+run < rows.n && table[first+n+run] == table[first+n]+uint64(run*w.W*k.PixelBytes) {
			run++
		}
		a := args
		a.Rows = uintptr(unsafe.Pointer(&table[first+n]))
		a.Sums += uintptr(4 * n * w.OW())
		if k.Sums {
			sums := a
			sums.Big = int64(run * w.OW())
			b.call(progPrepare, sums)
		}
		a.Out += uintptr(n * w.OW() * s.outPix)
		calls = append(calls, k.tileCalls(b, a, run*w.OW())...)
		n += run
	}
	return b.computeAll(calls, made, s.thread)
}

// tileCalls cuts pixels that follow each other in tiles. Where those of the two
// sizes that there are do not make it, the last one is computed again in part.
func (k *convKernel) tileCalls(b *Bound, args emit.Args, pixels int) []emit.Args {
	n := (pixels + k.Big - 1) / k.Big
	small := n*k.Big - pixels
	if small == 0 || k.SmallN > 0 && small <= n {
		args.Big, args.Small = int64(n-small), int64(small)
		args.PrefetchStep = k.prefetchStep(n)
		return []emit.Args{args}
	}
	args.Big, args.Small = int64(n-1), 0
	args.PrefetchStep = k.prefetchStep(n - 1)
	rest := args
	at := pixels - k.Big
	base := *(*uint64)(unsafe.Pointer(args.Rows))
	entry := []uint64{base + uint64(at*k.PixelBytes)}
	b.tables = append(b.tables, entry)
	rest.Rows = uintptr(unsafe.Pointer(&entry[0]))
	rest.Out += uintptr(at) * uintptr(args.OutPix)
	rest.Sums += uintptr(4 * at)
	rest.Big = 1
	return []emit.Args{args, rest}
}

// widenRows adds calls that widen rows of a ring, and returns the addresses of
// what they make.
func (k *convKernel) widenRows(b *Bound, s *strip, rows chunk) []uint64 {
	w := k.Workload
	bytes := w.W * k.PixelBytes
	wide := b.buffer(&b.wideOf, s.thread, rows.n*bytes+scratchSlack)
	table := make([]uint64, rows.n)
	for i := range table {
		table[i] = uint64(addressOf(wide, i*bytes))
	}
	b.tables = append(b.tables, table)
	for n := 0; n < rows.n; {
		run := 1
		for n+run < rows.n && s.table[rows.at+n+run] == s.table[rows.at+n]+uint64(run*w.W*w.C) {
			run++
		}
		b.call(progPrepare, emit.Args{
			In: uintptr(s.table[rows.at+n]), InRow: int64(w.W * w.C),
			Out: uintptr(table[n]), OutRow: int64(bytes),
			NRows: int64(run), Consts: addressOf(b.p.prepare, 0),
		})
		n += run
	}
	return table
}

// buffer returns memory of a thread's own.
func (b *Bound) buffer(list *[][]byte, thread, bytes int) []byte {
	for len(*list) <= thread {
		*list = append(*list, nil)
	}
	if len((*list)[thread]) < bytes {
		(*list)[thread] = pack.Aligned(bytes)
		b.keep = append(b.keep, (*list)[thread])
	}
	return (*list)[thread][:bytes]
}
