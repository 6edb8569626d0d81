package emit

import "qtune/kernels/x86"

// General purpose registers of the conv2d and dense programs. RAX, RCX, R8 and
// R15 are free between the reduction and the next tile.
const (
	regRows   = x86.RSI // table entry of the tile's first input row
	regX      = x86.RDX // byte offset of the tile's first pixel in an input row
	regIn     = x86.RAX // input of the current step; see convGen.in
	regW      = x86.RBX // weights of the current step
	regK      = x86.RCX // loop over steps
	regRow    = x86.R8  // table entry of the current row of the window
	regOut    = x86.R9  // output of the tile
	regParams = x86.R10 // constants of the channel block
	regBlock  = x86.R11 // weights of the channel block
	regConsts = x86.R12 // constants of the layer
	regSums   = x86.R13 // window sums of the tile
	regInner  = x86.R14 // counter of the innermost loop of the nest
	regKY     = x86.R15 // loop over the rows of the window
	regNext   = x86.R12 // during the reduction: weights to prefetch
)

type convGen struct {
	*gen
	plan *ConvPlan
	nest nest
	end  epilogue
	in   x86.Reg // input of the current step
	free int     // first vector register that holds no constant throughout
}

func newConvGen(p *ConvPlan) *convGen {
	return &convGen{
		gen:  newGen(string(p.Workload.Op), p.ISA, p.width()),
		plan: p,
		nest: nest{p.Order, convMoved(p.Sums)},
		end:  epilogue{p.Requant, p.Workload.PerChannel, p.Pack, p.width(), &p.Block, &p.Consts, nil},
		in:   regIn,
	}
}

// Conv writes the program of a plan: for the output rows, tiles and channel
// blocks that the argument block names.
func Conv(p *ConvPlan) *x86.Program {
	g := newConvGen(p)
	for _, r := range []struct {
		reg x86.Reg
		off int
	}{{regRows, argRows}, {regOut, argOut}, {regParams, argParams}, {regBlock, argWeights}, {regConsts, argConsts}, {regSums, argSums}} {
		g.emit(x86.MOV, x86.R(r.reg), arg(r.off))
	}
	g.emit(x86.XOR, x86.R(regX), x86.R(regX))
	g.evenMask()
	if p.Late {
		g.prepareLate()
	}
	g.loops(0, tileShape{pixels: p.Big, nv: p.NV, channels: p.NV * p.Lanes})
	return g.finish()
}

// A tileShape is the part of a tile that loops of the nest decide.
type tileShape struct{ pixels, nv, channels int }

// convMoved lists the registers that each loop advances.
func convMoved(sums bool) map[byte][]x86.Reg {
	m := map[byte][]x86.Reg{
		'y': {regRows, regOut},
		'x': {regX, regOut},
		'c': {regBlock, regParams, regOut},
	}
	if sums {
		m['y'], m['x'] = append(m['y'], regSums), append(m['x'], regSums)
	}
	return m
}

// loops emits the loops of the plan's order from depth on.
func (g *convGen) loops(depth int, t tileShape) {
	if depth == len(g.plan.Order) {
		g.tile(t)
		return
	}
	switch g.plan.Order[depth] {
	case 'y':
		g.level(g.nest, depth, arg(argNRows), func() { g.loops(depth+1, t) }, func() {
			g.addImm(regRows, 8*g.plan.Window.StrideH)
			g.emit(x86.ADD, x86.R(regOut), arg(argOutRow))
			g.addImm(regSums, 4*g.plan.Row)
		})
	case 'x':
		g.xLevel(depth, argBig, t, g.plan.Big)
		if g.plan.SmallN > 0 {
			g.xLevel(depth, argSmall, t, g.plan.Big-1)
		}
	case 'c':
		if g.plan.FullBlocks > 0 {
			g.cLevel(depth, argBlocks, tileShape{t.pixels, g.plan.NV, g.plan.NV * g.plan.Lanes})
		}
		if g.plan.TailNV > 0 {
			g.cLevel(depth, argTail, tileShape{t.pixels, g.plan.TailNV, g.plan.TailChannels})
		}
	}
}

func (g *convGen) xLevel(depth, count int, t tileShape, pixels int) {
	t.pixels = pixels
	if g.plan.Late {
		g.lateTiles(count, t)
		return
	}
	g.level(g.nest, depth, arg(count), func() { g.loops(depth+1, t) }, func() {
		g.advanceIn(pixels)
		g.advanceOut(pixels)
	})
}

// advanceIn moves input and window sums by n pixels of the output.
func (g *convGen) advanceIn(n int) {
	g.addImm(regX, n*g.plan.Window.StrideW*g.plan.PixelBytes)
	g.addImm(regSums, 4*n)
}

func (g *convGen) cLevel(depth, count int, t tileShape) {
	g.level(g.nest, depth, arg(count), func() {
		if g.plan.Prefetch > 0 {
			g.emit(x86.LEA, x86.R(x86.RAX), x86.M(regBlock, g.plan.BlockWeightBytes(t.nv)))
			g.emit(x86.MOV, arg(argPrefetch), x86.R(x86.RAX))
		}
		g.loops(depth+1, t)
	}, func() {
		g.addImm(regBlock, g.plan.BlockWeightBytes(t.nv))
		g.addImm(regParams, t.nv*g.plan.Block.Bytes)
		g.addImm(regOut, t.nv*g.plan.Lanes)
	})
}

// tile emits one register tile: accumulators from the bias, the reduction,
// requantisation and stores.
func (g *convGen) tile(t tileShape) {
	r := g.reduce(t)
	g.next = r.operands // the operands of the reduction are dead
	acc := g.sumSets(r)
	g.conclude(t, acc, g.vec(3))
}

// reduce emits the reduction of a tile, and returns its registers.
func (g *convGen) reduce(t tileShape) convRegs {
	g.next = g.free
	r := g.accumulators(t)
	g.emit(x86.MOV, x86.R(regW), x86.R(regBlock))
	if g.plan.Prefetch > 0 {
		g.emit(x86.MOV, x86.R(regNext), arg(argPrefetch))
	}
	if g.plan.Window.KH == 1 {
		g.emit(x86.MOV, x86.R(g.in), x86.M(regRows, 0))
		g.emit(x86.ADD, x86.R(g.in), x86.R(regX))
		g.windowRow(t, r)
	} else {
		g.emit(x86.MOV, x86.R(regRow), x86.R(regRows))
		g.loop(regKY, g.plan.Window.KH, func() {
			g.emit(x86.MOV, x86.R(g.in), x86.M(regRow, 0))
			g.emit(x86.ADD, x86.R(g.in), x86.R(regX))
			g.windowRow(t, r)
			g.addImm(regRow, 8*g.plan.Window.DilationH)
		})
	}
	if g.plan.Prefetch > 0 {
		g.emit(x86.MOV, arg(argPrefetch), x86.R(regNext))
		g.emit(x86.MOV, x86.R(regConsts), arg(argConsts))
	}
	if g.plan.Depth > 0 {
		g.spilled(t, r)
	}
	return r
}

// conclude emits the epilogue of a tile of accumulators.
func (g *convGen) conclude(t tileShape, acc [][]int, tmp []int) {
	g.requantise(&g.end, acc, tmp)
	g.emit(x86.MOV, x86.R(x86.RAX), x86.R(regOut))
	g.emit(x86.MOV, x86.R(x86.RCX), arg(argOutPix))
	g.store(&g.end, tile{acc, t.channels}, tmp)
}

// sumSets adds the further sets of accumulators to the first.
func (g *convGen) sumSets(r convRegs) [][]int {
	for _, set := range r.acc[1:] {
		for m, pixel := range set {
			for v, a := range pixel {
				g.emit(x86.VPADDD, g.v(r.acc[0][m][v]), g.v(r.acc[0][m][v]), g.v(a))
			}
		}
	}
	return r.acc[0]
}

// convRegs are the vector registers of a tile.
type convRegs struct {
	acc      [][][]int // [set][pixel][vector]
	operands int       // first register after the accumulators
	w, b     []int     // weights, activations
	product  int
	words    []int // of a pixel: sums of products in 16 bits, a vector of channels each
	ones     int   // 16 bits each
}

// accumulators hands out the registers of a tile, and starts the accumulators.
func (g *convGen) accumulators(t tileShape) convRegs {
	r := convRegs{acc: make([][][]int, g.plan.Sets)}
	for set := range r.acc {
		for range t.pixels {
			r.acc[set] = append(r.acc[set], g.vec(t.nv))
		}
	}
	r.operands = g.next
	switch g.plan.Operands {
	case "reg":
		r.w, r.b = g.vec(max(g.plan.Depth, 1)*t.nv), g.vec(1)
	case "stream":
		r.w, r.b = g.vec(1), g.vec(t.pixels)
	default:
		r.b = g.vec(1)
	}
	if g.plan.ElementBytes == 2 || g.plan.Depth > 1 {
		r.product = g.vec(1)[0]
	}
	if g.plan.Depth > 0 {
		r.words, r.ones = g.vec(t.nv), g.vec(1)[0]
		g.setOnes(r.ones)
	}
	g.startSet(r.acc[0], r.b[0])
	for _, set := range r.acc[1:] {
		for _, pixel := range set {
			for _, a := range pixel {
				g.emit(x86.VPXOR, g.v(a), g.v(a), g.v(a))
			}
		}
	}
	return r
}

// startSet sets accumulators [pixel][vector] to the bias, to which the window sum
// of the pixel is added where weights have a zero point.
func (g *convGen) startSet(acc [][]int, tmp int) {
	bias := acc[0]
	for v, a := range bias {
		g.emit(x86.VMOVDQU, g.v(a), g.end.param(v, "bias"))
	}
	for m := len(acc) - 1; m >= 0; m-- { // the first pixel's hold the bias until then
		if g.plan.Sums {
			g.emit(x86.VPBROADCASTD, g.v(tmp), x86.M(regSums, 4*m))
		}
		for v, a := range acc[m] {
			switch {
			case g.plan.Sums:
				g.op3(x86.VPADDD, a, tmp, g.v(bias[v]))
			case m > 0:
				g.emit(x86.VMOVDQU, g.v(a), g.v(bias[v]))
			}
		}
	}
}

// windowRow reduces one row of the window: in points to the tile's first
// pixel in it. regW ends past the row's weights.
func (g *convGen) windowRow(t tileShape, r convRegs) {
	p := g.plan
	stepBytes := t.nv * p.VectorWeightBytes()
	rounds, unit := p.Rounds(), max(p.Depth, 1)
	moved, used := 0, 0 // bytes that in has moved; weights used beyond regW
	for kx := range p.SegmentsX {
		base := kx * p.Window.DilationW * p.PixelBytes
		if rounds > 0 {
			g.addImm(regW, used)
			used = 0
			g.loop(regK, rounds, func() {
				for u := 0; u < p.Unroll; u += unit {
					disps := make([]int, unit)
					for i := range disps {
						disps[i] = base - moved + 4*(u+i)
					}
					g.steps(t, r, u, disps, u*stepBytes)
				}
				g.addImm(g.in, 4*p.Unroll)
				g.addImm(regW, p.Unroll*stepBytes)
				g.prefetch()
			})
			moved += 4 * p.Unroll * rounds
		}
		for k := rounds * p.Unroll; k < p.Steps; k += unit {
			disps := make([]int, min(unit, p.Steps-k))
			for i := range disps {
				disps[i] = base - moved + p.StepOffset(k+i)
			}
			g.steps(t, r, k, disps, used)
			used += len(disps) * stepBytes
		}
	}
	g.addImm(regW, used)
}

// prefetch fetches lines of the weights that follow, and moves on.
func (g *convGen) prefetch() {
	if g.plan.Prefetch == 0 {
		return
	}
	for i := range g.plan.Prefetch {
		g.emit(x86.PREFETCHT1, x86.M(regNext, 64*i))
	}
	g.emit(x86.ADD, x86.R(regNext), arg(argPrefetchStep))
}

// steps emits steps k and on, of inputs disps from in and weights wdisp from
// regW: one, or as many as are added up in 16 bits.
func (g *convGen) steps(t tileShape, r convRegs, k int, disps []int, wdisp int) {
	if g.plan.Depth == 0 {
		g.step(t, r, k, disps[0], wdisp)
		return
	}
	inputs := make([]x86.Operand, len(disps))
	for i, d := range disps {
		inputs[i] = x86.M(g.in, d)
	}
	g.wordSteps(t, r, inputs, wdisp)
}

// step emits one step of 4 input bytes for the whole tile: its input is disp
// from in, its weights wdisp from regW.
func (g *convGen) step(t tileShape, r convRegs, k, disp, wdisp int) {
	acc := r.acc[k%g.plan.Sets]
	stride := g.plan.Window.StrideW * g.plan.PixelBytes
	broadcast := func(reg, m int) {
		g.emit(x86.VPBROADCASTD, g.v(reg), x86.M(g.in, disp+m*stride))
	}
	weights := func(v int) x86.Operand { return x86.M(regW, wdisp+v*g.plan.VectorWeightBytes()) }
	load := x86.VMOVDQU
	if g.plan.WeightBytes < g.plan.ElementBytes {
		load = x86.VPMOVSXBW
	}
	switch g.plan.Operands {
	case "reg":
		for v := range t.nv {
			g.emit(load, g.v(r.w[v]), weights(v))
		}
		for m := range t.pixels {
			broadcast(r.b[0], m)
			for v := range t.nv {
				g.dot(acc[m][v], r.b[0], g.v(r.w[v]), r.product)
			}
		}
	case "stream":
		for m := range t.pixels {
			broadcast(r.b[m], m)
		}
		for v := range t.nv {
			g.emit(load, g.v(r.w[0]), weights(v))
			for m := range t.pixels {
				g.dot(acc[m][v], r.b[m], g.v(r.w[0]), r.product)
			}
		}
	default:
		for m := range t.pixels {
			broadcast(r.b[0], m)
			for v := range t.nv {
				g.dot(acc[m][v], r.b[0], weights(v), r.product)
			}
		}
	}
}

// dot adds the dot products of b and w to acc.
func (g *convGen) dot(acc, b int, w x86.Operand, product int) {
	if g.plan.ElementBytes == 2 {
		g.op3(x86.VPMADDWD, product, b, w)
		g.emit(x86.VPADDD, g.v(acc), g.v(acc), g.v(product))
		return
	}
	g.op3(x86.VPDPBUSD, acc, b, w)
}
