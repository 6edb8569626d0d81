package kernels

import (
	"errors"

	"qtune/kernels/emit"
	"qtune/kernels/pack"
)

// A Residual is an addition to the result of a convolution: each output byte
// is Sum of the convolution's (the first operand) and of the one at the same
// place in View, [N][OH][OW][O].
type Residual struct {
	Operators *Operators
	Sum       *pack.WeightedSum
	View      View
}

var errNoResidual = errors.New("only conv2d and dense kernels add a residual")

// maxResidualBytes bounds what a thread computes before it adds: in a cache.
const maxResidualBytes = 128 << 10

// BindResidual is Bind for a convolution whose results are added to others
// before they are stored. A kernel of form=flat needs a residual without gaps
// between rows.
func (x *Executable) BindResidual(p *Packed, in, out View, threads int, r Residual) (*Bound, error) {
	return x.bind(&Bound{x: x, p: p, in: in, out: out, threads: max(threads, 1), residual: &r})
}

// A region is the part of the output [image][y][x][channel] that a call makes.
type region struct {
	image, y, x, channel   int
	rows, pixels, channels int
}

// compute adds calls of the main program that make a region together, the first of
// them its first pixel; args say where in the output. With a residual they make it
// in a scratch of the thread, from where the sum goes to the output.
func (b *Bound) compute(args []emit.Args, made region, thread int) error {
	var sum []Part
	if b.residual != nil {
		c := b.x.kernel.Workload.O
		scratch := b.scratchOf(thread, made.rows*made.pixels*c)
		first, pixel := args[0].Out, uintptr(args[0].OutPix)
		for i := range args {
			a := &args[i]
			a.Out = addressOf(scratch, made.channel) + (a.Out-first)/pixel*uintptr(c)
			a.OutPix, a.OutRow = int64(c), int64(made.pixels*c)
		}
		var err error
		if sum, err = b.residual.add(made, b.out, scratch, c); err != nil {
			return err
		}
	}
	for _, a := range args[:len(args)-1] {
		b.call(progMain, a)
	}
	b.call(progMain, args[len(args)-1], sum...)
	return nil
}

// scratchOf returns the scratch in which a thread's calls make what waits for
// the addition, one after the other.
func (b *Bound) scratchOf(thread, bytes int) []byte {
	for len(b.scratch) <= thread {
		b.scratch = append(b.scratch, nil)
	}
	if len(b.scratch[thread]) < bytes {
		b.scratch[thread] = pack.Aligned(bytes)
		b.keep = append(b.keep, b.scratch[thread])
	}
	return b.scratch[thread][:bytes]
}

// add returns the parts that add a region of the scratch [rows][pixels][c] and of
// the residual into the output.
func (r *Residual) add(made region, out View, scratch []byte, c int) ([]Part, error) {
	at := func(v View, row int) []byte {
		return v.Data[v.Offset+made.image*v.ImageStride+(made.y+row)*v.RowStride+made.x*v.PixelStride+made.channel:]
	}
	rows := Rows{Count: made.pixels, Bytes: made.channels, Out: out.PixelStride, In: c, In2: r.View.PixelStride}
	step := 1
	if made.channels == c && out.PixelStride == c && r.View.PixelStride == c {
		rows = Rows{Count: made.rows, Bytes: made.pixels * c, Out: out.RowStride, In: made.pixels * c, In2: r.View.RowStride}
		step = made.rows
	}
	var parts []Part
	for row := 0; row < made.rows; row += step {
		more, err := r.Operators.Sum(r.Sum, rows, scratch[row*made.pixels*c+made.channel:], at(r.View, row), at(out, row), 1)
		if err != nil {
			return nil, err
		}
		parts = append(parts, more...)
	}
	return parts, nil
}
