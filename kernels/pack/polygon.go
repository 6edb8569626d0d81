package pack

import "math"

type point struct{ x, y float64 }

// A polygon is convex, its corners in order.
type polygon []point

// square is centred at the origin.
func square(r float64) polygon { return polygon{{-r, -r}, {r, -r}, {r, r}, {-r, r}} }

// centre returns the centre of gravity; not ok if nothing is left of p.
func (p polygon) centre() (c point, ok bool) {
	if len(p) == 0 {
		return c, false
	}
	var area, cx, cy float64
	var mean point
	o := p[0] // near, for precision
	for i, a := range p {
		b := p[(i+1)%len(p)]
		ax, ay, bx, by := a.x-o.x, a.y-o.y, b.x-o.x, b.y-o.y
		cross := ax*by - ay*bx
		area += cross
		cx += (ax + bx) * cross
		cy += (ay + by) * cross
		mean.x += a.x / float64(len(p))
		mean.y += a.y / float64(len(p))
	}
	if area < 1e-9 { // a line or a point
		return mean, !math.IsNaN(mean.x + mean.y)
	}
	return point{o.x + cx/(3*area), o.y + cy/(3*area)}, true
}

// cut keeps the points q of p with (q - at) . (dx, dy) >= d.
func (p polygon) cut(at point, dx, dy, d float64) polygon {
	height := func(q point) float64 { return (q.x-at.x)*dx + (q.y-at.y)*dy - d }
	var kept polygon
	for i, a := range p {
		b := p[(i+1)%len(p)]
		ha, hb := height(a), height(b)
		if ha >= 0 {
			kept = append(kept, a)
		}
		if ha < 0 != (hb < 0) {
			t := ha / (ha - hb)
			kept = append(kept, point{a.x + t*(b.x-a.x), a.y + t*(b.y-a.y)})
		}
	}
	return kept
}
