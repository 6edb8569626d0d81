package kernels

import (
	"fmt"
	"time"

	"qtune/kernels/pack"
)

// A Chain is layers, each of which reads what the one before makes, with their
// constants and buffers.
type Chain struct {
	plan    *ChainPlan
	layers  []*Bound
	threads [][]chainPart // of each, in order
	timed   bool
	spent   [][]time.Duration // of each thread and layer
}

// A chainPart is a part of a layer's last phase.
type chainPart struct{ layer, part int }

// A ChainLayer is what a layer of a chain is bound to.
type ChainLayer struct {
	Executable *Executable // of the plan's kernel
	Packed     *Packed
	Residual   *Residual // of the last layer, nil without
}

// A strip is what a thread makes of an image of a layer's output.
type strip struct {
	image, thread  int
	table          []uint64 // addresses of the input's rows, from those above the image on
	ring           bool     // that the rows are in
	prepared       []byte
	out            func(row int) uintptr // where the first cell of an output row lies
	outRow, outPix int                   // bytes from output row to row, of rows that are made together, and from pixel to pixel
}

// Bind joins the layers to memory: in is the input of the first and out the output
// of the last, and memory of Bytes may be used for something else between runs.
func (p *ChainPlan) Bind(layers []ChainLayer, in, out View, memory []byte) (*Chain, error) {
	c := &Chain{plan: p}
	for i, l := range layers {
		b := &Bound{x: l.Executable, p: l.Packed, threads: len(p.threads), residual: l.Residual}
		if i == 0 {
			b.in = in
		}
		if i == len(layers)-1 {
			b.out = out
		}
		c.layers = append(c.layers, b)
	}
	if err := c.bind(memory); err != nil {
		return nil, fmt.Errorf("binding %s to the layers before: %w", p.kernels[len(p.kernels)-1].Workload, err)
	}
	return c, nil
}

func (c *Chain) bind(memory []byte) error {
	first, last := c.layers[0], c.layers[len(c.layers)-1]
	if err := first.checkInput(); err != nil {
		return err
	}
	if err := last.checkOutputs(); err != nil {
		return err
	}
	input := c.plan.makers[0].inputRows(first)
	first.tables = append(first.tables, input)
	borders := c.borders()
	for _, b := range c.layers {
		b.phase()
	}
	for thread, strips := range c.plan.threads {
		c.threads, c.spent = append(c.threads, nil), append(c.spent, make([]time.Duration, len(c.layers)))
		own := memory[thread*c.plan.perThread:][:c.plan.perThread]
		c.layOut(own)
		for i := range strips {
			if err := c.addStrip(&strips[i], thread, input, borders, own); err != nil {
				return err
			}
		}
	}
	for _, b := range c.layers {
		if b.sandbox = b.x.code.newSandbox(); b.sandbox != nil {
			if err := b.showMemory(); err != nil {
				return err
			}
		}
	}
	return nil
}

// borders returns for each layer that reads a ring the row above and below all
// images.
func (c *Chain) borders() [][]byte {
	list := make([][]byte, len(c.layers))
	for i, b := range c.layers[1:] {
		w := b.x.kernel.Workload
		list[i+1] = pack.Aligned((w.PadLeft + w.W + w.PadRight) * w.C)
		fill(list[i+1], byte(b.p.inputZero))
		b.keep = append(b.keep, list[i+1])
	}
	return list
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}

// layOut gives the layers their areas of a thread's memory.
func (c *Chain) layOut(own []byte) {
	for i, b := range c.layers {
		a := &c.plan.areas[i]
		b.keep = append(b.keep, a.ring.of(own), a.prepared.of(own))
		if i > 0 {
			b.keep = append(b.keep, c.plan.areas[i-1].ring.of(own))
		}
		if b.residual != nil {
			b.scratch = append(b.scratch, a.sum.of(own))
			b.keep = append(b.keep, a.sum.of(own))
		}
	}
}

// of returns the chunk's bytes.
func (c chunk) of(b []byte) []byte { return b[c.at : c.at+c.n : c.at+c.n] }

// addStrip adds the parts of a thread that make a strip.
func (c *Chain) addStrip(plan *stripPlan, thread int, input []uint64, borders [][]byte, own []byte) error {
	strips := make([]strip, len(c.layers))
	for i, b := range c.layers {
		w, s := b.x.kernel.Workload, &strips[i]
		s.image, s.thread, s.ring, s.prepared = plan.image, thread, i > 0, c.plan.areas[i].prepared.of(own)
		rows := w.PadTop + w.H + w.PadBottom
		if i == 0 {
			s.table = input[plan.image*rows:][:rows]
		} else {
			s.table = c.ringTable(plan, i, borders[i], own)
			b.tables = append(b.tables, s.table)
		}
		s.outRow, s.outPix = b.out.RowStride, b.out.PixelStride
		s.out = func(row int) uintptr {
			return addressOf(b.out.Data, b.out.Offset+plan.image*b.out.ImageStride+row*b.out.RowStride)
		}
		if i < len(plan.rings) {
			s.outRow, s.outPix = c.plan.ringStride(i), w.O
			s.out = func(row int) uintptr { return c.ringRow(plan, i, row, own) }
		}
	}
	for n, step := range plan.steps {
		b := c.layers[step.layer]
		b.part()
		if n == 0 {
			b.lastPart().copies = c.halos(plan, own)
		}
		if err := c.plan.makers[step.layer].makeRows(b, &strips[step.layer], step.rows); err != nil {
			return err
		}
		c.threads[thread] = append(c.threads[thread], chainPart{step.layer, len(b.phases[len(b.phases)-1]) - 1})
	}
	return nil
}

// ringRow returns where the first cell of a row that a layer makes lies.
func (c *Chain) ringRow(plan *stripPlan, layer, row int, own []byte) uintptr {
	next := c.plan.kernels[layer+1]
	at := plan.rings[layer].place[row]*c.plan.ringStride(layer) + next.InputHalo().Left*next.Workload.C
	return addressOf(own, c.plan.areas[layer].ring.at+at)
}

// ringTable is the table of rows of a layer that reads a ring.
func (c *Chain) ringTable(plan *stripPlan, layer int, border, own []byte) []uint64 {
	w := c.plan.kernels[layer].Workload
	return rowTable(1, w.H, w.PadTop, w.PadBottom, addressOf(border, 0), func(_, row int) uintptr {
		if plan.rings[layer-1].place[row] < 0 {
			return 0
		}
		return c.ringRow(plan, layer-1, row, own) - uintptr(w.PadLeft*w.C)
	})
}

// halos are the copies that fill the borders at both ends of the rows of rings.
func (c *Chain) halos(plan *stripPlan, own []byte) []rowCopy {
	var list []rowCopy
	for i, r := range plan.rings {
		next := c.layers[i+1]
		w, halo := next.x.kernel.Workload, next.x.kernel.InputHalo()
		zeros := pack.Aligned(max(halo.Left, halo.Right) * w.C)
		fill(zeros, byte(next.p.inputZero))
		for row := range r.rows {
			all := c.plan.areas[i].ring.of(own)[row*c.plan.ringStride(i):][:c.plan.ringStride(i)]
			for _, dst := range [][]byte{all[:halo.Left*w.C], all[len(all)-halo.Right*w.C:]} {
				if len(dst) > 0 {
					list = append(list, rowCopy{dst, zeros[:len(dst)], 1, len(dst), len(dst), 1})
				}
			}
		}
	}
	return list
}

// Phases returns the work in parts, as those of a Bound: what prepares the input,
// and then all layers.
func (c *Chain) Phases() [][]Part {
	first := *c.layers[0]
	first.phases = first.phases[:len(first.phases)-1]
	first.residual = nil
	phases := first.Phases()
	var last []Part
	for thread := range c.threads {
		last = append(last, func() error { return c.run(thread) })
	}
	return append(phases, last)
}

// run computes a thread's share.
func (c *Chain) run(thread int) error {
	start := time.Time{}
	if c.timed {
		start = time.Now()
	}
	for _, p := range c.threads[thread] {
		b := c.layers[p.layer]
		if err := b.run(&b.phases[len(b.phases)-1][p.part]); err != nil {
			return err
		}
		if c.timed {
			now := time.Now()
			c.spent[thread][p.layer] += now.Sub(start)
			start = now
		}
	}
	return nil
}

// Time tells whether runs that follow are timed, layer by layer.
func (c *Chain) Time(on bool) {
	c.timed = on
	if on {
		for _, t := range c.spent {
			clear(t)
		}
	}
}

// Spent returns the share of each layer in the time that all threads took since
// Time(true).
func (c *Chain) Spent() []float64 {
	shares, sum := make([]float64, len(c.layers)), 0.0
	for _, t := range c.spent {
		for i, d := range t {
			shares[i] += float64(d)
			sum += float64(d)
		}
	}
	for i := range shares {
		shares[i] /= max(sum, 1)
	}
	return shares
}
