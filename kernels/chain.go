package kernels

import (
	"fmt"

	"qtune/kernels/pack"
)

// A ChainLayer is a layer of a chain: code and constants.
type ChainLayer struct {
	Executable *Executable
	Packed     *Packed
	Residual   *Residual // nil: none
}

// A Chain is layers with their constants and buffers, each of which reads what the
// one before makes. Threads compute all of them over bands of a few rows: what is
// between layers lies in a ring of rows of each thread, in its caches.
type Chain struct {
	layers []*Bound
	strips [][]chainPart // of each thread, in order
}

// A chainPart is a part of the last phase of a layer.
type chainPart struct{ layer, part int }

// A rowMaker is the plan of a kernel that can be part of a chain.
type rowMaker interface {
	plan
	link() link
	// leads tells whether the kernel can make any number of rows at a time.
	leads() bool
	// follows tells whether it can besides read rows wherever they lie, dense but for its halo.
	// for its halo.
	follows() bool
	// inputRows returns the addresses of the input's rows, see rowTable, and adds
	// phases that bring them there.
	inputRows(b *Bound) []uint64
	// makeRows adds the calls that make some rows of a strip.
	makeRows(b *Bound, s *strip, rows chunk) error
}

// A strip is what a thread makes of an image of a layer's output.
type strip struct {
	image, thread int
	table         []uint64              // addresses of the input's rows, from those above the image on
	own           bool                  // the rows are in a ring
	out           func(row int) uintptr // where the first cell of an output row lies
	outRow        int
	outPix        int
}

// CanFollow tells whether k can read what before makes out of a ring of rows.
func (k *Kernel) CanFollow(before *Kernel) bool {
	first, ok := before.plan.(rowMaker)
	if !ok || !first.leads() {
		return false
	}
	second, ok := k.plan.(rowMaker)
	if !ok || !second.follows() {
		return false
	}
	a, b := before.Workload, k.Workload
	dense := !first.flat() && !first.densePixels() || k.InputHalo() == Halo{}
	return a.N == b.N && a.OH() == b.H && a.OW() == b.W && a.O == b.C && dense
}

// BindChain joins the layers of a chain to memory. in is the input of the first
// and out the output of the last, which is made band rows at a time.
func BindChain(layers []ChainLayer, in, out View, threads, band int) (*Chain, error) {
	c := &Chain{}
	for i, l := range layers {
		b := &Bound{x: l.Executable, p: l.Packed, threads: max(threads, 1), residual: l.Residual}
		if i == 0 {
			b.in = in
		}
		if i == len(layers)-1 {
			b.out = out
		}
		c.layers = append(c.layers, b)
	}
	if err := c.bind(max(threads, 1), band); err != nil {
		return nil, fmt.Errorf("binding a chain that ends with %s: %w", layers[len(layers)-1].Executable.kernel.Workload, err)
	}
	return c, nil
}

func (c *Chain) bind(threads, band int) error {
	var links []link
	for _, b := range c.layers {
		m, ok := b.x.kernel.plan.(rowMaker)
		if !ok {
			return fmt.Errorf("%s cannot be part of it", b.x.kernel.Workload)
		}
		links = append(links, m.link())
	}
	first := c.layers[0]
	input := first.maker().inputRows(first)
	first.tables = append(first.tables, input)
	for _, b := range c.layers {
		b.phase()
	}
	last := &links[len(links)-1]
	images := first.x.kernel.Workload.N
	perImage := (last.rows + last.step - 1) / last.step
	buffers := c.newBuffers()
	for thread, own := range chunksOf(images*perImage, threads) {
		c.strips = append(c.strips, nil)
		for image := own.at / perImage; image*perImage < own.at+own.n; image++ {
			from := max(own.at-image*perImage, 0) * last.step
			to := min((own.at+own.n-image*perImage)*last.step, last.rows)
			steps := planBands(links, chunk{from, to - from}, band)
			if err := c.addStrip(links, steps, input, buffers, image, thread); err != nil {
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

func (b *Bound) maker() rowMaker { return b.x.kernel.plan.(rowMaker) }

// chainBuffers are the rings and borders between the layers of a chain.
type chainBuffers struct {
	rings   [][][]byte // of each layer but the last, and thread
	borders [][]byte   // of each layer but the first
}

func (c *Chain) newBuffers() *chainBuffers {
	f := &chainBuffers{rings: make([][][]byte, len(c.layers)), borders: make([][]byte, len(c.layers))}
	for i, b := range c.layers[1:] {
		w := b.x.kernel.Workload
		f.borders[i+1] = filled((w.PadLeft+w.W+w.PadRight)*w.C, byte(b.p.inputZero))
		b.keep = append(b.keep, f.borders[i+1])
	}
	return f
}

func filled(n int, v byte) []byte {
	b := pack.Aligned(n)
	for i := range b {
		b[i] = v
	}
	return b
}

// ring returns the memory of a thread's rows between a layer and the next.
func (c *Chain) ring(f *chainBuffers, layer, thread, bytes int) []byte {
	for len(f.rings[layer]) <= thread {
		f.rings[layer] = append(f.rings[layer], nil)
	}
	if len(f.rings[layer][thread]) < bytes {
		r := filled(bytes, byte(c.layers[layer+1].p.inputZero))
		f.rings[layer][thread] = r
		c.layers[layer].keep = append(c.layers[layer].keep, r)
		c.layers[layer+1].keep = append(c.layers[layer+1].keep, r)
	}
	return f.rings[layer][thread][:bytes]
}

// addStrip adds the parts of a thread that make a strip of an image.
func (c *Chain) addStrip(links []link, steps []bandStep, input []uint64, f *chainBuffers, image, thread int) error {
	strips := make([]*strip, len(c.layers))
	for i, b := range c.layers {
		s := &strip{image: image, thread: thread}
		w := b.x.kernel.Workload
		if i == 0 {
			per := w.PadTop + w.H + w.PadBottom
			s.table = input[image*per : (image+1)*per]
		} else {
			s.table, s.own = make([]uint64, w.PadTop+w.H+w.PadBottom), true
			b.tables = append(b.tables, s.table)
		}
		strips[i] = s
	}
	for i, s := range strips {
		b := c.layers[i]
		if i == len(strips)-1 {
			s.outRow, s.outPix = b.out.RowStride, b.out.PixelStride
			s.out = func(row int) uintptr {
				return addressOf(b.out.Data, b.out.Offset+image*b.out.ImageStride+row*b.out.RowStride)
			}
			continue
		}
		w, halo := c.layers[i+1].x.kernel.Workload, c.layers[i+1].x.kernel.InputHalo()
		n, place := ringRows(links, steps, i)
		s.outRow, s.outPix = (halo.Left+w.W+halo.Right)*w.C, w.C
		ring := c.ring(f, i, thread, n*s.outRow)
		table := strips[i+1].table
		for y := range table {
			row := y - w.PadTop
			switch {
			case row < 0 || row >= w.H:
				table[y] = uint64(addressOf(f.borders[i+1], 0))
			case place[row] >= 0:
				table[y] = uint64(addressOf(ring, place[row]*s.outRow+halo.Left*w.C-w.PadLeft*w.C))
			}
		}
		s.out = func(row int) uintptr { return addressOf(ring, place[row]*s.outRow+halo.Left*w.C) }
	}
	for _, step := range steps {
		b := c.layers[step.layer]
		b.part()
		if err := b.maker().makeRows(b, strips[step.layer], step.rows); err != nil {
			return err
		}
		c.strips[thread] = append(c.strips[thread], chainPart{step.layer, len(b.phases[len(b.phases)-1]) - 1})
	}
	return nil
}

// Phases returns the work in parts as those of a Bound: what prepares the input,
// and the bands of each thread.
func (c *Chain) Phases() [][]Part {
	first := *c.layers[0]
	first.residual = nil
	phases := first.Phases()
	phases[len(phases)-1] = nil
	last := &phases[len(phases)-1]
	for _, parts := range c.strips {
		*last = append(*last, func() error {
			for _, p := range parts {
				b := c.layers[p.layer]
				if err := b.run(&b.phases[len(b.phases)-1][p.part]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return phases
}
