package emit

import "qtune/kernels/x86"

// withResiduals emits body twice: for blocks of channels that have residual weights,
// and for those that have none.
func (g *depthwiseGen) withResiduals(body func()) {
	none, done := g.p.NewLabel(), g.p.NewLabel()
	g.emit(x86.CMP, x86.M(regBlock, g.plan.BlockResiduals()), x86.I(0))
	g.emit(x86.JE, x86.L(none))
	g.rest = true
	body()
	g.rest = false
	g.emit(x86.JMP, x86.L(done))
	g.p.Place(none)
	body()
	g.p.Place(done)
}

// residualTaps adds what is left of the weights of a column, to the vectors that
// have any.
func (g *depthwiseGen) residualTaps(r depthwiseRegs, m, kx, group int, outside bool) {
	done := g.p.NewLabel()
	at := g.plan.ColumnResiduals(kx, group)
	g.emit(x86.CMP, x86.M(regBlock, at), x86.I(0))
	g.emit(x86.JE, x86.L(done))
	for v := range 4 {
		next := g.p.NewLabel()
		for set := range Residuals {
			g.emit(x86.CMP, x86.M(regBlock, at+8*(1+v)), x86.I(set))
			g.emit(x86.JE, x86.L(next))
			g.taps(r, m, group, v, outside, func(ry, v int) x86.Operand {
				if g.kept != nil {
					ry = 0
				}
				return x86.M(regBlock, g.plan.ResidualOffset(set, kx, group, ry, v))
			})
		}
		g.p.Place(next)
	}
	g.p.Place(done)
}
