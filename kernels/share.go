package kernels

import "math"

// A grid is the work of an image: rows x channel blocks, the last of which may
// be narrower, and what one must weigh who cuts it among threads.
type grid struct {
	rows, blocks int
	full, tail   int // vectors of channels in a block, and in the last

	rowBytes   float64 // input of a row
	blockBytes float64 // weights of a full block
	cellSteps  float64 // dot products of bytes in a row of a full block
	byteSteps  float64 // as many take as long as a byte from beyond the caches
	sums       bool    // a cut by blocks needs a phase of window sums before
}

// A piece is some rows and channel blocks: what one call computes.
type piece struct{ rows, blocks chunk }

// shares are a grid cut into parts that may run at the same time, each of a few
// pieces. Parts that follow each other are neighbours.
type shares struct {
	parts      [][]piece
	blockMajor bool // whole blocks as far as can be, rather than whole rows
}

// OwnParts returns which of the n parts of a phase a thread takes first: from
// first to before end.
func OwnParts(n, threads, thread int) (first, end int) {
	return thread * n / threads, (thread + 1) * n / threads
}

// threadOf returns the thread of which part i of n is.
func threadOf(n, threads, i int) int {
	for t := range threads {
		if _, end := OwnParts(n, threads, t); i < end {
			return t
		}
	}
	panic("BUG: part beyond the last")
}

// stepsOfByte says how many steps a thread does while a byte of weights or input
// arrives from the last cache or from memory: about 10 with VNNI of 512 bits
// (350 steps and 35 bytes a nanosecond on Zen 5).
func stepsOfByte(lanes, elementBytes int) float64 {
	return 10 * float64(lanes) / 16 / float64(elementBytes)
}

// What the model of time takes into account besides, in bytes that arrive in the
// same time.
const (
	// sharedBytes is for each byte that several threads read. The memory is some
	// other tensor's later, and Zen 5 takes 9 ns for a store to a line that is in
	// two cores' caches, five times as long as for one that is in one other's.
	sharedBytes = 3
	// phaseBytes is for a phase of window sums.
	phaseBytes = 50e3
	// keptBytes of weights stay in a thread's caches from part to part.
	keptBytes = 512 << 10
)

// best cuts g into parts in the way that is the fastest by the model of time:
// with whole rows each thread reads all of the weights; with whole blocks, all of
// the input; and neither may be shared evenly.
func (g *grid) best(parts, threads int) shares {
	var best shares
	least := math.Inf(1)
	for _, blockMajor := range []bool{false, true} {
		for _, whole := range []bool{true, false} {
			s := g.cut(parts, blockMajor, whole)
			better := 0.98 // the simpler one unless it matters
			if !whole {    // threads write the same lines, and read weights for less work
				better = 0.92
			}
			if t := g.time(s, threads); t < better*least {
				best, least = s, t
			}
		}
	}
	return best
}

// time estimates how many steps the slowest thread takes for s.
func (g *grid) time(s shares, threads int) float64 {
	slowest := 0.0
	for t := range threads {
		first, end := OwnParts(len(s.parts), threads, t)
		steps, rows, blocks := 0.0, 0, 0.0
		for _, part := range s.parts[first:end] {
			for _, p := range part {
				size := float64(g.vectors(p.blocks)) / float64(g.full)
				steps += float64(p.rows.n) * size * g.cellSteps
				rows += p.rows.n
				blocks += size
			}
		}
		all := float64(g.vectors(chunk{0, g.blocks})) / float64(g.full)
		if all*g.blockBytes <= keptBytes {
			blocks = min(blocks, all)
		}
		bytes := float64(min(rows, g.rows))*g.rowBytes + blocks*g.blockBytes
		if s.blockMajor {
			bytes += sharedBytes * g.rowBytes * float64(g.rows) / float64(threads)
			if g.sums {
				bytes += phaseBytes
			}
		}
		slowest = max(slowest, steps+bytes*g.byteSteps)
	}
	return slowest
}

// vectors counts those of some blocks.
func (g *grid) vectors(blocks chunk) int {
	n := blocks.n * g.full
	if blocks.n > 0 && blocks.at+blocks.n == g.blocks {
		n += g.tail - g.full
	}
	return n
}

// cut cuts g into at most n parts of equal work. Where they are whole, no two
// parts share a row, or a block.
func (g *grid) cut(n int, blockMajor, whole bool) shares {
	s := shares{blockMajor: blockMajor}
	var last cell
	for i := 1; i <= n; i++ {
		next := g.position(float64(i)/float64(n), blockMajor, whole)
		if part := g.between(last, next, blockMajor); len(part) > 0 {
			s.parts = append(s.parts, part)
		}
		last = next
	}
	return s
}

// A cell is a place in a grid: after major blocks (or rows) and minor rows (or
// blocks) of the next.
type cell struct{ major, minor int }

// position returns the place where about the given share of the work is done.
func (g *grid) position(share float64, blockMajor, whole bool) cell {
	row := float64(g.vectors(chunk{0, g.blocks}))
	at := share * float64(g.rows) * row
	var major, minors int
	var minor float64
	if blockMajor {
		block := float64(g.rows * g.full)
		major, minors = min(int(at/block), g.blocks-1), g.rows
		minor = (at - float64(major)*block) / float64(g.vectors(chunk{major, 1}))
	} else {
		major, minors = min(int(at/row), g.rows-1), g.blocks
		minor = (at - float64(major)*row) / float64(g.full)
		if before := float64(g.blocks - 1); minor > before {
			minor = before + (minor-before)*float64(g.full)/float64(g.tail)
		}
	}
	if whole {
		minor = math.Round(minor/float64(minors)) * float64(minors)
	}
	if m := int(math.Round(minor)); m < minors {
		return cell{major, m}
	}
	return cell{major + 1, 0}
}

// between returns the pieces from one place to another.
func (g *grid) between(from, to cell, blockMajor bool) []piece {
	minors := g.blocks
	if blockMajor {
		minors = g.rows
	}
	var list []piece
	add := func(major, n, minor, end int) {
		if n <= 0 || end <= minor {
			return
		}
		p := piece{chunk{major, n}, chunk{minor, end - minor}}
		if blockMajor {
			p.rows, p.blocks = p.blocks, p.rows
		}
		list = append(list, p)
	}
	if from.major == to.major {
		add(from.major, 1, from.minor, to.minor)
		return list
	}
	if from.minor > 0 {
		add(from.major, 1, from.minor, minors)
		from = cell{from.major + 1, 0}
	}
	add(from.major, to.major-from.major, 0, minors)
	add(to.major, 1, 0, to.minor)
	return list
}

// A chunk is a run of n items from at on.
type chunk struct{ at, n int }

// chunksOf cuts n items into parts as equal as possible, at most one an item.
func chunksOf(n, parts int) []chunk {
	parts = max(1, min(n, parts))
	list := make([]chunk, 0, parts)
	for i := range parts {
		at := i * n / parts
		list = append(list, chunk{at, (i+1)*n/parts - at})
	}
	return list
}

// rowsIn returns the rows of the pieces of a part, which touch each other.
func rowsIn(part []piece) chunk {
	all := part[0].rows
	for _, p := range part[1:] {
		end := max(all.at+all.n, p.rows.at+p.rows.n)
		all.at = min(all.at, p.rows.at)
		all.n = end - all.at
	}
	return all
}
