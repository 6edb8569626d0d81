package kernels

import (
	"fmt"
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

// windows lists the windows of all output pixels.
func (a *PoolArea) windows(in, out View) []emit.Window {
	list := make([]emit.Window, 0, a.N*a.OH*a.OW)
	for n := range a.N {
		for y := range a.OH {
			iy, rows := clip(y*a.Window.StrideH-a.Window.PadTop, a.Window.KH, a.H)
			for x := range a.OW {
				ix, cols := clip(x*a.Window.StrideW-a.Window.PadLeft, a.Window.KW, a.W)
				list = append(list, emit.Window{
					In:   addressOf(in.Data, in.Offset+n*in.ImageStride+iy*in.RowStride+ix*in.PixelStride),
					Out:  addressOf(out.Data, out.Offset+n*out.ImageStride+y*out.RowStride+x*out.PixelStride),
					Rows: int64(rows), Cols: int64(cols),
				})
			}
		}
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
	windows := a.windows(in, out)
	kind, shift := emit.PoolMax, 0
	if r.Average {
		kind, shift = setReciprocals(windows, r.AwayFrom)
	}
	p := emit.PieceFor(o.isa, a.C)
	consts := pack.Aligned(2 * int(p.Width()))
	for i := range p.Width() {
		consts[i], consts[p.Width()+i] = r.Least, r.Max
	}
	var parts []Part
	for _, g := range channelGroups(a.C, int(p), kind.MaxUnroll()) {
		args := emit.Args{InRow: int64(in.RowStride), InPix: int64(in.PixelStride), InAt: int64(g.at), Out: uintptr(g.at), Consts: addressOf(consts, 0)}
		op := operator{name: "pool", piece: p, pool: kind, unroll: g.unroll, shift: shift}
		more, err := o.poolParts(op, args, windows, threads,
			buffer{"input", in.Data, emu.Read}, buffer{"output", out.Data, emu.Read | emu.Write}, buffer{"constants", consts, emu.Read})
		if err != nil {
			return nil, err
		}
		parts = append(parts, more...)
	}
	return parts, nil
}

// poolParts makes the calls for all windows under args.
func (o *Operators) poolParts(op operator, args emit.Args, windows []emit.Window, threads int, buffers ...buffer) ([]Part, error) {
	code, err := o.load(op)
	if err != nil {
		return nil, err
	}
	cells := int(windows[len(windows)/2].Rows*windows[len(windows)/2].Cols) + 4
	calls := max(threads, len(windows)*cells*op.unroll*int(op.piece)/maxCall)
	var all []emit.Args
	for _, c := range chunksOf(len(windows), calls) {
		a := args
		a.Rows, a.NRows = uintptr(unsafe.Pointer(&windows[c.at])), int64(c.n)
		all = append(all, a)
	}
	keep := buffer{name: "windows", data: unsafe.Slice((*byte)(unsafe.Pointer(&windows[0])), len(windows)*emit.WindowBytes), perm: emu.Read}
	return o.parts(code, all, append(buffers, keep)...)
}

func (a *PoolArea) check(in, out View) error {
	holds := func(v View, h, w int) bool {
		last := v.Offset + (a.N-1)*v.ImageStride + (h-1)*v.RowStride + (w-1)*v.PixelStride + a.C
		return v.Offset >= 0 && v.PixelStride >= a.C && v.RowStride >= 0 && v.ImageStride >= 0 && last <= len(v.Data)
	}
	if a.N < 1 || a.C < 1 || a.OH < 1 || a.OW < 1 || !holds(in, a.H, a.W) || !holds(out, a.OH, a.OW) {
		return fmt.Errorf("views of %d and %d bytes do not hold the operands of %+v", len(in.Data), len(out.Data), *a)
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

// ChannelSums returns the parts that add up all pixels of each image, and the
// place of the sum of each image and channel in sums.
func (o *Operators) ChannelSums(n, h, w, c int, in View, threads int) (parts []Part, sums []int32, place []int32, err error) {
	a := PoolArea{N: n, H: h, W: w, C: c, OH: 1, OW: 1, Window: qnn.Window{KH: h, KW: w, StrideH: h, StrideW: w}}
	if err := a.check(in, NewView(n, 1, 1, c, Halo{}, 0)); err != nil {
		return nil, nil, nil, err
	}
	p := emit.PieceFor(o.isa, c)
	per := int(p.Width()) // sums of a call
	groups := channelGroups(c, int(p), 1)
	sums, place = make([]int32, n*len(groups)*per), make([]int32, n*c)
	raw := unsafe.Slice((*byte)(unsafe.Pointer(&sums[0])), 4*len(sums))
	for i, g := range groups {
		windows := a.windows(in, View{})
		for image := range windows {
			first := (image*len(groups) + i) * per
			windows[image].Out = addressOf(raw, 4*first)
			for b := range int(p) {
				place[image*c+g.at+b] = int32(first + emit.SumOrder(p, b))
			}
		}
		args := emit.Args{InRow: int64(in.RowStride), InPix: int64(in.PixelStride), InAt: int64(g.at)}
		op := operator{name: "pool", piece: p, pool: emit.PoolSum, unroll: 1}
		more, err := o.poolParts(op, args, windows, 1, buffer{"input", in.Data, emu.Read}, buffer{"sums", raw, emu.Read | emu.Write})
		if err != nil {
			return nil, nil, nil, err
		}
		parts = append(parts, more...)
	}
	return parts, sums, place, nil
}
