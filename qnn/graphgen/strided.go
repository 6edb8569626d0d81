package graphgen

import "qtune/qnn"

// A strider draws the entries of a STRIDED_SLICE.
type strider struct {
	*builder
	op               qnn.StridedSlice
	begin, end, step []int
}

func (b *builder) stridedSlice() bool {
	x, ok := b.pick(vector)
	if !ok {
		return false
	}
	d := &strider{builder: b}
	d.op.Offset = b.oneIn(6)
	s, masks := b.shape(x), !d.op.Offset && b.oneIn(2)
	for i := 0; i < len(s); i++ {
		if masks && b.oneIn(6) {
			d.op.NewAxisMask |= d.entry(b.IntN(4), b.IntN(4), 1)
		}
		if masks && d.op.EllipsisMask == 0 && b.oneIn(4) {
			d.op.EllipsisMask = d.entry(b.IntN(4), b.IntN(4), 1)
			i += b.IntN(len(s) - i) // the dimensions that it stands for, but for one
			continue
		}
		if masks && d.op.EllipsisMask == 0 && i > 0 && b.oneIn(8) {
			break // the others are taken whole
		}
		d.dimension(s[i])
	}
	return b.node(d.op, b.like(x), x, b.ints(d.begin...), b.ints(d.end...), b.ints(d.step...))
}

// entry adds an entry and returns its bit of masks.
func (d *strider) entry(begin, end, step int) int {
	d.begin, d.end, d.step = append(d.begin, begin), append(d.end, end), append(d.step, step)
	return 1 << (len(d.begin) - 1)
}

// dimension adds an entry for a dimension of the given extent that selects
// something of it.
func (d *strider) dimension(extent int) {
	first, step := d.IntN(extent), d.between(1, 3)
	count := d.between(1, extent-first)
	switch {
	case d.op.Offset:
		d.entry(first, count, step)
	case d.oneIn(6):
		d.op.ShrinkMask |= d.entry(first-extent*d.IntN(2), d.IntN(4), step)
	case d.oneIn(5):
		d.entry(first, -extent-d.between(1, 2), -step)
	case d.oneIn(5):
		d.op.EndMask |= d.entry(first, d.IntN(4), -step)
	case d.oneIn(4):
		d.op.BeginMask |= d.entry(d.IntN(extent), d.between(1, extent+1), step)
	case d.oneIn(4):
		d.op.EndMask |= d.entry(first-extent, d.IntN(4), step)
	default:
		d.entry(first, first+count, step)
	}
}
