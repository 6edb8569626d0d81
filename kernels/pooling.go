package kernels

import (
	"cmp"
	"fmt"
	"slices"
	"unsafe"

	"qtune/kernels/emit"
	"qtune/kernels/emu"
	"qtune/kernels/pack"
	"qtune/qnn"
)

// PoolArea is the geometry of a pooling operator: [N][H][W][C] to
// [N][OH][OW][C].
type PoolArea struct {
	N, H, W, C, OH, OW int
	Window             qnn.Window // Dilation is not used
}

// A PoolResult says what becomes of the cells of a window.
type PoolResult struct {
	Average    bool // else the maximum
	AwayFrom   int  // average: values below round down at ties, others up; 0 or int8's 128
	Least, Max byte // clamp of the result
}

// clip returns the part of a window that starts at and has k cells that lies in
// 0..n-1.
func clip(at, k, n int) (first, cells int) {
	first = max(at, 0)
	return first, min(at+k, n) - first
}

// lines are consecutive output rows of an image whose windows have as many rows
// of cells: count of them from y on. table is where their windows begin.
type lines struct {
	image, y, count int
	rows, table     int
}

// layout lists the lines of all images and, for each number of rows, the windows
// of one line: offsets from the line's first row of cells and of output.
func (a *PoolArea) layout(in, out View) ([]lines, []emit.Window) {
	var all []lines
	var windows []emit.Window
	tables := map[int]int{}
	for n := range a.N {
		next := -1 // first row of cells of a line that continues the last one
		for y := range a.OH {
			iy, rows := clip(y*a.Window.StrideH-a.Window.PadTop, a.Window.KH, a.H)
			if y > 0 && rows == all[len(all)-1].rows && iy == next {
				all[len(all)-1].count++
			} else {
				if _, known := tables[rows]; !known {
					tables[rows] = len(windows)
					windows = a.line(windows, rows, in, out)
				}
				all = append(all, lines{n, y, 1, rows, tables[rows]})
			}
			next = iy + a.Window.StrideH
		}
	}
	return all, windows
}

// line appends the windows of a line of output pixels.
func (a *PoolArea) line(list []emit.Window, rows int, in, out View) []emit.Window {
	for x := range a.OW {
		ix, cols := clip(x*a.Window.StrideW-a.Window.PadLeft, a.Window.KW, a.W)
		list = append(list, emit.Window{In: uintptr(ix * in.PixelStride), Out: uintptr(x * out.PixelStride), Rows: int64(rows), Cols: int64(cols)})
	}
	return list
}

// setReciprocals completes the windows of an average, and returns which program
// they need, and its shift.
func setReciprocals(windows []emit.Window, away int) (emit.PoolKind, int) {
	known := map[int]bool{}
	var counts []int
	for i := range windows {
		n := int(windows[i].Rows * windows[i].Cols)
		if !known[n] {
			known[n] = true
			counts = append(counts, n)
		}
	}
	short := pack.Reciprocals16(counts)
	shift := 0
	for i := range windows {
		w := &windows[i]
		n := int(w.Rows * w.Cols)
		r, ok := short[n]
		if ok {
			shift = r.Right - 16
		} else {
			r = pack.Reciprocal32(n)
		}
		w.Half = uint32(n / 2)
		if n%2 == 0 { // an odd count has no ties
			w.Below = uint32(away * n)
		}
		w.Factor, w.Left, w.Right = uint32(r.Factor), 1<<r.Left, uint64(r.Right)
	}
	if short == nil {
		return emit.Pool32, 0
	}
	return emit.Pool16, shift
}

// channelGroup is some channels that one call computes: unroll pieces from
// channel at on.
type channelGroup struct{ at, unroll int }

// channelGroups cuts c channels into pieces of p, most of which are done
// several at once, and one that overlaps.
func channelGroups(c, p, unroll int) []channelGroup {
	var groups []channelGroup
	at := 0
	for u := unroll; u > 0; u /= 2 {
		for c-at >= u*p {
			groups = append(groups, channelGroup{at, u})
			at += u * p
		}
	}
	if at < c {
		groups = append(groups, channelGroup{c - p, 1})
	}
	return groups
}

// Pool returns the parts that pool in to out.
func (o *Operators) Pool(a PoolArea, r PoolResult, in, out View, threads int) ([]Part, error) {
	if err := a.check(in, out); err != nil {
		return nil, err
	}
	all, windows := a.layout(in, out)
	kind, shift := emit.PoolMax, 0
	if r.Average {
		kind, shift = setReciprocals(windows, r.AwayFrom)
	}
	p := emit.PieceFor(o.isa, a.C)
	consts := pack.Aligned(2 * int(p.Width()))
	for i := range p.Width() {
		consts[i], consts[p.Width()+i] = r.Least, r.Max
	}
	var pooled []pooledLines
	for _, g := range a.groups(int(p), kind.MaxUnroll(), threads) {
		code, err := o.load(operator{name: "pool", piece: p, pool: kind, unroll: g.unroll, shift: shift})
		if err != nil {
			return nil, err
		}
		args := a.calls(all, windows, in, out, g, int(p), threads)
		for i := range args {
			args[i].Consts = addressOf(consts, 0)
		}
		more, err := o.parts(code, args, buffer{"input", in.Data, emu.Read}, buffer{"output", out.Data, emu.Read | emu.Write},
			buffer{"constants", consts, emu.Read}, bufferOf("windows", windows))
		if err != nil {
			return nil, err
		}
		for i, part := range more {
			pooled = append(pooled, pooledLines{args[i].Out - uintptr(g.at), part})
		}
	}
	return inOrder(pooled), nil
}

// pooledLines is a Part and where the first of its lines is.
type pooledLines struct {
	at   uintptr
	part Part
}

// inOrder returns the parts line by line, all channels of some lines and then
// those of the next: a thread takes parts that follow each other, and finds
// lines in its cache that it made in the layer before, but not channels.
func inOrder(list []pooledLines) []Part {
	slices.SortStableFunc(list, func(a, b pooledLines) int { return cmp.Compare(a.at, b.at) })
	parts := make([]Part, len(list))
	for i, l := range list {
		parts[i] = l.part
	}
	return parts
}

// groups cuts the channels into groups: more and smaller ones where the output
// has too few pixels to share among threads.
func (a *PoolArea) groups(p, unroll, threads int) []channelGroup {
	all := channelGroups(a.C, p, unroll)
	for unroll > 1 && threads > 1 && len(all)*a.N*a.OH*a.OW < 4*threads {
		unroll /= 2
		all = channelGroups(a.C, p, unroll)
	}
	return all
}

// calls returns the argument blocks of the calls that pool a channel group: some
// lines each, or a part of one where there are few lines or they are long.
func (a *PoolArea) calls(all []lines, windows []emit.Window, in, out View, g channelGroup, p, threads int) []emit.Args {
	rowBytes := a.OW * min(a.Window.KH, a.H) * min(a.Window.KW, a.W) * g.unroll * p
	pieces := min(a.OW, max((threads+a.N*a.OH-1)/(a.N*a.OH), rowBytes/maxCall))
	perCall := max(1, min((a.N*a.OH+threads-1)/threads, maxCall/rowBytes))
	var args []emit.Args
	for _, l := range all {
		for _, rows := range chunksOf(l.count, (l.count+perCall-1)/perCall) {
			y := l.y + rows.at
			iy, _ := clip(y*a.Window.StrideH-a.Window.PadTop, a.Window.KH, a.H)
			for _, columns := range chunksOf(a.OW, pieces) {
				args = append(args, emit.Args{
					Rows: uintptr(unsafe.Pointer(&windows[l.table+columns.at])), NRows: int64(columns.n), Blocks: int64(rows.n),
					In:    addressOf(in.Data, in.Offset+l.image*in.ImageStride+iy*in.RowStride+g.at),
					Out:   addressOf(out.Data, out.Offset+l.image*out.ImageStride+y*out.RowStride+g.at),
					InRow: int64(in.RowStride), InPix: int64(in.PixelStride),
					In2Row: int64(a.Window.StrideH * in.RowStride), OutRow: int64(out.RowStride),
				})
			}
		}
	}
	return args
}

func (a *PoolArea) check(in, out View) error {
	if a.N < 1 || a.C < 1 || a.OH < 1 || a.OW < 1 || !in.holds(a.N, a.H, a.W, a.C) || !out.holds(a.N, a.OH, a.OW, a.C) {
		return fmt.Errorf("views of %d and %d bytes do not hold the operands of %+v", len(in.Data), len(out.Data), *a)
	}
	if cells := min(a.Window.KH, a.H) * min(a.Window.KW, a.W); cells > pack.MaxCells {
		return fmt.Errorf("windows of %d cells, more than %d", cells, pack.MaxCells)
	}
	for _, d := range [][6]int{
		{a.OH, a.Window.StrideH, a.Window.PadTop, a.Window.KH, a.H}, {a.OW, a.Window.StrideW, a.Window.PadLeft, a.Window.KW, a.W},
	} {
		if last := (d[0]-1)*d[1] - d[2]; d[3] <= d[2] || last >= d[4] {
			return fmt.Errorf("%+v has a window without cells", *a)
		}
	}
	return nil
}
