package emit

import "qtune/kernels/x86"

// Stores narrow requantised vectors of int32 to bytes, clamp them and write
// them out. With saturating packs four vectors become one:
//
//	VPACKSSDW a,b ; VPACKSSDW c,d ; VPACKUSWB ab,cd
//	128-bit lane i of the result: a[i] b[i] c[i] d[i], 4 bytes each
//
// so if vector v holds, in 32-bit element 4i+e, channel 16i + 4v + e, then the
// bytes come out in channel order: weights are packed in that order
// (ChannelOf). Tiles of one or two vectors pack 4 or 2 pixels together and
// separate them by a permutation; of three vectors a permutation leaves out what
// would be the fourth.

// ChannelOf tells which channel of its block lane l of vector v holds, in a
// block of nv vectors with the given lanes. Without packs the order is natural.
func ChannelOf(pack bool, nv, lanes, v, l int) int {
	switch {
	case pack && nv%4 == 0:
		return v/4*4*lanes + l/4*16 + v%4*4 + l%4
	case pack && nv == 3:
		return l/4*12 + v*4 + l%4
	case pack && nv == 2:
		return l/4*8 + v*4 + l%4
	}
	return v*lanes + l
}

// storeFields adds the constants that stores need.
func storeFields(l *Layout, width x86.Width, pack bool) {
	w := int(width)
	if !pack {
		l.add("lo32", w)
		l.add("hi32", w)
		return
	}
	l.add("lo8", w)
	l.add("hi8", w)
	l.add("perm1", w)
	l.add("perm2", w)
	l.add("perm3", w)
}

// A tile is a block of accumulators: pixels x vectors, requantised.
type tile struct {
	acc      [][]int // [pixel][vector] registers
	channels int     // valid channels, at most len(acc[0])*lanes
}

// store writes tile t. RAX points to the first pixel's channels and ends past
// the last pixel; RCX is the distance between pixels, R8 is free; tmp are free
// vector registers.
func (g *gen) store(e *epilogue, t tile, tmp []int) {
	nv := len(t.acc[0])
	g.tailMask(t, e.pack)
	switch {
	case !e.pack:
		for _, pixel := range t.acc {
			g.storeSingly(pixel, t.channels, e, tmp)
			g.nextPixel()
		}
	case nv%4 == 0:
		for _, pixel := range t.acc {
			for v := 0; v < nv; v += 4 {
				g.pack4(pixel[v:v+4], e)
				off := v * g.lanes()
				g.storeBytes(g.v(pixel[v]), 0, t.channels-off, off, tmp[0])
			}
			g.nextPixel()
		}
	case nv == 3:
		g.storeTriples(t, e, tmp)
	case nv == 2:
		g.storePairs(t, e, tmp)
	default:
		g.storeQuads(t, e, tmp)
	}
}

func (g *gen) lanes() int { return int(g.width) / 4 }

func (g *gen) nextPixel() { g.emit(x86.ADD, x86.R(x86.RAX), x86.R(x86.RCX)) }

// constant is the memory operand of a constant of the layer.
func constant(l *Layout, name string) x86.Operand { return x86.M(regConsts, l.offset(name)) }

// pack4 leaves the clamped bytes of four vectors in the first.
func (g *gen) pack4(v []int, e *epilogue) {
	g.op3(x86.VPACKSSDW, v[0], v[0], g.v(v[1]))
	if v[2] != v[0] {
		g.op3(x86.VPACKSSDW, v[2], v[2], g.v(v[3]))
	}
	g.op3(x86.VPACKUSWB, v[0], v[0], g.v(v[2])) // v[2] is v[0] where only two differ
	g.op3(x86.VPMAXUB, v[0], v[0], e.constant("lo8"))
	g.op3(x86.VPMINUB, v[0], v[0], e.constant("hi8"))
}

// storeTriples packs each pixel of three vectors: lane i holds 12 bytes.
func (g *gen) storeTriples(t tile, e *epilogue, tmp []int) {
	for _, a := range t.acc {
		g.pack4([]int{a[0], a[1], a[2], a[2]}, e)
		g.emit(x86.VMOVDQU, g.v(tmp[0]), e.constant("perm3"))
		g.op3(x86.VPERMD, a[0], tmp[0], g.v(a[0]))
		g.storeBytes(g.v(a[0]), 0, t.channels, 0, tmp[0])
		g.nextPixel()
	}
}

// storePairs packs two pixels of two vectors: lane i holds 8 bytes of each.
func (g *gen) storePairs(t tile, e *epilogue, tmp []int) {
	for m := 0; m < len(t.acc); m += 2 {
		a, b := t.acc[m], t.acc[m]
		if m+1 < len(t.acc) {
			b = t.acc[m+1]
		}
		r := a[0]
		g.pack4([]int{a[0], a[1], b[0], b[1]}, e)
		if g.width == x86.W512 {
			g.emit(x86.VPERMD, g.v(r), g.inRegister(e.constant("perm2"), tmp[0]), g.v(r))
		} else {
			g.emit(x86.VPERMQ, g.v(r), g.v(r), x86.I(0xd8))
		}
		half := g.width / 2
		g.storeBytes(x86.V(half, r), 0, t.channels, 0, tmp[0])
		g.nextPixel()
		if m+1 < len(t.acc) {
			g.extractHalf(tmp[0], r)
			g.storeBytes(x86.V(half, tmp[0]), 0, t.channels, 0, tmp[1])
			g.nextPixel()
		}
	}
}

// extractHalf moves the upper half of vector src to the lower half of dst.
func (g *gen) extractHalf(dst, src int) {
	if g.width == x86.W512 {
		g.emit(x86.VEXTRACTI64X4, x86.Y(dst), x86.Z(src), x86.I(1))
	} else {
		g.extractLane(dst, src, 1)
	}
}

// storeQuads packs four pixels of one vector: lane i holds 4 bytes of each, and
// a permutation of 32-bit elements collects each pixel's bytes.
func (g *gen) storeQuads(t tile, e *epilogue, tmp []int) {
	for m := 0; m < len(t.acc); m += 4 {
		n := min(4, len(t.acc)-m)
		quad := [][]int{{0, 0, 0, 0}, {0, 1, 0, 1}, {0, 1, 2, 2}, {0, 1, 2, 3}}[n-1]
		v := make([]int, 4)
		for i, pixel := range quad {
			v[i] = t.acc[m+pixel][0]
		}
		g.pack4(v, e)
		r := v[0]
		g.emit(x86.VPERMD, g.v(r), g.inRegister(e.constant("perm1"), tmp[0]), g.v(r))
		per := g.lanes() // bytes of a pixel
		for i := range n {
			src := r
			if lane := i * per / 16; lane > 0 {
				g.extractLane(tmp[1], r, lane)
				src = tmp[1]
			}
			g.storeBytes(x86.X(src), i*per%16, min(t.channels, per), 0, tmp[1])
			g.nextPixel()
		}
	}
}

// storePixels is store for vectors that hold some channels of several pixels.
func (g *gen) storePixels(e *epilogue, vectors [][]int, channels int) {
	for _, v := range vectors {
		g.pack4(v, e)
		for i := range int(g.width) / channels {
			g.storePart(v[0], i, channels)
			g.nextPixel()
		}
	}
}

// storePart writes part i of a vector, of 16 or 32 bytes, to [RAX].
func (g *gen) storePart(reg, i, bytes int) {
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

// extractLane moves 128-bit lane i of src to the bottom of dst.
func (g *gen) extractLane(dst, src, i int) {
	if g.masks() {
		g.emit(x86.VEXTRACTI32X4, x86.X(dst), g.v(src), x86.I(i))
	} else {
		g.emit(x86.VEXTRACTI128, x86.X(dst), x86.Y(src), x86.I(i))
	}
}

// storeBytes writes n bytes of src from byte at on to [RAX+off], but not more
// than src has. tmp may be src.
func (g *gen) storeBytes(src x86.Operand, at, n, off, tmp int) {
	n = min(n, int(src.Width)-at)
	switch {
	case n <= 0:
	case n == int(src.Width):
		g.emit(x86.VMOVDQU, x86.M(x86.RAX, off), src)
	case g.masks():
		g.p.EmitMasked(x86.VMOVDQU8, maskTail, false, x86.M(x86.RAX, off), src)
	case n >= 16: // src is a ymm
		g.emit(x86.VMOVDQU, x86.M(x86.RAX, off), x86.X(int(src.N)))
		g.extractHalf(tmp, int(src.N))
		g.storePieces(tmp, 0, n-16, off+16)
	default:
		g.storePieces(int(src.N), at, n, off)
	}
}

// storePieces writes n < 16 bytes of an xmm from byte at on (0 or 8; n <= 8
// there) in pieces of 8, 4, 2 and 1.
func (g *gen) storePieces(x, at, n, off int) {
	piece := func(size int, emit func(mem x86.Operand, index int)) {
		if n&size != 0 {
			emit(x86.M(x86.RAX, off), at/size)
			at, off = at+size, off+size
		}
	}
	extract := func(op x86.Op) func(x86.Operand, int) {
		return func(mem x86.Operand, index int) { g.emit(op, mem, x86.X(x), x86.I(index)) }
	}
	piece(8, func(mem x86.Operand, index int) {
		if index == 0 {
			g.emit(x86.VMOVQ, mem, x86.X(x))
		} else {
			g.emit(x86.VMOVHPS, mem, x86.X(x))
		}
	})
	piece(4, extract(x86.VPEXTRD))
	piece(2, extract(x86.VPEXTRW))
	piece(1, extract(x86.VPEXTRB))
}

// storeSingly narrows each vector of a pixel by itself.
func (g *gen) storeSingly(pixel []int, channels int, e *epilogue, tmp []int) {
	for v, r := range pixel {
		n := min(channels-v*g.lanes(), g.lanes())
		g.op3(x86.VPMAXSD, r, r, e.constant("lo32"))
		g.op3(x86.VPMINSD, r, r, e.constant("hi32"))
		mem := x86.M(x86.RAX, v*g.lanes())
		switch {
		case n <= 0:
		case g.masks() && n == g.lanes():
			g.emit(x86.VPMOVDB, mem, g.v(r))
		case g.masks():
			g.p.EmitMasked(x86.VPMOVDB, maskTail, false, mem, g.v(r))
		default:
			g.op3(x86.VPACKUSDW, r, r, g.v(r))
			g.op3(x86.VPACKUSWB, r, r, g.v(r))
			g.extractHalf(tmp[0], r)
			g.emit(x86.VPUNPCKLDQ, x86.X(r), x86.X(r), x86.X(tmp[0]))
			g.storePieces(r, 0, n, v*g.lanes())
		}
	}
}

// tailMask loads the mask of the tile's partial store, if it has one.
func (g *gen) tailMask(t tile, pack bool) {
	if !g.masks() {
		return
	}
	unit := g.lanes() * min(len(t.acc[0]), 4)
	switch {
	case !pack:
		unit = g.lanes()
	case len(t.acc[0]) == 3: // never a whole vector of bytes
		unit = int(g.width)
	}
	if n := t.channels % unit; n != 0 {
		g.setMask(maskTail, x86.R8, 1<<n-1)
	}
}
