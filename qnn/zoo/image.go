package zoo

// tileExtent is the extent of the sample of images, whatever the resolution of
// the network. With it, the deepest maps still have 4 x 4 cells, so that a
// pooling window of 3 x 3 does not see everything from everywhere, and the
// largest network costs a fifth of an inference.
const tileExtent = 128

// imageTile is the sample of images: half of it is smooth, as photographs are,
// half of it noise.
func imageTile(s *stream) tile {
	const extent = tileExtent
	t := newTile(extent, extent, 3)
	const block = 16 // extent of a patch of one colour, blurred into the next
	corners := extent/block + 1
	grid := newTile(corners, corners, 3)
	for i := range grid.v {
		grid.v[i] = int32(s.intn(256))
	}
	for i := range t.v {
		y, x, c := i/3/extent, i/3%extent, i%3
		if y < extent/2 {
			t.v[i] = int32(s.intn(256)) - 128
			continue
		}
		sum := int32(0)
		for corner := range 4 {
			dy, dx := corner/2, corner%2
			weight := (block - abs(y%block-dy*block)) * (block - abs(x%block-dx*block))
			sum += grid.v[((y/block+dy)*corners+x/block+dx)*3+c] * int32(weight)
		}
		t.v[i] = sum/(block*block) - 128
	}
	return t
}

func abs(i int) int { return max(i, -i) }
