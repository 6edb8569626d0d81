package tflite

// kind is the way in which a field of a table is stored.
type kind uint8

const (
	scalar  kind = iota // in the table, size bytes
	vector              // of scalars of size bytes
	text                // a string
	child               // a table
	childs              // a vector of tables
	options             // a union: its table, whose type is the field before
)

// A layout says how a table of the schema is stored: what verify needs to know
// of schema.fbs, with which a test compares it.
type layout struct {
	name   string
	fields []field
}

type field struct {
	id    int
	name  string
	kind  kind
	size  int     // of a scalar or of a vector's elements
	of    *layout // of child and childs
	union map[byte]*layout
}

var modelLayout = &layout{"Model", []field{
	{id: 0, name: "version", kind: scalar, size: 4},
	{id: 1, name: "operator_codes", kind: childs, of: operatorCodeLayout},
	{id: 2, name: "subgraphs", kind: childs, of: subGraphLayout},
	{id: 3, name: "description", kind: text},
	{id: 4, name: "buffers", kind: childs, of: bufferLayout},
}}

var operatorCodeLayout = &layout{"OperatorCode", []field{
	{id: 0, name: "deprecated_builtin_code", kind: scalar, size: 1},
	{id: 1, name: "custom_code", kind: text},
	{id: 2, name: "version", kind: scalar, size: 4},
	{id: 3, name: "builtin_code", kind: scalar, size: 4},
}}

var bufferLayout = &layout{"Buffer", []field{
	{id: 0, name: "data", kind: vector, size: 1},
	{id: 1, name: "offset", kind: scalar, size: 8},
	{id: 2, name: "size", kind: scalar, size: 8},
}}

var subGraphLayout = &layout{"SubGraph", []field{
	{id: 0, name: "tensors", kind: childs, of: tensorLayout},
	{id: 1, name: "inputs", kind: vector, size: 4},
	{id: 2, name: "outputs", kind: vector, size: 4},
	{id: 3, name: "operators", kind: childs, of: operatorLayout},
	{id: 4, name: "name", kind: text},
}}

var tensorLayout = &layout{"Tensor", []field{
	{id: 0, name: "shape", kind: vector, size: 4},
	{id: 1, name: "type", kind: scalar, size: 1},
	{id: 2, name: "buffer", kind: scalar, size: 4},
	{id: 3, name: "name", kind: text},
	{id: 4, name: "quantization", kind: child, of: quantizationLayout},
	{id: 5, name: "is_variable", kind: scalar, size: 1},
	{id: 6, name: "sparsity", kind: child, of: &layout{name: "SparsityParameters"}},
}}

var quantizationLayout = &layout{"QuantizationParameters", []field{
	{id: 2, name: "scale", kind: vector, size: 4},
	{id: 3, name: "zero_point", kind: vector, size: 8},
	{id: 6, name: "quantized_dimension", kind: scalar, size: 4},
}}

var operatorLayout = &layout{"Operator", []field{
	{id: 0, name: "opcode_index", kind: scalar, size: 4},
	{id: 1, name: "inputs", kind: vector, size: 4},
	{id: 2, name: "outputs", kind: vector, size: 4},
	{id: 3, name: "builtin_options_type", kind: scalar, size: 1},
	{id: 4, name: "builtin_options", kind: options, union: optionLayouts},
	{id: 5, name: "custom_options", kind: vector, size: 1},
}}

var optionLayouts = map[byte]*layout{
	1: {"Conv2DOptions", []field{
		{id: 0, name: "padding", kind: scalar, size: 1},
		{id: 1, name: "stride_w", kind: scalar, size: 4},
		{id: 2, name: "stride_h", kind: scalar, size: 4},
		{id: 3, name: "fused_activation", kind: scalar, size: 1},
		{id: 4, name: "dilation_w", kind: scalar, size: 4},
		{id: 5, name: "dilation_h", kind: scalar, size: 4},
	}},
	2: {"DepthwiseConv2DOptions", []field{
		{id: 0, name: "padding", kind: scalar, size: 1},
		{id: 1, name: "stride_w", kind: scalar, size: 4},
		{id: 2, name: "stride_h", kind: scalar, size: 4},
		{id: 3, name: "depth_multiplier", kind: scalar, size: 4},
		{id: 4, name: "fused_activation", kind: scalar, size: 1},
		{id: 5, name: "dilation_w", kind: scalar, size: 4},
		{id: 6, name: "dilation_h", kind: scalar, size: 4},
	}},
	5: {"Pool2DOptions", []field{
		{id: 0, name: "padding", kind: scalar, size: 1},
		{id: 1, name: "stride_w", kind: scalar, size: 4},
		{id: 2, name: "stride_h", kind: scalar, size: 4},
		{id: 3, name: "filter_width", kind: scalar, size: 4},
		{id: 4, name: "filter_height", kind: scalar, size: 4},
		{id: 5, name: "fused_activation", kind: scalar, size: 1},
	}},
	8: {"FullyConnectedOptions", []field{
		{id: 0, name: "fused_activation", kind: scalar, size: 1},
		{id: 1, name: "weights_format", kind: scalar, size: 1},
		{id: 2, name: "keep_num_dims", kind: scalar, size: 1},
	}},
	9: {"SoftmaxOptions", []field{
		{id: 0, name: "beta", kind: scalar, size: 4},
	}},
	10: {"ConcatenationOptions", []field{
		{id: 0, name: "axis", kind: scalar, size: 4},
		{id: 1, name: "fused_activation", kind: scalar, size: 1},
	}},
	11: {"AddOptions", []field{
		{id: 0, name: "fused_activation", kind: scalar, size: 1},
	}},
	17: {"ReshapeOptions", []field{
		{id: 0, name: "new_shape", kind: vector, size: 4},
	}},
	22: {name: "PadOptions"},
	27: {"ReducerOptions", []field{
		{id: 0, name: "keep_dims", kind: scalar, size: 1},
	}},
	30: {"SqueezeOptions", []field{
		{id: 0, name: "squeeze_dims", kind: vector, size: 4},
	}},
	38: {name: "DequantizeOptions"},
	89: {name: "QuantizeOptions"},
	12: {"L2NormOptions", []field{
		{id: 0, name: "fused_activation", kind: scalar, size: 1},
	}},
	15: {"ResizeBilinearOptions", []field{
		{id: 2, name: "align_corners", kind: scalar, size: 1},
		{id: 3, name: "half_pixel_centers", kind: scalar, size: 1},
	}},
	19: {"SpaceToDepthOptions", []field{
		{id: 0, name: "block_size", kind: scalar, size: 4},
	}},
	21: {"MulOptions", []field{
		{id: 0, name: "fused_activation", kind: scalar, size: 1},
	}},
	28: {"SubOptions", []field{
		{id: 0, name: "fused_activation", kind: scalar, size: 1},
	}},
	23: {"GatherOptions", []field{
		{id: 0, name: "axis", kind: scalar, size: 4},
		{id: 1, name: "batch_dims", kind: scalar, size: 4},
	}},
	29: {"DivOptions", []field{
		{id: 0, name: "fused_activation", kind: scalar, size: 1},
	}},
	37: {"CastOptions", []field{
		{id: 0, name: "in_data_type", kind: scalar, size: 1},
		{id: 1, name: "out_data_type", kind: scalar, size: 1},
	}},
	32: {"StridedSliceOptions", []field{
		{id: 0, name: "begin_mask", kind: scalar, size: 4},
		{id: 1, name: "end_mask", kind: scalar, size: 4},
		{id: 2, name: "ellipsis_mask", kind: scalar, size: 4},
		{id: 3, name: "new_axis_mask", kind: scalar, size: 4},
		{id: 4, name: "shrink_axis_mask", kind: scalar, size: 4},
		{id: 5, name: "offset", kind: scalar, size: 1},
	}},
	35: {"SplitOptions", []field{
		{id: 0, name: "num_splits", kind: scalar, size: 4},
	}},
	40: {"ArgMaxOptions", []field{
		{id: 0, name: "output_type", kind: scalar, size: 1},
	}},
	49: {"TransposeConvOptions", []field{
		{id: 0, name: "padding", kind: scalar, size: 1},
		{id: 1, name: "stride_w", kind: scalar, size: 4},
		{id: 2, name: "stride_h", kind: scalar, size: 4},
		{id: 3, name: "fused_activation", kind: scalar, size: 1},
	}},
	55: {"ShapeOptions", []field{
		{id: 0, name: "out_type", kind: scalar, size: 1},
	}},
	57: {"ArgMinOptions", []field{
		{id: 0, name: "output_type", kind: scalar, size: 1},
	}},
	59: {"PackOptions", []field{
		{id: 0, name: "values_count", kind: scalar, size: 4},
		{id: 1, name: "axis", kind: scalar, size: 4},
	}},
	64: {"UnpackOptions", []field{
		{id: 0, name: "num", kind: scalar, size: 4},
		{id: 1, name: "axis", kind: scalar, size: 4},
	}},
	74: {"ResizeNearestNeighborOptions", []field{
		{id: 0, name: "align_corners", kind: scalar, size: 1},
		{id: 1, name: "half_pixel_centers", kind: scalar, size: 1},
	}},
	75: {"LeakyReluOptions", []field{
		{id: 0, name: "alpha", kind: scalar, size: 4},
	}},
	77: {"MirrorPadOptions", []field{
		{id: 0, name: "mode", kind: scalar, size: 1},
	}},
	79: {"SplitVOptions", []field{
		{id: 0, name: "num_splits", kind: scalar, size: 4},
	}},
	94: {"DepthToSpaceOptions", []field{
		{id: 0, name: "block_size", kind: scalar, size: 4},
	}},
}
