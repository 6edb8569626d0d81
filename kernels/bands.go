package kernels

// A link is a layer of a chain, as far as it matters which rows are made when.
type link struct {
	rows   int // of an output image
	step   int // output rows that are made together
	height int // rows of an input image

	stride, reach, above int // of the window: moved by, rows from its first to its last, rows above the image
}

// reads returns the rows of the input under the windows of some output rows.
func (l *link) reads(rows chunk) chunk {
	first := max(rows.at*l.stride-l.above, 0)
	end := min((rows.at+rows.n-1)*l.stride-l.above+l.reach, l.height)
	return chunk{first, max(end-first, 0)}
}

// A bandStep is that a layer of a chain makes some rows, of which it has made none
// before.
type bandStep struct {
	layer int
	rows  chunk
}

// A bandPlan orders the steps of a chain that make a strip of an image of the last
// layer: each layer makes rows no sooner than the next one needs them.
type bandPlan struct {
	links []link
	next  []int // of each layer: first row that is not made yet
	end   []int // of each layer: end of the rows that are needed
	steps []bandStep
}

// planBands returns the steps that make rows of the last link's output, band rows
// at a time, at least.
func planBands(links []link, rows chunk, band int) []bandStep {
	p := &bandPlan{links: links, next: make([]int, len(links)), end: make([]int, len(links))}
	for i := len(links) - 1; i >= 0; i-- {
		l := &links[i]
		first := min(rows.at, l.rows-l.step)
		n := max(rows.at+rows.n-first, l.step)
		if rest := n % l.step; rest != 0 {
			n += l.step - rest
		}
		p.next[i], p.end[i] = first, min(first+n, l.rows)
		rows = l.reads(chunk{first, p.end[i] - first})
	}
	last := len(links) - 1
	for p.next[last] < p.end[last] {
		p.make(last, p.next[last]+band)
	}
	return p.steps
}

// make adds the steps after which a layer has made its rows before end.
func (p *bandPlan) make(layer, end int) {
	l, at := &p.links[layer], p.next[layer]
	n := min(end, p.end[layer]) - at
	if n <= 0 {
		return
	}
	if rest := n % l.step; rest != 0 {
		n += l.step - rest
	}
	if p.end[layer]-at-n < l.step { // too few for a step of their own
		n = p.end[layer] - at
	}
	rows := chunk{at, n}
	if layer > 0 {
		reads := p.links[layer].reads(rows)
		p.make(layer-1, reads.at+reads.n)
	}
	p.steps = append(p.steps, bandStep{layer, rows})
	p.next[layer] = at + n
}

// ringRows places the rows that a layer makes in as few rows of memory as do, the
// rows of a step next to each other. It returns how many, and where each row of
// the image lies, -1 where it is not made.
func ringRows(links []link, steps []bandStep, layer int) (n int, place []int) {
	for _, s := range steps {
		if s.layer == layer {
			n = max(n, s.rows.n)
		}
	}
	for ; ; n++ {
		if place := placeRows(links, steps, layer, n); place != nil {
			return n, place
		}
	}
}

// placeRows is ringRows for n rows of memory; nil if those are too few.
func placeRows(links []link, steps []bandStep, layer, n int) []int {
	place := make([]int, links[layer].rows)
	for i := range place {
		place[i] = -1
	}
	holds := make([]int, n) // row of the image
	for i := range holds {
		holds[i] = -1
	}
	at := 0
	for i, s := range steps {
		if s.layer != layer {
			continue
		}
		if at+s.rows.n > n {
			at = 0
		}
		for k := range s.rows.n {
			if holds[at] >= firstRead(links, steps[i:], layer+1) {
				return nil
			}
			holds[at] = s.rows.at + k
			place[s.rows.at+k] = at
			at++
		}
	}
	return place
}

// firstRead returns the first row that a layer reads in some steps.
func firstRead(links []link, steps []bandStep, layer int) int {
	for _, s := range steps {
		if s.layer == layer {
			return links[layer].reads(s.rows).at
		}
	}
	return links[layer].height
}
