package ref

import (
	"math"

	"qtune/qnn"
)

// A blend is where one position of the output lies between two of the input.
type blend struct {
	lo, hi int
	float  float32 // weight of hi, for uint8
	fixed  int32   // weight of hi in 1/1024, for int8
}

// resizeBilinear interpolates in float32 over uint8, in integers over int8.
func resizeBilinear(x operand, y result, o qnn.Resize, signed bool) {
	blends := blendsFloat
	if signed {
		blends = blendsFixed
	}
	rows, cols := blends(x.shape[1], y.shape[1], o), blends(x.shape[2], y.shape[2], o)
	st := strides(x.shape, x.shape)
	for i, s := range x.shape { // extents of 1 have no stride there
		if s == 1 {
			st[i] = 0
		}
	}
	each(y.shape, func(k int, at []int) {
		r, c := rows[at[1]], cols[at[2]]
		base := at[0]*st[0] + at[3]*st[3]
		v := func(row, col int) int32 { return x.v[base+row*st[1]+col*st[2]] }
		corners := [4]int32{v(r.lo, c.lo), v(r.hi, c.lo), v(r.lo, c.hi), v(r.hi, c.hi)}
		if signed {
			y.set(k, mixFixed(corners, r.fixed, c.fixed))
		} else {
			y.set(k, mixFloat(corners, r.float, c.float))
		}
	})
}

func mixFloat(v [4]int32, dy, dx float32) int32 {
	my, mx := float32(1-dy), float32(1-dx)
	s := float32(float32(v[0]) * float32(my*mx))
	s = float32(s + float32(float32(v[2])*float32(my*dx))) // the upper row first
	s = float32(s + float32(float32(v[1])*float32(dy*mx)))
	s = float32(s + float32(float32(v[3])*float32(dy*dx)))
	return int32(float32(s + 0.5))
}

func mixFixed(v [4]int32, dy, dx int32) int32 {
	sum := int64(v[0])*int64(1024-dy)*int64(1024-dx) + int64(v[1])*int64(dy)*int64(1024-dx) +
		int64(v[2])*int64(1024-dy)*int64(dx) + int64(v[3])*int64(dy)*int64(dx)
	half := int64(1 << 19)
	if sum <= 0 {
		half = -half
	}
	return int32((sum + half) / (1 << 20))
}

// scaleFloat is the distance in the input of neighbours in the output.
func scaleFloat(in, out int, o qnn.Resize) float32 {
	if o.AlignCorners && out > 1 {
		return float32(float32(in-1) / float32(out-1))
	}
	return float32(float32(in) / float32(out))
}

func blendsFloat(in, out int, o qnn.Resize) []blend {
	b := make([]blend, out)
	scale := scaleFloat(in, out, o)
	for i := range b {
		p := float32(float32(i) * scale)
		if o.HalfPixel {
			p = float32(float32(float32(float32(i)+0.5)*scale) - 0.5)
		}
		lo := max(int(math.Floor(float64(p))), 0)
		b[i] = blend{lo: lo, hi: min(int(math.Ceil(float64(p))), in-1), float: float32(p - float32(lo))}
	}
	return b
}

func blendsFixed(in, out int, o qnn.Resize) []blend {
	b := make([]blend, out)
	scale := (1024*in + out/2) / out
	if o.AlignCorners && out > 1 {
		scale = (1024*(in-1) + (out-1)/2) / (out - 1)
	}
	for i := range b {
		p := i * scale
		if o.HalfPixel {
			p += scale/2 - 512
		}
		lo := max(p/1024, 0)
		b[i] = blend{lo: lo, hi: min((p+1023)/1024, in-1), fixed: int32(p - 1024*lo)}
	}
	return b
}

// nearest returns the position of the input for each of the output.
func nearest(in, out int, o qnn.Resize) []int {
	scale := scaleFloat(in, out, o)
	at := make([]int, out)
	for i := range at {
		p := float32(float32(i) * scale)
		if o.HalfPixel {
			p = float32(float32(float32(i)+0.5) * scale)
		}
		v := int(math.Floor(float64(p)))
		if o.AlignCorners {
			v = int(qnn.RoundFloat(p))
		}
		at[i] = min(v, in-1)
	}
	return at
}

// resizeNearest copies pixels of x [N][H][W] with cells of size bytes.
func resizeNearest(out, x []byte, from, to qnn.Shape, size int, o qnn.Resize) {
	rows, cols := nearest(from[1], to[1], o), nearest(from[2], to[2], o)
	size *= from[3]
	for n := range to[0] {
		for _, r := range rows {
			for _, c := range cols {
				out = out[copy(out, x[((n*from[1]+r)*from[2]+c)*size:][:size]):]
			}
		}
	}
}
