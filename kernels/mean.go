package kernels

import (
	"fmt"
	"unsafe"

	"qtune/kernels/emit"
	"qtune/kernels/emu"
	"qtune/kernels/pack"
)

// meanShare is the least number of bytes that are worth a thread.
const meanShare = 1 << 14

// Mean returns the phases of parts that store the mean of all pixels of each
// image and channel of in, [N][H][W][C], to out, [N][C] without gaps. m.Count
// must be H*W. Sums of bands of rows come first, so that threads can share an
// image.
func (o *Operators) Mean(m *pack.Mean, n, h, w, c int, in View, out []byte, threads int) ([][]Part, error) {
	if n < 1 || h < 1 || w < 1 || c < 1 || m.Count != h*w {
		return nil, fmt.Errorf("a mean of %d cells over %dx%dx%dx%d", m.Count, n, h, w, c)
	}
	if err := m.Check(); err != nil {
		return nil, err
	}
	if !in.holds(n, h, w, c) || len(out) < n*c {
		return nil, fmt.Errorf("%d and %d bytes do not hold the operands of a mean over %dx%dx%dx%d", len(in.Data), len(out), n, h, w, c)
	}
	bands := min(h, max((h*w*c+maxCall-1)/maxCall, min(threads, h*w*c/meanShare)))
	s := &bandSums{o: o, n: n, h: h, w: w, bands: chunksOf(h, bands), in: in, piece: emit.PieceFor(o.isa, c)}
	s.groups = channelGroups(c, int(s.piece), 1)
	s.data = pack.Aligned(n * len(s.bands) * len(s.groups) * s.bytes())
	sum, err := s.sum(threads)
	if err != nil {
		return nil, err
	}
	finish, err := s.finish(m, out, c)
	return [][]Part{sum, finish}, err
}

// bandSums are the sums of bands of rows: of each image, band and group of
// channels a piece, as four vectors of int32.
type bandSums struct {
	o       *Operators
	n, h, w int
	bands   []chunk
	in      View
	piece   emit.Piece
	groups  []channelGroup
	data    []byte
}

// bytes is the size of a piece's sums.
func (s *bandSums) bytes() int { return 4 * int(s.piece.Width()) }

// at is where the sums of a band begin.
func (s *bandSums) at(image, band int) int {
	return (image*len(s.bands) + band) * len(s.groups) * s.bytes()
}

// sum returns the parts that fill s.
func (s *bandSums) sum(threads int) ([]Part, error) {
	code, err := s.o.load(operator{name: "pool", piece: s.piece, pool: emit.PoolSum, unroll: 1})
	if err != nil {
		return nil, err
	}
	var windows []emit.Window
	for image := range s.n {
		for b, band := range s.bands {
			windows = append(windows, emit.Window{
				In:  addressOf(s.in.Data, s.in.Offset+image*s.in.ImageStride+band.at*s.in.RowStride),
				Out: addressOf(s.data, s.at(image, b)), Rows: int64(band.n), Cols: int64(s.w),
			})
		}
	}
	var args []emit.Args
	for _, some := range chunksOf(len(windows), max(threads, len(s.bands))) {
		for i, g := range s.groups {
			args = append(args, emit.Args{Rows: uintptr(unsafe.Pointer(&windows[some.at])), NRows: int64(some.n), Blocks: 1,
				In: uintptr(g.at), Out: uintptr(i * s.bytes()), InRow: int64(s.in.RowStride), InPix: int64(s.in.PixelStride)})
		}
	}
	return s.o.parts(code, args, buffer{"input", s.in.Data, emu.Read}, buffer{"sums", s.data, emu.Read | emu.Write}, bufferOf("windows", windows))
}

// finish returns the part that makes means of the sums. It is one because the
// last two groups of an image may overlap in out.
func (s *bandSums) finish(m *pack.Mean, out []byte, c int) ([]Part, error) {
	code, err := s.o.load(operator{name: "mean", piece: s.piece, mean: m.Kind()})
	if err != nil {
		return nil, err
	}
	var windows []emit.Window
	for image := range s.n {
		for i, g := range s.groups {
			windows = append(windows, emit.Window{In: addressOf(s.data, s.at(image, 0)+i*s.bytes()),
				Out: addressOf(out, image*c+g.at), Rows: int64(len(s.bands))})
		}
	}
	consts := m.Pack(int(s.piece.Width()))
	args := []emit.Args{{Rows: uintptr(unsafe.Pointer(&windows[0])), NRows: int64(len(windows)),
		InRow: int64(s.at(0, 1)), Consts: addressOf(consts, 0)}}
	return s.o.parts(code, args, buffer{"sums", s.data, emu.Read}, buffer{"output", out, emu.Read | emu.Write},
		buffer{"constants", consts, emu.Read}, bufferOf("windows", windows))
}
