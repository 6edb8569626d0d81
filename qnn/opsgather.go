package qnn

import (
	"fmt"
	"slices"
)

// Operators that move elements to places that other inputs name.
type (
	// Gather is GATHER: inputs x and indices along Axis of x; the output has the
	// shape of the indices in that dimension's place. The first BatchDims
	// dimensions, at most as many as Axis, are the same in both, and each index
	// selects from its own batch only. A negative Axis counts from the end of x, a
	// negative BatchDims from the end of the indices.
	Gather struct{ Axis, BatchDims int }
	// GatherND is GATHER_ND: inputs x and indices [...][k], each the place of a
	// slice of x in its first k dimensions.
	GatherND struct{}
	// SpaceToBatch is SPACE_TO_BATCH_ND: inputs x [N][H][W]..., the extents of a
	// block and the padding before and after of each dimension that it has.
	SpaceToBatch struct{}
	// BatchToSpace is BATCH_TO_SPACE_ND, its inverse: inputs x, the block, and what
	// is cropped before and after.
	BatchToSpace struct{}
	// PadValue is PADV2: inputs x, a constant [rank][2] of cells before and after,
	// and what they hold: a constant of x's type and one element.
	PadValue struct{}
	// MirrorPad is MIRROR_PAD: inputs x and a constant [rank][2] of cells before and
	// after, which mirror those of x; where Symmetric, from the border cell on, and
	// else from the one next to it.
	MirrorPad struct{ Symmetric bool }
	// Cast is CAST: numbers of one type to another, without quantisation.
	Cast struct{}
)

func (Gather) OpName() string       { return "GATHER" }
func (GatherND) OpName() string     { return "GATHER_ND" }
func (SpaceToBatch) OpName() string { return "SPACE_TO_BATCH_ND" }
func (BatchToSpace) OpName() string { return "BATCH_TO_SPACE_ND" }
func (PadValue) OpName() string     { return "PADV2" }
func (MirrorPad) OpName() string    { return "MIRROR_PAD" }
func (Cast) OpName() string         { return "CAST" }

// indexTypes are those of indices.
var indexTypes = types(Int32, Int64)

// supportsGather checks the types of GATHER and GATHER_ND.
func supportsGather(g *Graph, n *Node) error {
	if i := g.Input(n, 1); !indexTypes.has(i.Type) {
		return fmt.Errorf("%s indices", i.Type)
	}
	return alike(anySized, 0)(g, n)
}

// GatherAxes returns the dimension of GATHER's input that is selected from, and
// how many dimensions before it are batches.
func (g *Graph) GatherAxes(n *Node) (axis, batches int, err error) {
	op, x, indices := n.Op.(Gather), g.Input(n, 0).Shape, g.Input(n, 1).Shape
	axis, ok := axisOf(op.Axis, len(x))
	if !ok {
		return 0, 0, fmt.Errorf("axis %d of %d dimensions", op.Axis, len(x))
	}
	if batches = op.BatchDims; batches < 0 {
		batches += len(indices)
	}
	if batches < 0 || batches > min(axis, len(indices)) || !x[:batches].Equal(indices[:batches]) {
		return 0, 0, fmt.Errorf("%d batch dimensions of %s and indices %s before axis %d", op.BatchDims, x, indices, axis)
	}
	return axis, batches, nil
}

func gatherShape(g *Graph, n *Node) (Shape, error) {
	axis, batches, err := g.GatherAxes(n)
	if err != nil {
		return nil, err
	}
	x, indices := g.Input(n, 0).Shape, g.Input(n, 1).Shape
	return slices.Concat(x[:axis], indices[batches:], x[axis+1:]), nil
}

func gatherNDShape(g *Graph, n *Node) (Shape, error) {
	x, indices := g.Input(n, 0).Shape, g.Input(n, 1).Shape
	if len(indices) == 0 {
		return nil, fmt.Errorf("indices without dimensions")
	}
	k := indices[len(indices)-1]
	if k > len(x) {
		return nil, fmt.Errorf("indices of %d dimensions into %d", k, len(x))
	}
	return slices.Concat(indices[:len(indices)-1], x[k:]), nil
}

// Blocks is what SPACE_TO_BATCH_ND or BATCH_TO_SPACE_ND does to a tensor: for
// each dimension from the second on that has a block, its extent, and the cells
// that are padded or cropped before and after.
type Blocks struct {
	Extent []int
	Cells  [][2]int
}

// Count is the number of cells of a block.
func (b *Blocks) Count() int {
	n := 1
	for _, e := range b.Extent {
		n *= e
	}
	return n
}

// BlocksOf returns the blocks of node n.
func (g *Graph) BlocksOf(n *Node) (*Blocks, error) {
	extent, err := g.constInts(n, 1)
	if err != nil {
		return nil, err
	}
	cells, err := g.constInts(n, 2)
	if err != nil {
		return nil, err
	}
	if len(extent) >= len(g.Input(n, 0).Shape) || len(cells) != 2*len(extent) {
		return nil, fmt.Errorf("%d blocks and %d paddings or crops for %s", len(extent), len(cells), g.Input(n, 0).Shape)
	}
	b := &Blocks{Extent: extent}
	total := 1
	for i, e := range extent {
		c := [2]int{cells[2*i], cells[2*i+1]}
		if e < 1 || e > maxExtent || min(c[0], c[1]) < 0 || max(c[0], c[1]) > maxExtent {
			return nil, fmt.Errorf("a block of %d with %v cells around", e, c)
		}
		if total *= e; total > MaxTensorBytes {
			return nil, fmt.Errorf("blocks of %v", extent)
		}
		b.Cells = append(b.Cells, c)
	}
	return b, nil
}

func spaceToBatchShape(g *Graph, n *Node) (Shape, error) {
	b, err := g.BlocksOf(n)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(g.Input(n, 0).Shape)
	for i, e := range b.Extent {
		d := out[i+1] + b.Cells[i][0] + b.Cells[i][1]
		if d%e != 0 {
			return nil, fmt.Errorf("blocks of %d do not divide %d cells", e, d)
		}
		out[i+1] = d / e
	}
	out[0] = product(out[0], b.Count())
	return out, nil
}

func batchToSpaceShape(g *Graph, n *Node) (Shape, error) {
	b, err := g.BlocksOf(n)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(g.Input(n, 0).Shape)
	if out[0]%b.Count() != 0 {
		return nil, fmt.Errorf("a batch of %d is no multiple of blocks of %d", out[0], b.Count())
	}
	out[0] /= b.Count()
	for i, e := range b.Extent {
		out[i+1] = product(out[i+1], e) - b.Cells[i][0] - b.Cells[i][1]
		if out[i+1] < 0 {
			return nil, fmt.Errorf("%v cells are cropped from %d", b.Cells[i], out[i+1]+b.Cells[i][0]+b.Cells[i][1])
		}
	}
	return out, nil
}

// product multiplies extents; beyond any tensor's it stays there.
func product(a, b int) int {
	if b > 0 && a > MaxTensorBytes/b {
		return MaxTensorBytes + 1
	}
	return a * b
}

// mirrorPadShape: there must be as many cells as are mirrored.
func mirrorPadShape(g *Graph, n *Node) (Shape, error) {
	pads, err := g.Paddings(n)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(g.Input(n, 0).Shape)
	for i, p := range pads {
		most := out[i]
		if !n.Op.(MirrorPad).Symmetric {
			most--
		}
		if max(p[0], p[1]) > most {
			return nil, fmt.Errorf("%d cells of dimension %d do not mirror %d before and %d after", out[i], i, p[0], p[1])
		}
		out[i] += p[0] + p[1]
	}
	return out, nil
}

// supportsPadValue wants a constant of one element to pad with.
func supportsPadValue(g *Graph, n *Node) error {
	if v := g.Input(n, 2); !v.IsConst() || v.Shape.Elems() != 1 {
		return fmt.Errorf("padding with %s, which is no constant of one element", v)
	}
	if err := moved(0, 2)(g, n); err != nil {
		return err
	}
	return constant(1)(g, n)
}

// supportsCast: what is quantised is cast as the number that is stored.
func supportsCast(g *Graph, n *Node) error {
	set := types(Uint8, Int8, Int16, Int32, Int64, Float32, Bool)
	if x, y := g.Input(n, 0), g.Output(n, 0); !set.has(x.Type) || !set.has(y.Type) {
		return fmt.Errorf("from %s to %s", x.Type, y.Type)
	}
	return nil
}
