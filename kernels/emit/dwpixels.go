package emit

import "qtune/kernels/x86"

// loadColumns loads the channels of column col of the row at base, or of as many
// columns, a stride apart, as a vector holds. Those outside the input are constant.
func (g *depthwiseGen) loadColumns(reg int, base x86.Reg, col int, outside []bool) {
	p := g.plan
	pixel := p.PixelBytes
	if p.Flat { // a column is as far from the next as a pixel's channels
		pixel = p.Workload.C
	}
	for i := range outside {
		mem := x86.M(base, (col+i*p.Workload.StrideW)*pixel)
		if outside[i] {
			mem = constant(&p.Consts, "pad")
		}
		switch {
		case len(outside) > 1:
			g.insertBlock(reg, i, p.TailChannels, mem)
		case p.MaskedLoads:
			g.p.EmitMasked(x86.VMOVDQU8, maskLoad, true, g.v(reg), mem)
		default:
			g.emit(x86.VMOVDQU, g.v(reg), mem)
		}
	}
}

// insertBlock loads block i of a vector, of 16 or 32 bytes; the first clears the rest.
func (g *gen) insertBlock(reg, i, bytes int, mem x86.Operand) {
	switch {
	case i == 0:
		g.emit(x86.VMOVDQU, x86.V(x86.Width(bytes), reg), mem)
	case bytes == 32:
		g.emit(x86.VINSERTI64X4, g.v(reg), g.v(reg), mem, x86.I(i))
	case g.masks():
		g.emit(x86.VINSERTI32X4, g.v(reg), g.v(reg), mem, x86.I(i))
	default:
		g.emit(x86.VINSERTI128, g.v(reg), g.v(reg), mem, x86.I(i))
	}
}

// storePixels is store for vectors that hold some channels of several pixels.
func (g *gen) storePixels(e *epilogue, vectors [][]int, channels int) {
	for _, v := range vectors {
		g.pack4(v, e)
		for i := range int(g.width) / channels {
			g.storeBlock(v[0], i, channels)
			g.nextPixel()
		}
	}
}

// storeBlock writes block i of a vector, of 16 or 32 bytes, to [RAX].
func (g *gen) storeBlock(reg, i, bytes int) {
	mem := x86.M(x86.RAX, 0)
	switch {
	case i == 0:
		g.emit(x86.VMOVDQU, mem, x86.V(x86.Width(bytes), reg))
	case bytes == 32:
		g.emit(x86.VEXTRACTI64X4, mem, g.v(reg), x86.I(i))
	case g.masks():
		g.emit(x86.VEXTRACTI32X4, mem, g.v(reg), x86.I(i))
	default:
		g.emit(x86.VEXTRACTI128, mem, g.v(reg), x86.I(i))
	}
}
