package emit

import "qtune/kernels/x86"

// An epilogue is what conv2d, dense and depthwise do with accumulators:
// requantise, pack, store. Constants of channels are at regParams, those of the
// layer at regConsts.
type epilogue struct {
	kind          requantKind
	perChannel    bool
	pack          bool
	width         x86.Width
	block, consts *Layout
	held          map[string]int // registers that hold constants of the layer throughout
}

// constant is a constant of the layer.
func (e *epilogue) constant(name string) x86.Operand {
	if reg, ok := e.held[name]; ok {
		return x86.V(e.width, reg)
	}
	return constant(e.consts, name)
}

// param is a constant of vector v of the channel block.
func (e *epilogue) param(v int, name string) x86.Operand {
	return x86.M(regParams, v*e.block.Bytes+e.block.offset(name))
}

// requantise turns all accumulators [pixel][vector] to outputs before
// narrowing. Constants are held in registers as far as there are free ones.
func (g *gen) requantise(e *epilogue, acc [][]int, tmp []int) {
	hoisted := g.hoist(e)
	for v := range acc[0] {
		memory := func(name string) x86.Operand {
			if e.perChannel {
				return e.param(v, name)
			}
			return e.constant(name)
		}
		if v == 0 || e.perChannel {
			g.load(e, hoisted, memory)
		}
		c := func(name string) x86.Operand {
			if name == "modd" && !e.perChannel {
				name = "m"
			}
			if reg, ok := hoisted[name]; ok {
				return g.v(reg)
			}
			return memory(name)
		}
		for m := range acc {
			g.requant(e.kind, acc[m][v], tmp[0], tmp[1], c)
		}
	}
}

// hoist hands the registers that are left to the constants of the
// requantisation.
func (g *gen) hoist(e *epilogue) map[string]int {
	regs := map[string]int{}
	for _, name := range e.kind.fields(e.perChannel) {
		if _, held := e.held[name]; held {
			continue
		}
		if g.next == g.regs {
			break
		}
		regs[name] = g.vec(1)[0]
	}
	return regs
}

// load fills hoisted constants, in the order of their fields.
func (g *gen) load(e *epilogue, regs map[string]int, c func(string) x86.Operand) {
	for _, name := range e.kind.fields(e.perChannel) {
		if reg, ok := regs[name]; ok {
			g.emit(x86.VMOVDQU, g.v(reg), c(name))
		}
	}
}
