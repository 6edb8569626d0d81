package kernels

import (
	"unsafe"

	"qtune/kernels/emit"
)

func (k *depthwiseKernel) link() link {
	w := k.Workload
	return link{rows: w.OH(), step: k.RowsPerStep, height: w.H, stride: w.StrideH, reach: (w.KH-1)*w.DilationH + 1, above: w.PadTop}
}

func (k *depthwiseKernel) leads() bool { return true }

func (k *depthwiseKernel) follows() bool {
	return !k.Copy && k.Workload.Multiplier == 1 && k.PixelBytes == k.Workload.C
}

// makeRows adds calls for whole steps of rows; rows that are no whole step are
// computed again with those before them.
func (k *depthwiseKernel) makeRows(b *Bound, s *strip, rows chunk) error {
	args := emit.Args{
		Weights: addressOf(b.p.weights, 0), Params: addressOf(b.p.blocks, 0), Consts: addressOf(b.p.consts, 0),
		OutRow: int64(s.outRow), OutPix: int64(s.outPix),
		Blocks: int64(k.FullBlocks), Tail: int64(k.Blocks() - k.FullBlocks),
	}
	add := func(y, steps int) {
		a := args
		a.NRows = int64(steps)
		a.Rows = uintptr(unsafe.Pointer(&s.table[y*k.Workload.StrideH]))
		a.Out = s.out(rows.at) + uintptr((y-rows.at)*s.outRow)
		b.call(progMain, a)
	}
	add(rows.at, rows.n/k.RowsPerStep)
	if rows.n%k.RowsPerStep != 0 {
		add(rows.at+rows.n-k.RowsPerStep, 1)
	}
	return nil
}
