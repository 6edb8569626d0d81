package kernels

import (
	"math"
	"unsafe"

	"qtune/kernels/emit"
	"qtune/kernels/pack"
	"qtune/kernels/x86"
	"qtune/qnn"
	"qtune/schedules"
)

// convKernel is the plan of conv2d and dense.
type convKernel struct{ *emit.ConvPlan }

func (k *convKernel) widened() bool { return k.ElementBytes == 2 }

func (k *convKernel) programs() []*x86.Program {
	list := []*x86.Program{emit.Conv(k.ConvPlan)}
	switch {
	case k.widened():
		list = append(list, emit.Widen(k.ISA, k.Workload.W*k.Workload.C))
	case k.Sums:
		list = append(list, emit.WindowSums(k.ConvPlan))
	}
	return list
}

func (k *convKernel) pack(l *qnn.Layer) *Packed {
	p := &Packed{inputZero: l.InputZero}
	p.weights, p.blocks, p.consts = pack.Conv(k.ConvPlan, l)
	if k.widened() {
		p.prepare = pack.ZeroPoint16(l.InputZero)
	}
	return p
}

func (k *convKernel) halo() Halo {
	if !k.Halo {
		return Halo{}
	}
	return Halo{Left: k.Workload.PadLeft, Right: k.Workload.PadRight}
}

func (k *convKernel) flat() bool { return k.Flat }

func (k *convKernel) densePixels() bool { return false }

// bind plans the phases: the input is prepared, then the output is computed in
// calls of bounded work.
func (k *convKernel) bind(b *Bound) error {
	b.table = k.inputRows(b)
	tiles := k.tileChunks(b)
	if k.Flat { // one table entry for each chunk of tiles
		base := b.table[0]
		b.table = b.table[:0]
		for _, t := range tiles {
			b.table = append(b.table, base+uint64(k.pixelAt(t.at)*k.PixelBytes))
		}
	}
	if k.Sums {
		b.sums = make([]int32, k.Images*k.Rows*k.Row)
		b.phase()
		for image := range k.Images {
			k.sumCalls(b, k.imageArgs(b, image), tiles)
		}
	}
	b.phase()
	for image := range k.Images {
		args := k.imageArgs(b, image)
		var err error
		switch {
		case k.byChannels(b.threads):
			err = k.channelCalls(b, args, image)
		case k.Flat:
			err = k.tileCalls(b, args, tiles)
		default:
			err = k.rowCalls(b, args, image)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// imageArgs are the arguments for all of an image.
func (k *convKernel) imageArgs(b *Bound, image int) emit.Args {
	w := k.Workload
	first := &b.table[0]
	if !k.Flat {
		first = &b.table[image*(w.H+w.PadTop+w.PadBottom)]
	}
	args := emit.Args{
		Rows:    uintptr(unsafe.Pointer(first)),
		Out:     addressOf(b.out.Data, b.out.Offset+image*b.out.ImageStride),
		Weights: addressOf(b.p.weights, 0), Params: addressOf(b.p.blocks, 0), Consts: addressOf(b.p.consts, 0),
		OutRow: int64(b.out.RowStride), OutPix: int64(b.out.PixelStride),
		NRows: int64(k.Rows), Big: int64(k.BigN), Small: int64(k.SmallN),
		Blocks: int64(k.FullBlocks), Tail: int64(k.Blocks() - k.FullBlocks),
	}
	if k.Sums {
		args.Sums = uintptr(unsafe.Pointer(&b.sums[image*k.Rows*k.Row]))
	}
	return args
}

// parts returns into how many calls the work of an image is cut at least: calls
// are short, threads have equal numbers of them, and what waits for an addition
// is small.
func (k *convKernel) parts(b *Bound) int {
	n := callParts(k.Workload, k.Images, b.threads)
	if b.residual != nil {
		small := (k.Rows*k.Row*k.Workload.O + maxResidualBytes - 1) / maxResidualBytes
		n = max(n, (small+b.threads-1)/b.threads*b.threads)
	}
	return n
}

// callParts cuts work so that calls are short and threads have equal numbers.
func callParts(w schedules.Workload, images, threads int) int {
	calls := int(math.Ceil(float64(w.MACs()) / float64(images) / schedules.MaxCallMACs))
	return (calls + threads - 1) / threads * threads
}

// byChannels tells whether calls get channel blocks rather than rows: if the
// schedule says so, or if several threads share the blocks more evenly, or about
// as evenly and the weights, which each thread would read, are the larger part
// of the memory.
func (k *convKernel) byChannels(threads int) bool {
	if k.SplitChannels || threads == 1 {
		return k.SplitChannels
	}
	rows, w := k.Rows, k.Workload
	if k.Flat {
		rows = k.BigN + k.SmallN
	}
	margin := 0.05
	if k.Blocks()*k.BlockWeightBytes(k.NV) > 2*w.H*w.W*w.C {
		margin = -0.05
	}
	return evenness(k.Blocks(), threads) > evenness(rows, threads)+margin
}

// evenness is the share of the threads' time that is used if n equal items are
// spread over threads.
func evenness(n, threads int) float64 {
	rounds := (n + threads - 1) / threads
	return float64(n) / float64(rounds*threads)
}

func (k *convKernel) rowCalls(b *Bound, args emit.Args, image int) error {
	for _, y := range chunksOf(k.Rows, k.parts(b)) {
		made := region{image: image, y: y.at, rows: y.n, pixels: k.Row, channels: k.Workload.O}
		if err := b.compute(k.rowsOf(args, y), made); err != nil {
			return err
		}
	}
	return nil
}

// rowsOf narrows args to some output rows.
func (k *convKernel) rowsOf(args emit.Args, y chunk) emit.Args {
	args.NRows = int64(y.n)
	args.Rows += uintptr(8 * y.at * k.Workload.StrideH)
	args.Out += uintptr(y.at) * uintptr(args.OutRow)
	args.Sums += uintptr(4 * y.at * k.Row)
	return args
}

func (k *convKernel) channelCalls(b *Bound, args emit.Args, image int) error {
	for _, c := range chunksOf(k.Blocks(), k.parts(b)) {
		part := args
		part.Tail = 0
		part.Blocks = int64(c.n)
		if c.at+c.n > k.FullBlocks {
			part.Tail, part.Blocks = 1, int64(c.n-1)
		}
		part.Weights += uintptr(c.at * k.BlockWeightBytes(k.NV))
		part.Params += uintptr(c.at * k.NV * k.Block.Bytes)
		first := c.at * k.NV * k.Lanes
		part.Out += uintptr(first)
		made := region{image: image, rows: k.Rows, pixels: k.Row, channel: first, channels: min(c.n*k.NV*k.Lanes, k.Workload.O-first)}
		if err := b.compute(part, made); err != nil {
			return err
		}
	}
	return nil
}

// tileChunks cuts the one row of a flat kernel.
func (k *convKernel) tileChunks(b *Bound) []chunk {
	if k.byChannels(b.threads) {
		return []chunk{{0, k.BigN + k.SmallN}}
	}
	return chunksOf(k.BigN+k.SmallN, k.parts(b))
}

// pixelAt is the first pixel of a tile of a flat kernel.
func (k *convKernel) pixelAt(tile int) int {
	return min(tile, k.BigN)*k.Big + max(0, tile-k.BigN)*(k.Big-1)
}

// tileCalls adds a call for each chunk of tiles; its table entry is of the same
// number.
func (k *convKernel) tileCalls(b *Bound, args emit.Args, tiles []chunk) error {
	for i, t := range tiles {
		part, pixel := args, k.pixelAt(t.at)
		big := max(0, min(k.BigN-t.at, t.n))
		part.Big, part.Small = int64(big), int64(t.n-big)
		part.Rows = uintptr(unsafe.Pointer(&b.table[i]))
		part.Out += uintptr(pixel) * uintptr(args.OutPix)
		part.Sums += uintptr(4 * pixel)
		made := region{x: pixel, rows: 1, pixels: k.pixelAt(t.at+t.n) - pixel, channels: k.Workload.O}
		if err := b.compute(part, made); err != nil {
			return err
		}
	}
	return nil
}

// sumCalls adds the calls that sum the windows of an image, cut like the tiles
// of a flat kernel, by rows otherwise.
func (k *convKernel) sumCalls(b *Bound, args emit.Args, tiles []chunk) {
	if !k.Flat {
		args.Big = int64(k.Row)
		for _, y := range chunksOf(k.Rows, b.threads) {
			b.call(progPrepare, k.rowsOf(args, y))
		}
		return
	}
	for i, t := range tiles {
		part, pixel := args, k.pixelAt(t.at)
		part.Big = int64(k.pixelAt(t.at+t.n) - pixel)
		part.Rows = uintptr(unsafe.Pointer(&b.table[i]))
		part.Sums += uintptr(4 * pixel)
		b.call(progPrepare, part)
	}
}

// A chunk is a run of n items from at on.
type chunk struct{ at, n int }

// chunksOf cuts n items into parts as equal as possible, at most one an item.
func chunksOf(n, parts int) []chunk {
	parts = max(1, min(n, parts))
	list := make([]chunk, 0, parts)
	for i := range parts {
		at := i * n / parts
		list = append(list, chunk{at, (i+1)*n/parts - at})
	}
	return list
}
