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

// bind plans the calls: for each image the input is prepared, then the output
// is computed in calls of bounded work.
func (k *convKernel) bind(p *Packed, in, out View) *Bound {
	b := &Bound{}
	rows := k.inputRows(b, p, in)
	perImage := k.Workload.H + k.Workload.PadTop + k.Workload.PadBottom
	if k.Sums {
		b.sums = make([]int32, k.Rows*k.Row)
	}
	b.table = rows
	for image := range k.Images {
		first := &b.table[0]
		if !k.Flat {
			first = &b.table[image*perImage]
		}
		args := emit.Args{
			Rows:    uintptr(unsafe.Pointer(first)),
			Out:     addressOf(out.Data, out.Offset+image*out.ImageStride),
			Weights: addressOf(p.weights, 0), Params: addressOf(p.blocks, 0), Consts: addressOf(p.consts, 0),
			OutRow: int64(out.RowStride), OutPix: int64(out.PixelStride),
			NRows: int64(k.Rows), Big: int64(k.BigN), Small: int64(k.SmallN),
			Blocks: int64(k.FullBlocks), Tail: int64(k.Blocks() - k.FullBlocks),
		}
		if k.Sums {
			args.Sums = uintptr(unsafe.Pointer(&b.sums[0]))
			pixels := args
			pixels.Big = int64(k.Row)
			b.call(progPrepare, pixels)
		}
		k.split(b, args)
	}
	return b
}

func (b *Bound) call(prog int, args emit.Args) {
	b.calls = append(b.calls, prog)
	b.args = append(b.args, args)
}

// split cuts the work of args into calls of at most about MaxCallMACs.
func (k *convKernel) split(b *Bound, args emit.Args) {
	macs := float64(k.Workload.MACs()) / float64(k.Images)
	calls := int(math.Ceil(macs / schedules.MaxCallMACs))
	switch {
	case k.SplitChannels:
		k.splitChannels(b, args, calls)
	case k.Flat:
		k.splitTiles(b, args, calls)
	default:
		for _, y := range chunksOf(k.Rows, calls) {
			part := args
			part.NRows = int64(y.n)
			part.Rows += uintptr(8 * y.at * k.Workload.StrideH)
			part.Out += uintptr(y.at) * uintptr(args.OutRow)
			part.Sums += uintptr(4 * y.at * k.Row)
			b.call(progMain, part)
		}
	}
}

func (k *convKernel) splitChannels(b *Bound, args emit.Args, calls int) {
	per := k.NV * k.Lanes
	for _, c := range chunksOf(k.Blocks(), calls) {
		part := args
		part.Tail = 0
		part.Blocks = int64(c.n)
		if c.at+c.n > k.FullBlocks {
			part.Tail, part.Blocks = 1, int64(c.n-1)
		}
		part.Weights += uintptr(c.at * k.BlockWeightBytes(k.NV))
		part.Params += uintptr(c.at * k.NV * k.Block.Bytes)
		part.Out += uintptr(c.at * per)
		b.call(progMain, part)
	}
}

// splitTiles cuts the one row of a flat kernel. Its input rows are addressed by
// one table entry, so each call gets an entry of its own.
func (k *convKernel) splitTiles(b *Bound, args emit.Args, calls int) {
	parts := chunksOf(k.BigN+k.SmallN, calls)
	base := b.table[0]
	b.table = make([]uint64, len(parts))
	for i, t := range parts {
		part := args
		big := max(0, min(k.BigN-t.at, t.n))
		pixel := min(t.at, k.BigN)*k.Big + max(0, t.at-k.BigN)*(k.Big-1)
		part.Big, part.Small = int64(big), int64(t.n-big)
		b.table[i] = base + uint64(pixel*k.PixelBytes)
		part.Rows = uintptr(unsafe.Pointer(&b.table[i]))
		part.Out += uintptr(pixel) * uintptr(args.OutPix)
		part.Sums += uintptr(4 * pixel)
		b.call(progMain, part)
	}
	if k.Sums { // its call was made before the table moved
		b.args[len(b.args)-len(parts)-1].Rows = uintptr(unsafe.Pointer(&b.table[0]))
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
