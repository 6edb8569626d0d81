package pack

import (
	"math"

	"qtune/kernels/emit"
	"qtune/kernels/x86"
	"qtune/qnn"
)

// A Blend is where a position of a resized image lies in the original: between
// Lo and Hi. The weights are float32 bits or integers in 1/1024.
type Blend struct {
	Lo, Hi             int
	LoWeight, HiWeight uint32
}

// resizeScale is the distance in the original of neighbours in the result.
func resizeScale(in, out int, r qnn.Resize) float32 {
	if r.AlignCorners && out > 1 {
		return float32(float32(in-1) / float32(out-1))
	}
	return float32(float32(in) / float32(out))
}

// FloatBlends are the positions of RESIZE_BILINEAR over uint8.
func FloatBlends(in, out int, r qnn.Resize) []Blend {
	scale, all := resizeScale(in, out, r), make([]Blend, out)
	for i := range all {
		p := float32(float32(i) * scale)
		if r.HalfPixel {
			p = float32(float32(float32(float32(i)+0.5)*scale) - 0.5)
		}
		lo := min(max(int(math.Floor(float64(p))), 0), in-1)
		d := float32(p - float32(lo))
		all[i] = Blend{lo, min(int(math.Ceil(float64(p))), in-1), math.Float32bits(float32(1 - d)), math.Float32bits(d)}
	}
	return all
}

// FixedBlends are the positions of RESIZE_BILINEAR over int8.
func FixedBlends(in, out int, r qnn.Resize) []Blend {
	scale, all := (1024*in+out/2)/out, make([]Blend, out)
	if r.AlignCorners && out > 1 {
		scale = (1024*(in-1) + (out-1)/2) / (out - 1)
	}
	for i := range all {
		p := i * scale
		if r.HalfPixel {
			p += scale/2 - 512
		}
		lo := min(max(p/1024, 0), in-1)
		d := p - 1024*lo
		all[i] = Blend{lo, min((p+1023)/1024, in-1), uint32(1024 - d), uint32(d)}
	}
	return all
}

// Nearest are the positions of RESIZE_NEAREST_NEIGHBOR.
func Nearest(in, out int, r qnn.Resize) []int {
	scale, all := resizeScale(in, out, r), make([]int, out)
	for i := range all {
		p := float32(float32(i) * scale)
		if r.HalfPixel {
			p = float32(float32(float32(i)+0.5) * scale)
		}
		at := int(math.Floor(float64(p)))
		if r.AlignCorners {
			at = int(qnn.RoundFloat(p))
		}
		all[i] = min(at, in-1)
	}
	return all
}

// BlendConstants lays out the constants of emit.Blend in vectors of width bytes.
func BlendConstants(width x86.Width, fixed bool) []byte {
	l := emit.BlendLayout(width, fixed)
	dst := Aligned(l.Bytes)
	for _, f := range l.Fields {
		field := dst[f.Offset:][:f.Bytes]
		switch f.Name {
		case "unsign": // the weights add up to 2^20
			fill32(field, 128<<20)
		case "zero":
			fill32(field, 128)
		case "half":
			if fixed {
				fill32(field, 1<<19)
			} else {
				fillFloat(field, 0.5)
			}
		}
	}
	return dst
}
