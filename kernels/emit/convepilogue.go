package emit

import "qtune/kernels/x86"

// epilogue requantises and stores a tile whose reduction is done.
func (g *convGen) epilogue(t tileShape, r convRegs) {
	acc := g.sumSets(r)
	tmp := g.vec(3)
	hoisted := g.hoist()
	for v := range t.nv {
		memory := func(name string) x86.Operand {
			if g.plan.Workload.PerChannel {
				return g.param(v, name)
			}
			return constant(&g.plan.Consts, name)
		}
		if v == 0 || g.plan.Workload.PerChannel {
			g.load(hoisted, memory)
		}
		c := func(name string) x86.Operand {
			if reg, ok := hoisted[name]; ok {
				return g.v(reg)
			}
			return memory(name)
		}
		for m := range t.pixels {
			if g.plan.Sums {
				g.addWindowSum(acc[m][v], v, m, tmp[0])
			}
			g.requant(g.plan.Requant, acc[m][v], tmp[0], tmp[1], c)
		}
	}
	g.emit(x86.MOV, x86.R(x86.RAX), x86.R(regOut))
	g.emit(x86.MOV, x86.R(x86.RCX), arg(argOutPix))
	g.store(tile{acc, t.channels}, g.plan.Pack, &g.plan.Consts, tmp)
}

// addWindowSum adds what the weights' zero points leave: the sum of pixel m's
// window times a constant of each channel.
func (g *convGen) addWindowSum(a, v, m, tmp int) {
	g.emit(x86.VPBROADCASTD, g.v(tmp), x86.M(regSums, 4*m))
	g.op3(x86.VPMULLD, tmp, tmp, g.param(v, "wsum"))
	g.emit(x86.VPADDD, g.v(a), g.v(a), g.v(tmp))
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

// hoist hands the registers that are left to the constants of the
// requantisation.
func (g *convGen) hoist() map[string]int {
	regs := map[string]int{}
	for _, name := range requantFields[g.plan.Requant] {
		if g.next == g.regs {
			break
		}
		regs[name] = g.vec(1)[0]
	}
	return regs
}

// load fills hoisted constants, in the order of their fields.
func (g *convGen) load(regs map[string]int, c func(string) x86.Operand) {
	for _, name := range requantFields[g.plan.Requant] {
		if reg, ok := regs[name]; ok {
			g.emit(x86.VMOVDQU, g.v(reg), c(name))
		}
	}
}

func (p *ConvPlan) width() x86.Width { return x86.Width(4 * p.Lanes) }
