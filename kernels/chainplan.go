package kernels

// A rowMaker is the plan of a kernel that can be part of a chain.
type rowMaker interface {
	plan
	link() link
	// makesAnyRows tells whether the kernel can make any number of steps of rows.
	makesAnyRows() bool
	// readsAnyRows tells whether it can read rows wherever they lie.
	readsAnyRows() bool
	// inputRows returns the addresses of the input's rows, see rowTable, and adds the
	// phases that bring them there.
	inputRows(b *Bound) []uint64
	// prepared returns the size of what is prepared for some rows that are made
	// together, of a layer that reads a ring or not.
	prepared(rows int, ring bool) int
	// makeRows adds calls that make some rows of a strip.
	makeRows(b *Bound, s *strip, rows chunk) error
}

// CanFollow tells whether k can read what before makes while it is being made.
func (k *Kernel) CanFollow(before *Kernel) bool {
	first, ok := before.plan.(rowMaker)
	if !ok || !first.makesAnyRows() {
		return false
	}
	second, ok := k.plan.(rowMaker)
	if !ok || !second.makesAnyRows() || !second.readsAnyRows() {
		return false
	}
	a, b := before.Workload, k.Workload
	if k.InputHalo() != (Halo{}) && first.flat() {
		return false
	}
	return a.N == b.N && a.OH() == b.H && a.OW() == b.W && a.O == b.C
}

// A ChainPlan is the order in which threads compute the layers of a chain: each of
// them makes a band of rows of the last layer's output at a time, and of the layers
// before what that band needs. What is between layers lies in rings of rows, of
// which each thread has its own; a thread that begins inside an image makes some
// rows of its neighbour's again.
type ChainPlan struct {
	kernels []*Kernel
	makers  []rowMaker
	links   []link
	threads [][]stripPlan // of each thread

	areas     []layerAreas // of each layer, in the memory of a thread
	perThread int
}

// A stripPlan is what a thread makes of an image: the steps, and the ring after
// each layer but the last.
type stripPlan struct {
	image int
	steps []bandStep
	rings []ring
}

// layerAreas are parts of a thread's memory.
type layerAreas struct {
	ring     chunk // what the layer makes; none of the last
	prepared chunk // see rowMaker
	sum      chunk // what waits for the addition of a residual
}

// PlanChain plans a chain of kernels of which each CanFollow the one before.
// residual tells that something is added to what the last makes.
func PlanChain(kernels []*Kernel, threads, band int, residual bool) *ChainPlan {
	p := &ChainPlan{kernels: kernels}
	for _, k := range kernels {
		m := k.plan.(rowMaker)
		p.makers = append(p.makers, m)
		p.links = append(p.links, m.link())
	}
	last := &p.links[len(p.links)-1]
	perImage := last.upTo(last.rows) / last.step
	for _, own := range chunksOf(kernels[0].Workload.N*perImage, threads) {
		var strips []stripPlan
		for image := own.at / perImage; image*perImage < own.at+own.n; image++ {
			from := max(own.at-image*perImage, 0) * last.step
			to := min((own.at+own.n-image*perImage)*last.step, last.rows)
			strips = append(strips, p.strip(image, chunk{from, to - from}, band))
		}
		p.threads = append(p.threads, strips)
	}
	p.planMemory(residual)
	return p
}

func (p *ChainPlan) strip(image int, rows chunk, band int) stripPlan {
	s := stripPlan{image: image, steps: planBands(p.links, rows, band)}
	for i := range p.links[1:] {
		s.rings = append(s.rings, ringFor(p.links, s.steps, i))
	}
	return s
}

// planMemory places the areas of a thread.
func (p *ChainPlan) planMemory(residual bool) {
	p.areas = make([]layerAreas, len(p.kernels))
	place := func(n int) chunk {
		c := chunk{p.perThread, n}
		p.perThread = (c.at + c.n + 63) &^ 63
		return c
	}
	for i, k := range p.kernels {
		rows, kept := 0, 0
		p.eachStrip(func(s *stripPlan) {
			for _, step := range s.steps {
				if step.layer == i {
					rows = max(rows, step.rows.n)
				}
			}
			if i < len(s.rings) {
				kept = max(kept, s.rings[i].rows)
			}
		})
		a := &p.areas[i]
		if kept > 0 {
			a.ring = place(kept * p.ringStride(i))
		}
		a.prepared = place(p.makers[i].prepared(rows, i > 0))
		if residual && i == len(p.kernels)-1 {
			a.sum = place(rows * k.Workload.OW() * k.Workload.O)
		}
	}
}

// ringStride returns the bytes from row to row of the ring after a layer.
func (p *ChainPlan) ringStride(layer int) int {
	next := p.kernels[layer+1]
	halo := next.InputHalo()
	return (halo.Left + next.Workload.W + halo.Right) * next.Workload.C
}

func (p *ChainPlan) eachStrip(f func(s *stripPlan)) {
	for _, strips := range p.threads {
		for i := range strips {
			f(&strips[i])
		}
	}
}

// Bytes returns the size of the memory that all threads need together.
func (p *ChainPlan) Bytes() int { return p.perThread * len(p.threads) }

// Rows returns how many rows of its output each thread makes of each layer, those
// that others make too included.
func (p *ChainPlan) Rows() [][]int {
	made := make([][]int, len(p.threads))
	for t, strips := range p.threads {
		made[t] = make([]int, len(p.links))
		for _, s := range strips {
			for _, step := range s.steps {
				made[t][step.layer] += p.links[step.layer].upTo(step.rows.n)
			}
		}
	}
	return made
}
