package kernels

// A View is a tensor [N][H][W][C] of bytes inside a larger buffer.
type View struct {
	Data                                []byte
	Offset                              int // of cell (0,0,0,0) in Data
	ImageStride, RowStride, PixelStride int // bytes
	Halo                                Halo
}

// A Halo is the border of readable cells around each image of a View. They
// hold the tensor's zero point where a kernel asks for them.
type Halo struct{ Top, Left, Bottom, Right int }

// Dense returns the view of a tensor without gaps in data.
func Dense(data []byte, h, w, c int) View {
	return View{Data: data, ImageStride: h * w * c, RowStride: w * c, PixelStride: c}
}

// NewView allocates a tensor [n][h][w][c] with a halo and returns its view.
// All bytes hold fill.
func NewView(n, h, w, c int, halo Halo, fill byte) View {
	return newView(nil, n, h, w, c, halo, fill)
}

// newView is NewView in the memory of m.
func newView(m *Memory, n, h, w, c int, halo Halo, fill byte) View {
	row := (w + halo.Left + halo.Right) * c
	image := (h + halo.Top + halo.Bottom) * row
	v := View{
		Data:        m.bytes(n * image),
		Offset:      halo.Top*row + halo.Left*c,
		ImageStride: image, RowStride: row, PixelStride: c,
		Halo: halo,
	}
	if len(v.Data) > 0 {
		v.Data[0] = fill
		for done := 1; done < len(v.Data); done *= 2 {
			copy(v.Data[done:], v.Data[:done])
		}
	}
	return v
}

// contiguous tells whether images of h rows of w pixels of c bytes lie in v
// without gaps.
func (v View) contiguous(h, w, c int) bool {
	return v.PixelStride == c && v.RowStride == w*c && v.ImageStride == h*w*c
}

// holds tells whether v holds a tensor [n][h][w][c].
func (v View) holds(n, h, w, c int) bool {
	last := v.Offset + (n-1)*v.ImageStride + (h-1)*v.RowStride + (w-1)*v.PixelStride + c
	return v.Offset >= 0 && v.PixelStride >= c && v.RowStride >= 0 && v.ImageStride >= 0 && last <= len(v.Data)
}

// Row returns the bytes of w pixels of row y of image n, gaps between pixels
// included.
func (v View) Row(n, y, w, c int) []byte {
	at := v.Offset + n*v.ImageStride + y*v.RowStride
	return v.Data[at : at+(w-1)*v.PixelStride+c]
}

// Write stores a dense tensor [n][h][w][c].
func (v View) Write(x []byte, n, h, w, c int) {
	for i := range n {
		for y := range h {
			row := v.Row(i, y, w, c)
			for p := range w {
				copy(row[p*v.PixelStride:][:c], x[((i*h+y)*w+p)*c:])
			}
		}
	}
}

// Read returns the tensor [n][h][w][c] without gaps.
func (v View) Read(n, h, w, c int) []byte {
	x := make([]byte, 0, n*h*w*c)
	for i := range n {
		for y := range h {
			row := v.Row(i, y, w, c)
			for p := range w {
				x = append(x, row[p*v.PixelStride:][:c]...)
			}
		}
	}
	return x
}
