package kernels

func (k *depthwiseKernel) link() link {
	w := k.Workload
	return link{rows: w.OH(), step: k.RowsPerStep, height: w.H, stride: w.StrideH, reach: (w.KH-1)*w.DilationH + 1, above: w.PadTop}
}

func (k *depthwiseKernel) makesAnyRows() bool { return true }

func (k *depthwiseKernel) readsAnyRows() bool {
	return !k.Copy && k.Workload.Multiplier == 1 && k.PixelBytes == k.Workload.C
}

func (k *depthwiseKernel) prepared(int, bool) int { return 0 }

func (k *depthwiseKernel) makeRows(b *Bound, s *strip, rows chunk) error {
	args := k.allBlocks(b, s.table)
	args.Out, args.OutRow, args.OutPix = s.out(rows.at), int64(s.outRow), int64(s.outPix)
	for _, a := range k.steps(args, rows, 1) {
		b.call(progMain, a)
	}
	return nil
}
