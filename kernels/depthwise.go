package kernels

import (
	"unsafe"

	"qtune/kernels/emit"
	"qtune/kernels/pack"
	"qtune/kernels/x86"
	"qtune/qnn"
)

// depthwiseKernel is the plan of depthwise.
type depthwiseKernel struct{ *emit.DepthwisePlan }

func (k *depthwiseKernel) programs() []*x86.Program {
	return []*x86.Program{emit.DepthwiseProgram(k.DepthwisePlan)}
}

func (k *depthwiseKernel) pack(l *qnn.Layer) *Packed {
	p := &Packed{inputZero: l.InputZero}
	p.weights, p.blocks, p.consts = pack.Depthwise(k.DepthwisePlan, l)
	return p
}

func (k *depthwiseKernel) halo() Halo {
	if !k.HaloInput {
		return Halo{}
	}
	return Halo{Left: k.Workload.PadLeft, Right: k.Workload.PadRight}
}

func (k *depthwiseKernel) flat() bool { return false }

func (k *depthwiseKernel) densePixels() bool { return k.Flat }

// bind plans the phases: the input is copied if it must be, then whole steps of
// rows are computed in calls of bounded work; output rows that are no whole step
// are computed again with those before them.
func (k *depthwiseKernel) bind(b *Bound) error {
	if b.residual != nil {
		return errNoResidual
	}
	w := k.Workload
	table := k.inputRows(b)
	b.tables = append(b.tables, table)
	perImage := w.H + w.PadTop + w.PadBottom
	b.phase()
	for image := range w.N {
		args := k.allBlocks(b, table[image*perImage:])
		args.Out = addressOf(b.out.Data, b.out.Offset+image*b.out.ImageStride)
		args.OutRow, args.OutPix = int64(b.out.RowStride), int64(b.out.PixelStride)
		parts := callParts(w, w.N, b.threads)
		rows := chunk{0, w.OH()}
		var calls []emit.Args
		if !k.byChannels(b.threads) {
			calls = k.steps(args, rows, parts)
		} else {
			for _, c := range chunksOf(k.Blocks(), parts) {
				calls = append(calls, k.steps(k.blocks(args, c), rows, 1)...)
			}
		}
		for _, a := range calls {
			b.part()
			b.call(progMain, a)
		}
	}
	return nil
}

// allBlocks are the arguments that name the constants of all channel blocks, and
// the table of an image's rows.
func (k *depthwiseKernel) allBlocks(b *Bound, table []uint64) emit.Args {
	return emit.Args{
		Rows:    uintptr(unsafe.Pointer(&table[0])),
		Weights: addressOf(b.p.weights, 0), Params: addressOf(b.p.blocks, 0), Consts: addressOf(b.p.consts, 0),
		Blocks: int64(k.FullBlocks), Tail: int64(k.Blocks() - k.FullBlocks),
	}
}

// byChannels tells whether calls get channel blocks rather than rows: one thread,
// if the schedule says so; several, if they share the blocks far more evenly.
func (k *depthwiseKernel) byChannels(threads int) bool {
	if threads == 1 {
		return k.SplitChannels
	}
	steps := k.Workload.OH() / k.RowsPerStep
	return evenness(k.Blocks(), threads) > evenness(steps, threads)+0.05
}

// evenness is the share of the threads' time that is used if n equal items are
// spread over threads.
func evenness(n, threads int) float64 {
	rounds := (n + threads - 1) / threads
	return float64(n) / float64(rounds*threads)
}

// blocks narrows args to some channel blocks.
func (k *depthwiseKernel) blocks(args emit.Args, c chunk) emit.Args {
	args.Tail, args.Blocks = 0, int64(c.n)
	if c.at+c.n > k.FullBlocks {
		args.Tail, args.Blocks = 1, int64(c.n-1)
	}
	first := c.at * k.Vector
	if args.Blocks == 0 {
		first = k.FullBlocks * k.Vector // the program steps back from there
	}
	args.InAt += int64(first)
	args.Out += uintptr(first)
	args.Weights += uintptr(c.at * k.BlockWeights)
	args.Params += uintptr(c.at * 4 * k.Block.Bytes)
	return args
}

// steps returns the calls, so many for whole steps, that make some rows of an image,
// a step at least. args have the table of all rows, and the output of the first.
func (k *depthwiseKernel) steps(args emit.Args, rows chunk, calls int) []emit.Args {
	var list []emit.Args
	add := func(y, steps int) {
		part := args
		part.NRows = int64(steps)
		part.Rows += uintptr(8 * (rows.at + y) * k.Workload.StrideH)
		part.Out += uintptr(y) * uintptr(args.OutRow)
		list = append(list, part)
	}
	for _, c := range chunksOf(rows.n/k.RowsPerStep, calls) {
		add(c.at*k.RowsPerStep, c.n)
	}
	if rows.n%k.RowsPerStep != 0 {
		add(rows.n-k.RowsPerStep, 1)
	}
	return list
}

// inputRows decides where the kernel reads its input, adds the copies that
// bring it there, and returns the table of row addresses: each row starts
// PadLeft pixels left of the image, also where those are never read.
func (k *depthwiseKernel) inputRows(b *Bound) []uint64 {
	w := k.Workload
	if k.readable(b.in) {
		return b.viewRows(w)
	}
	s := newScratch(w.N, w.H, w.PadLeft, w.W, w.PadRight, k.PixelBytes, byte(b.p.inputZero))
	b.keep = append(b.keep, s.data, s.border)
	b.copy(copyRows(w, b.in, w.Multiplier, func(image, y int) []byte { return s.inside(w, image, y) }))
	return s.rows(w)
}

// readable tells whether the kernel can read the view where it is.
func (k *depthwiseKernel) readable(in View) bool {
	w := k.Workload
	switch {
	case k.Copy || in.PixelStride != w.C:
		return false
	case k.Peel:
		return true
	}
	return in.Halo.Left >= w.PadLeft && in.Halo.Right >= w.PadRight
}
