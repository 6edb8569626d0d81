package qnn

// Operators over neighbourhoods, rows and whole dimensions.
type (
	// TransposeConv is TRANSPOSE_CONV: inputs the output's shape, weights
	// [O][KH][KW][C], x [N][H][W][C] and an optional bias [O].
	TransposeConv struct {
		Padding          Padding
		StrideH, StrideW int
	}
	// ResizeBilinear is RESIZE_BILINEAR, ResizeNearest is
	// RESIZE_NEAREST_NEIGHBOR: inputs x and the new height and width.
	ResizeBilinear struct{ Resize }
	ResizeNearest  struct{ Resize }
	// L2Norm is L2_NORMALIZATION over the last dimension.
	L2Norm struct{}
	// ArgMax is ARG_MAX, ArgMin is ARG_MIN: inputs x and an axis; the index of the
	// first maximum or minimum, int32 or int64.
	ArgMax struct{}
	ArgMin struct{}
)

// Resize says how positions of the output map to positions of the input.
type Resize struct{ AlignCorners, HalfPixel bool }

func (TransposeConv) OpName() string  { return "TRANSPOSE_CONV" }
func (ResizeBilinear) OpName() string { return "RESIZE_BILINEAR" }
func (ResizeNearest) OpName() string  { return "RESIZE_NEAREST_NEIGHBOR" }
func (L2Norm) OpName() string         { return "L2_NORMALIZATION" }
func (ArgMax) OpName() string         { return "ARG_MAX" }
func (ArgMin) OpName() string         { return "ARG_MIN" }
