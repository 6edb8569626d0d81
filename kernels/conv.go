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

// widened tells whether the input is widened, all of it, in a phase before.
func (k *convKernel) widened() bool { return k.ElementBytes == 2 && k.Stack == nil }

// sumsTable tells whether there are window sums of the whole output.
func (k *convKernel) sumsTable() bool { return k.Sums && k.Stack == nil }

func (k *convKernel) programs() []*x86.Program {
	list := []*x86.Program{emit.Conv(k.ConvPlan)}
	switch {
	case k.Stack != nil:
		list = append(list, emit.Stack(k.ConvPlan))
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
	switch {
	case k.widened():
		p.prepare = pack.ZeroPoint16(l.InputZero)
	case k.Stack != nil:
		p.prepare = pack.Stack(k.ConvPlan, l)
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
// calls of bounded work. Window sums are part of the calls of the same rows, and
// a phase before where threads share channel blocks, for all of which they serve.
func (k *convKernel) bind(b *Bound) error {
	table := k.inputRows(b)
	if k.Flat {
		table = k.tileTable(table[0])
	}
	b.tables = append(b.tables, table)
	shares := k.shares(b)
	args := make([]emit.Args, k.Images)
	if k.sumsTable() {
		b.sums = make([]int32, k.Images*k.Rows*k.Row)
	}
	for image := range args {
		args[image] = k.imageArgs(b, table, image)
	}
	sumsFirst := k.sumsTable() && shares.blockMajor
	if sumsFirst {
		b.phase()
		for image := range args {
			for _, rows := range chunksOf(k.gridRows(), b.threads) {
				b.part()
				k.sumCall(b, args[image], rows)
			}
		}
	}
	b.phase()
	n := len(shares.parts)
	for i := range k.Images * n {
		image, part := i/n, shares.parts[i%n]
		b.part()
		if k.sumsTable() && !sumsFirst {
			k.sumCall(b, args[image], rowsIn(part))
		}
		compute := func(args emit.Args, made region, thread int) error {
			return b.compute([]emit.Args{args}, made, thread)
		}
		if k.Stack != nil {
			compute = k.stacker(b)
		}
		for _, p := range part {
			args, made := k.pieceOf(args[image], p)
			made.image = image
			if err := compute(args, made, threadOf(k.Images*n, b.threads, i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// tileTable is the table of form=flat, whose one row is at base: an entry for
// each tile, so that a call can begin at any.
func (k *convKernel) tileTable(base uint64) []uint64 {
	table := make([]uint64, k.gridRows())
	for t := range table {
		table[t] = base + uint64(k.pixelAt(t)*k.PixelBytes)
	}
	return table
}

// imageArgs are the arguments for all of an image.
func (k *convKernel) imageArgs(b *Bound, table []uint64, image int) emit.Args {
	w := k.Workload
	first := &table[0]
	if !k.Flat {
		first = &table[image*(w.H+w.PadTop+w.PadBottom)]
	}
	args := k.allBlocks(b)
	args.Rows = uintptr(unsafe.Pointer(first))
	args.Out = addressOf(b.out.Data, b.out.Offset+image*b.out.ImageStride)
	args.OutRow, args.OutPix = int64(b.out.RowStride), int64(b.out.PixelStride)
	args.NRows, args.Big, args.Small = int64(k.Rows), int64(k.BigN), int64(k.SmallN)
	if k.sumsTable() {
		args.Sums = uintptr(unsafe.Pointer(&b.sums[image*k.Rows*k.Row]))
	}
	return args
}

// allBlocks are the arguments that name the constants of all channel blocks.
func (k *convKernel) allBlocks(b *Bound) emit.Args {
	return emit.Args{
		Weights: addressOf(b.p.weights, 0), Params: addressOf(b.p.blocks, 0), Consts: addressOf(b.p.consts, 0),
		Blocks: int64(k.FullBlocks), Tail: int64(k.Blocks() - k.FullBlocks),
	}
}

// parts returns into how many parts the work of an image is cut: calls are
// short, threads have equal numbers of them, and what waits for an addition is
// small.
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

// gridRows is the number of rows of an image's grid: output rows, or tiles of
// form=flat.
func (k *convKernel) gridRows() int {
	if k.Flat {
		return k.BigN + k.SmallN
	}
	return k.Rows
}

// shares decides how the work of an image is cut. One thread has whole rows, or
// channel blocks if the schedule says so; several have what the model of grid
// thinks fastest.
func (k *convKernel) shares(b *Bound) shares {
	w, rows := k.Workload, k.gridRows()
	g := grid{
		rows: rows, blocks: k.Blocks(), full: k.NV, tail: k.NV,
		rowBytes:   float64(k.Images*w.H*w.W*w.C) / float64(w.N*rows),
		blockBytes: float64(k.BlockWeightBytes(k.NV)),
		cellSteps:  float64(w.MACs()) / float64(k.Images*rows) * float64(k.NV*k.Lanes) / float64(w.O),
		byteSteps:  stepsOfByte(k.Lanes, k.ElementBytes),
		sums:       k.sumsTable(),
	}
	if k.TailNV > 0 {
		g.tail = k.TailNV
	}
	if b.threads == 1 { // a residual is added to whole pixels
		return g.cut(k.parts(b), k.SplitChannels && b.residual == nil, true)
	}
	return g.best(k.parts(b), b.threads)
}

// pieceOf narrows args to some rows and channel blocks, and tells what they make.
func (k *convKernel) pieceOf(args emit.Args, p piece) (emit.Args, region) {
	args, made := k.rowsOf(args, p.rows)
	args.Blocks, args.Tail = int64(p.blocks.n), 0
	if p.blocks.at+p.blocks.n > k.FullBlocks {
		args.Blocks, args.Tail = int64(p.blocks.n-1), 1
	}
	args.Weights += uintptr(p.blocks.at * k.BlockWeightBytes(k.NV))
	args.Params += uintptr(p.blocks.at * k.NV * k.Block.Bytes)
	per := k.NV * k.Lanes
	made.channel = p.blocks.at * per
	made.channels = min(p.blocks.n*per, k.Workload.O-made.channel)
	args.Out += uintptr(made.channel)
	tiles := p.rows.n
	if !k.Flat {
		tiles *= k.BigN + k.SmallN
	}
	args.PrefetchStep = k.prefetchStep(tiles)
	return args, made
}

// prefetchStep spreads the lines of a block's weights evenly over the loops of so
// many tiles.
func (k *convKernel) prefetchStep(tiles int) int64 {
	rounds := tiles * k.Workload.KH * k.SegmentsX * k.Rounds()
	if rounds == 0 {
		return 0
	}
	const line = 64
	return int64(min((k.BlockWeightBytes(k.NV)+rounds-1)/rounds, line*k.Prefetch))
}

// rowsOf narrows args to some rows of the grid, and tells what of the image they
// make.
func (k *convKernel) rowsOf(args emit.Args, rows chunk) (emit.Args, region) {
	if !k.Flat {
		args.NRows = int64(rows.n)
		args.Rows += uintptr(8 * rows.at * k.Workload.StrideH)
		args.Out += uintptr(rows.at) * uintptr(args.OutRow)
		args.Sums += uintptr(4 * rows.at * k.Row)
		return args, region{y: rows.at, rows: rows.n, pixels: k.Row}
	}
	pixel := k.pixelAt(rows.at)
	big := max(0, min(k.BigN-rows.at, rows.n))
	args.Big, args.Small = int64(big), int64(rows.n-big)
	args.Rows += uintptr(8 * rows.at)
	args.Out += uintptr(pixel) * uintptr(args.OutPix)
	args.Sums += uintptr(4 * pixel)
	return args, region{x: pixel, rows: 1, pixels: k.pixelAt(rows.at+rows.n) - pixel}
}

// pixelAt is the first pixel of a tile of a flat kernel.
func (k *convKernel) pixelAt(tile int) int {
	return min(tile, k.BigN)*k.Big + max(0, tile-k.BigN)*(k.Big-1)
}

// sumCall adds the call that sums the windows of some rows of an image's grid.
func (k *convKernel) sumCall(b *Bound, args emit.Args, rows chunk) {
	args, made := k.rowsOf(args, rows)
	args.Big = int64(made.pixels)
	b.call(progPrepare, args)
}
