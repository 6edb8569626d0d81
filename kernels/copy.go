package kernels

import "qtune/schedules"

// A rowCopy moves one input row to the scratch.
type rowCopy struct {
	dst, src         []byte
	pixels, channels int
	stride, repeat   int // bytes from source pixel to pixel; copies of each channel
}

func (c *rowCopy) run() {
	per := len(c.dst) / c.pixels
	if per == c.channels && c.stride == c.channels {
		copy(c.dst, c.src)
		return
	}
	for p := range c.pixels {
		dst, src := c.dst[p*per:][:per], c.src[p*c.stride:][:c.channels]
		if c.repeat == 1 {
			copy(dst, src)
			continue
		}
		for i, v := range src {
			for j := range c.repeat {
				dst[i*c.repeat+j] = v
			}
		}
	}
}

// copyRows lists the copies of all input rows of a workload to where dst says.
func copyRows(w schedules.Workload, in View, repeat int, dst func(image, y int) []byte) []rowCopy {
	var rows []rowCopy
	for image := range w.N {
		for y := range w.H {
			rows = append(rows, rowCopy{dst(image, y), in.Row(image, y, w.W, w.C), w.W, w.C, in.PixelStride, repeat})
		}
	}
	return rows
}
