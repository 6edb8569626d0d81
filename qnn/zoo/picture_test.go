package zoo

import "qtune/qnn"

// photograph is an input like a photograph: shading from corner to corner,
// bright and dark shapes with hard edges, and a little noise.
func photograph(g *qnn.Graph) []byte {
	image := &g.Tensors[g.Inputs[0]]
	s := newStream(g.Name + "/photograph")
	extent := image.Shape[1]
	type disc struct {
		y, x, r int
		shade   [3]int
	}
	discs := make([]disc, 12)
	for i := range discs {
		discs[i] = disc{y: s.intn(extent), x: s.intn(extent), r: s.intn(extent/4) + 2}
		for c := range 3 {
			discs[i].shade[c] = s.intn(160) - 80
		}
	}
	b := make([]byte, image.Bytes())
	for i := range b {
		y, x, c := i/3/extent, i/3%extent, i%3
		v := 60 + (y*(2+c)+x*(3-c))*25/extent + s.intn(16)
		for _, d := range discs {
			if dy, dx := y-d.y, x-d.x; dy*dy+dx*dx < d.r*d.r {
				v += d.shade[c]
			}
		}
		b[i] = byte(min(max(v, 0), 255))
		if image.Type == qnn.Int8 {
			b[i] ^= 0x80
		}
	}
	return b
}
