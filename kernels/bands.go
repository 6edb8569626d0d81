package kernels

// A link is a layer of a chain, as far as it matters which rows are made when.
type link struct {
	rows   int // of an output image
	step   int // output rows that are made together
	height int // rows of an input image

	// Of the window: rows that it moves by, rows from its first to its last, and rows
	// of the first one that are above the image.
	stride, reach, above int
}

// reads returns the input rows under the windows of some output rows.
func (l *link) reads(rows chunk) chunk {
	first := max(rows.at*l.stride-l.above, 0)
	end := min((rows.at+rows.n-1)*l.stride-l.above+l.reach, l.height)
	return chunk{first, max(end-first, 0)}
}

// upTo returns n, at least one, in whole steps.
func (l *link) upTo(n int) int { return (max(n, 1) + l.step - 1) / l.step * l.step }

// A bandStep is that a layer of a chain makes some rows, of which it has made none
// before, and which are a step at least.
type bandStep struct {
	layer int
	rows  chunk
}

// bands orders the steps that make a strip of an image: each layer makes rows no
// sooner than the next one needs them.
type bands struct {
	links     []link
	next, end []int // of each layer: the first row that is not made yet, and the end of those that are needed
	steps     []bandStep
}

// planBands returns the steps that make some rows of the last link's output, band
// rows at a time.
func planBands(links []link, rows chunk, band int) []bandStep {
	p := &bands{links: links, next: make([]int, len(links)), end: make([]int, len(links))}
	last := len(links) - 1
	for i := last; i >= 0; i-- {
		l := &links[i]
		first := min(rows.at, l.rows-l.step)
		end := min(first+l.upTo(rows.at+rows.n-first), l.rows)
		p.next[i], p.end[i] = first, end
		rows = l.reads(chunk{first, end - first})
	}
	for p.next[last] < p.end[last] {
		p.make(last, p.next[last]+band)
	}
	return p.steps
}

// make adds the steps after which a layer has made its rows before end.
func (p *bands) make(layer, end int) {
	l, at := &p.links[layer], p.next[layer]
	if end = min(end, p.end[layer]); end <= at {
		return
	}
	rows := chunk{at, l.upTo(end - at)}
	if p.end[layer]-at-rows.n < l.step { // too few for a step of their own
		rows.n = p.end[layer] - at
	}
	if layer > 0 {
		reads := l.reads(rows)
		p.make(layer-1, reads.at+reads.n)
	}
	p.steps = append(p.steps, bandStep{layer, rows})
	p.next[layer] = at + rows.n
}

// A ring is memory for some rows of what a layer makes, and where in it each row
// of the image lies while it is needed, -1 where it is not made.
type ring struct {
	rows  int
	place []int
}

// ringFor returns the smallest ring that keeps the rows which a layer makes in some
// steps until the next layer has read them. Rows of a step are next to each other.
func ringFor(links []link, steps []bandStep, layer int) ring {
	n := 0
	for _, s := range steps {
		if s.layer == layer {
			n = max(n, s.rows.n)
		}
	}
	for ; ; n++ {
		if place := placeRows(links, steps, layer, n); place != nil {
			return ring{n, place}
		}
	}
}

// placeRows is ringFor with n rows of memory; nil if those are too few.
func placeRows(links []link, steps []bandStep, layer, n int) []int {
	place, holds := make([]int, links[layer].rows), make([]int, n) // holds: a row of the image
	for i := range place {
		place[i] = -1
	}
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
		needed := firstRead(links, steps[i:], layer+1)
		for k := range s.rows.n {
			if holds[at] >= needed {
				return nil
			}
			holds[at], place[s.rows.at+k] = s.rows.at+k, at
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
