package qnn

// Operators that only move elements, of any type that has a size.
type (
	// Slice is SLICE: inputs x, the first index and the extent of each
	// dimension, where -1 means all that is left.
	Slice struct{}
	// Split is SPLIT into equal parts, one an output: inputs axis and x.
	Split struct{}
	// SplitV is SPLIT_V: inputs x, the extent of each part, of which one may be
	// -1, and axis.
	SplitV struct{}
	// Pack is PACK: inputs of one shape are stacked along a new dimension.
	Pack struct{ Axis int }
	// Unpack is UNPACK: the inverse of Pack.
	Unpack struct{ Axis int }
	// Transpose is TRANSPOSE: inputs x and, for each dimension of the output, the
	// dimension of x that it is.
	Transpose struct{}
	// ExpandDims is EXPAND_DIMS: inputs x and the place of a new dimension of
	// extent 1.
	ExpandDims struct{}
	// SpaceToDepth is SPACE_TO_DEPTH: a block of Block x Block pixels becomes one.
	SpaceToDepth struct{ Block int }
	// DepthToSpace is DEPTH_TO_SPACE: the inverse of SpaceToDepth.
	DepthToSpace struct{ Block int }
	// ShapeOf is SHAPE: the extents of its input.
	ShapeOf struct{}
)

func (Slice) OpName() string        { return "SLICE" }
func (Split) OpName() string        { return "SPLIT" }
func (SplitV) OpName() string       { return "SPLIT_V" }
func (Pack) OpName() string         { return "PACK" }
func (Unpack) OpName() string       { return "UNPACK" }
func (Transpose) OpName() string    { return "TRANSPOSE" }
func (ExpandDims) OpName() string   { return "EXPAND_DIMS" }
func (SpaceToDepth) OpName() string { return "SPACE_TO_DEPTH" }
func (DepthToSpace) OpName() string { return "DEPTH_TO_SPACE" }
func (ShapeOf) OpName() string      { return "SHAPE" }
