package tflite

import (
	"fmt"

	flatbuffers "github.com/google/flatbuffers/go"

	"qtune/qnn"
	"qtune/qnn/tflite/fb"
)

// builtin connects an operator of the file with its qnn.Op.
type builtin struct {
	code    int32
	options fb.BuiltinOptions
	// read returns the operator with the options in t. Its error says why these
	// options are not supported.
	read func(t flatbuffers.Table) (qnn.Op, error)
	// write appends the options of n's operator; nil writes an empty table.
	write func(b *flatbuffers.Builder, g *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT
	// versions of the operator that first took int8 activations, 1 if all did.
	int8Version int32
}

// builtins are the operators that qnn defines, by qnn's name.
var builtins = map[string]builtin{
	qnn.Add{}.OpName():                            {0, fb.BuiltinOptionsAddOptions, readAdd, writeAdd, 2},
	qnn.AveragePool{}.OpName():                    {1, fb.BuiltinOptionsPool2DOptions, readAveragePool, writeAveragePool, 2},
	qnn.Concat{}.OpName():                         {2, fb.BuiltinOptionsConcatenationOptions, readConcat, writeConcat, 2},
	qnn.Conv2D{}.OpName():                         {3, fb.BuiltinOptionsConv2DOptions, readConv2D, writeConv2D, 3},
	qnn.Depthwise{}.OpName():                      {4, fb.BuiltinOptionsDepthwiseConv2DOptions, readDepthwise, writeDepthwise, 3},
	qnn.Dequantize{}.OpName():                     {6, fb.BuiltinOptionsDequantizeOptions, plain(qnn.Dequantize{}), nil, 2},
	qnn.Dense{}.OpName():                          {9, fb.BuiltinOptionsFullyConnectedOptions, readDense, writeDense, 4},
	qnn.MaxPool{}.OpName():                        {17, fb.BuiltinOptionsPool2DOptions, readMaxPool, writeMaxPool, 2},
	qnn.Reshape{}.OpName():                        {22, fb.BuiltinOptionsReshapeOptions, plain(qnn.Reshape{}), writeReshape, 1},
	qnn.Softmax{}.OpName():                        {25, fb.BuiltinOptionsSoftmaxOptions, readSoftmax, writeSoftmax, 2},
	qnn.Pad{}.OpName():                            {34, fb.BuiltinOptionsPadOptions, plain(qnn.Pad{}), nil, 2},
	qnn.Mean{}.OpName():                           {40, fb.BuiltinOptionsReducerOptions, readMean, writeMean, 2},
	qnn.Squeeze{}.OpName():                        {43, fb.BuiltinOptionsSqueezeOptions, readSqueeze, writeSqueeze, 1},
	qnn.Sub{}.OpName():                            {41, fb.BuiltinOptionsSubOptions, readSub, writeSub, 2},
	qnn.Mul{}.OpName():                            {18, fb.BuiltinOptionsMulOptions, readMul, writeMul, 2},
	qnn.Clamp{Activation: qnn.Relu}.OpName():      {19, fb.BuiltinOptionsNONE, plain(qnn.Clamp{Activation: qnn.Relu}), nil, 2},
	qnn.Clamp{Activation: qnn.ReluN1To1}.OpName(): {20, fb.BuiltinOptionsNONE, plain(qnn.Clamp{Activation: qnn.ReluN1To1}), nil, 1},
	qnn.Clamp{Activation: qnn.Relu6}.OpName():     {21, fb.BuiltinOptionsNONE, plain(qnn.Clamp{Activation: qnn.Relu6}), nil, 2},
	qnn.Logistic{}.OpName():                       {14, fb.BuiltinOptionsNONE, plain(qnn.Logistic{}), nil, 2},
	qnn.Tanh{}.OpName():                           {28, fb.BuiltinOptionsNONE, plain(qnn.Tanh{}), nil, 2},
	qnn.HardSwish{}.OpName():                      {117, fb.BuiltinOptionsNONE, plain(qnn.HardSwish{}), nil, 1},
	qnn.LeakyRelu{}.OpName():                      {98, fb.BuiltinOptionsLeakyReluOptions, readLeakyRelu, writeLeakyRelu, 2},
	qnn.PRelu{}.OpName():                          {54, fb.BuiltinOptionsNONE, plain(qnn.PRelu{}), nil, 1},
	qnn.Maximum{}.OpName():                        {55, fb.BuiltinOptionsNONE, plain(qnn.Maximum{}), nil, 2},
	qnn.Minimum{}.OpName():                        {57, fb.BuiltinOptionsNONE, plain(qnn.Minimum{}), nil, 2},
	qnn.L2Norm{}.OpName():                         {11, fb.BuiltinOptionsL2NormOptions, readL2Norm, nil, 2},
	qnn.ResizeBilinear{}.OpName():                 {23, fb.BuiltinOptionsResizeBilinearOptions, readResizeBilinear, writeResizeBilinear, 2},
	qnn.ResizeNearest{}.OpName():                  {97, fb.BuiltinOptionsResizeNearestNeighborOptions, readResizeNearest, writeResizeNearest, 2},
	qnn.ArgMax{}.OpName():                         {56, fb.BuiltinOptionsArgMaxOptions, plain(qnn.ArgMax{}), writeArgMax, 2},
	qnn.ArgMin{}.OpName():                         {79, fb.BuiltinOptionsArgMinOptions, plain(qnn.ArgMin{}), writeArgMin, 2},
	qnn.TransposeConv{}.OpName():                  {67, fb.BuiltinOptionsTransposeConvOptions, readTransposeConv, writeTransposeConv, 2},
	qnn.Slice{}.OpName():                          {65, fb.BuiltinOptionsNONE, plain(qnn.Slice{}), nil, 2},
	qnn.StridedSlice{}.OpName():                   {45, fb.BuiltinOptionsStridedSliceOptions, readStridedSlice, writeStridedSlice, 2},
	qnn.Split{}.OpName():                          {49, fb.BuiltinOptionsSplitOptions, plain(qnn.Split{}), writeSplit, 2},
	qnn.SplitV{}.OpName():                         {102, fb.BuiltinOptionsSplitVOptions, plain(qnn.SplitV{}), writeSplitV, 2},
	qnn.Pack{}.OpName():                           {83, fb.BuiltinOptionsPackOptions, readPack, writePack, 2},
	qnn.Unpack{}.OpName():                         {88, fb.BuiltinOptionsUnpackOptions, readUnpack, writeUnpack, 2},
	qnn.Transpose{}.OpName():                      {39, fb.BuiltinOptionsNONE, plain(qnn.Transpose{}), nil, 2},
	qnn.ExpandDims{}.OpName():                     {70, fb.BuiltinOptionsNONE, plain(qnn.ExpandDims{}), nil, 1},
	qnn.SpaceToDepth{}.OpName():                   {26, fb.BuiltinOptionsSpaceToDepthOptions, readSpaceToDepth, writeSpaceToDepth, 2},
	qnn.DepthToSpace{}.OpName():                   {5, fb.BuiltinOptionsDepthToSpaceOptions, readDepthToSpace, writeDepthToSpace, 1},
	qnn.ShapeOf{}.OpName():                        {77, fb.BuiltinOptionsShapeOptions, plain(qnn.ShapeOf{}), writeShapeOf, 1},
	qnn.Reduce{Kind: qnn.ReduceSum}.OpName():      {74, fb.BuiltinOptionsReducerOptions, readReduce(qnn.ReduceSum), writeReduce, 2},
	qnn.Reduce{Kind: qnn.ReduceMax}.OpName():      {82, fb.BuiltinOptionsReducerOptions, readReduce(qnn.ReduceMax), writeReduce, 2},
	qnn.Reduce{Kind: qnn.ReduceMin}.OpName():      {89, fb.BuiltinOptionsReducerOptions, readReduce(qnn.ReduceMin), writeReduce, 2},
	qnn.Div{}.OpName():                            {42, fb.BuiltinOptionsDivOptions, readDiv, writeDiv, 1},
	qnn.PadValue{}.OpName():                       {60, fb.BuiltinOptionsNONE, plain(qnn.PadValue{}), nil, 2},
	qnn.Gather{}.OpName():                         {36, fb.BuiltinOptionsGatherOptions, readGather, writeGather, 2},
	qnn.GatherND{}.OpName():                       {107, fb.BuiltinOptionsNONE, plain(qnn.GatherND{}), nil, 1},
	qnn.SpaceToBatch{}.OpName():                   {38, fb.BuiltinOptionsNONE, plain(qnn.SpaceToBatch{}), nil, 2},
	qnn.BatchToSpace{}.OpName():                   {37, fb.BuiltinOptionsNONE, plain(qnn.BatchToSpace{}), nil, 2},
	qnn.MirrorPad{}.OpName():                      {100, fb.BuiltinOptionsMirrorPadOptions, readMirrorPad, writeMirrorPad, 2},
	qnn.Cast{}.OpName():                           {53, fb.BuiltinOptionsCastOptions, plain(qnn.Cast{}), writeCast, 1},
	qnn.DetectionPostProcess{}.OpName():           {customCode, fb.BuiltinOptionsNONE, nil, nil, 1},
	qnn.Elu{}.OpName():                            {111, fb.BuiltinOptionsNONE, plain(qnn.Elu{}), nil, 1},
	qnn.FloorDiv{}.OpName():                       {90, fb.BuiltinOptionsNONE, plain(qnn.FloorDiv{}), nil, 1},
	qnn.FloorMod{}.OpName():                       {95, fb.BuiltinOptionsNONE, plain(qnn.FloorMod{}), nil, 1},
	qnn.Quantize{}.OpName():                       {114, fb.BuiltinOptionsQuantizeOptions, plain(qnn.Quantize{}), nil, 2},

	qnn.Unary{Function: qnn.Abs}.OpName():            {101, fb.BuiltinOptionsNONE, plain(qnn.Unary{Function: qnn.Abs}), nil, 1},
	qnn.Unary{Function: qnn.Neg}.OpName():            {59, fb.BuiltinOptionsNONE, plain(qnn.Unary{Function: qnn.Neg}), nil, 1},
	qnn.Unary{Function: qnn.Square}.OpName():         {92, fb.BuiltinOptionsNONE, plain(qnn.Unary{Function: qnn.Square}), nil, 1},
	qnn.Unary{Function: qnn.Sqrt}.OpName():           {75, fb.BuiltinOptionsNONE, plain(qnn.Unary{Function: qnn.Sqrt}), nil, 1},
	qnn.Unary{Function: qnn.Rsqrt}.OpName():          {76, fb.BuiltinOptionsNONE, plain(qnn.Unary{Function: qnn.Rsqrt}), nil, 1},
	qnn.Unary{Function: qnn.Exp}.OpName():            {47, fb.BuiltinOptionsNONE, plain(qnn.Unary{Function: qnn.Exp}), nil, 1},
	qnn.Unary{Function: qnn.Log}.OpName():            {73, fb.BuiltinOptionsNONE, plain(qnn.Unary{Function: qnn.Log}), nil, 1},
	qnn.Unary{Function: qnn.Floor}.OpName():          {8, fb.BuiltinOptionsNONE, plain(qnn.Unary{Function: qnn.Floor}), nil, 1},
	qnn.Unary{Function: qnn.Ceil}.OpName():           {104, fb.BuiltinOptionsNONE, plain(qnn.Unary{Function: qnn.Ceil}), nil, 1},
	qnn.Unary{Function: qnn.Round}.OpName():          {116, fb.BuiltinOptionsNONE, plain(qnn.Unary{Function: qnn.Round}), nil, 1},
	qnn.Compare{Relation: qnn.Less}.OpName():         {58, fb.BuiltinOptionsNONE, plain(qnn.Compare{Relation: qnn.Less}), nil, 2},
	qnn.Compare{Relation: qnn.LessEqual}.OpName():    {63, fb.BuiltinOptionsNONE, plain(qnn.Compare{Relation: qnn.LessEqual}), nil, 2},
	qnn.Compare{Relation: qnn.Greater}.OpName():      {61, fb.BuiltinOptionsNONE, plain(qnn.Compare{Relation: qnn.Greater}), nil, 2},
	qnn.Compare{Relation: qnn.GreaterEqual}.OpName(): {62, fb.BuiltinOptionsNONE, plain(qnn.Compare{Relation: qnn.GreaterEqual}), nil, 2},
	qnn.Compare{Relation: qnn.Equal}.OpName():        {71, fb.BuiltinOptionsNONE, plain(qnn.Compare{Relation: qnn.Equal}), nil, 2},
	qnn.Compare{Relation: qnn.NotEqual}.OpName():     {72, fb.BuiltinOptionsNONE, plain(qnn.Compare{Relation: qnn.NotEqual}), nil, 2},
	qnn.Pow{}.OpName():                               {78, fb.BuiltinOptionsNONE, plain(qnn.Pow{}), nil, 1},
	qnn.SquaredDifference{}.OpName():                 {99, fb.BuiltinOptionsNONE, plain(qnn.SquaredDifference{}), nil, 1},
	qnn.Select{}.OpName():                            {64, fb.BuiltinOptionsNONE, plain(qnn.Select{}), nil, 1},
	qnn.SelectV2{}.OpName():                          {123, fb.BuiltinOptionsNONE, plain(qnn.SelectV2{}), nil, 1},
	qnn.TopK{}.OpName():                              {48, fb.BuiltinOptionsNONE, plain(qnn.TopK{}), nil, 2},
}

// noOptions is a table without fields: every accessor returns its default.
// An operator may leave its options out.
var noOptions = flatbuffers.Table{Bytes: []byte{4, 0, 4, 0, 4, 0, 0, 0}, Pos: 4}

// readOp returns the operator of a builtin code, or of a custom name, or why it
// is not supported.
func readOp(code int32, custom string, op *fb.Operator) (qnn.Op, error) {
	if code == customCode {
		return readCustom(custom, op)
	}
	def, ok := builtins[builtinName(code)]
	if !ok {
		return nil, fmt.Errorf("builtin operator %d is not supported", code)
	}
	t := noOptions
	if op.BuiltinOptionsType() == def.options {
		var given flatbuffers.Table
		if op.BuiltinOptions(&given) {
			t = given
		}
	}
	return def.read(t)
}

// plain reads an operator without options.
func plain(op qnn.Op) func(flatbuffers.Table) (qnn.Op, error) {
	return func(flatbuffers.Table) (qnn.Op, error) { return op, nil }
}

func activation(a int8) (qnn.Activation, error) {
	if a < 0 || a > 3 {
		return 0, fmt.Errorf("fused activation %d is not supported", a)
	}
	return qnn.Activation(a), nil
}

func padding(p int8) (qnn.Padding, error) {
	if p != 0 && p != 1 {
		return 0, fmt.Errorf("padding %d is not supported", p)
	}
	return qnn.Padding(p), nil
}

func readAdd(t flatbuffers.Table) (qnn.Op, error) {
	var o fb.AddOptions
	o.Init(t.Bytes, t.Pos)
	act, err := activation(o.FusedActivation())
	return qnn.Add{Activation: act}, err
}

func readPool(t flatbuffers.Table) (qnn.Pool, error) {
	var o fb.Pool2DOptions
	o.Init(t.Bytes, t.Pos)
	act, err := activation(o.FusedActivation())
	if err != nil {
		return qnn.Pool{}, err
	}
	pad, err := padding(o.Padding())
	return qnn.Pool{
		Padding: pad,
		StrideH: int(o.StrideH()), StrideW: int(o.StrideW()),
		FilterH: int(o.FilterHeight()), FilterW: int(o.FilterWidth()),
		Activation: act,
	}, err
}

func readAveragePool(t flatbuffers.Table) (qnn.Op, error) {
	p, err := readPool(t)
	return qnn.AveragePool{Pool: p}, err
}

func readMaxPool(t flatbuffers.Table) (qnn.Op, error) {
	p, err := readPool(t)
	return qnn.MaxPool{Pool: p}, err
}

func readConcat(t flatbuffers.Table) (qnn.Op, error) {
	var o fb.ConcatenationOptions
	o.Init(t.Bytes, t.Pos)
	act, err := activation(o.FusedActivation())
	if err == nil && act != qnn.NoActivation {
		err = fmt.Errorf("fused activation %s is not supported", act)
	}
	return qnn.Concat{Axis: int(o.Axis()), Activation: act}, err
}

func readConv2D(t flatbuffers.Table) (qnn.Op, error) {
	var o fb.Conv2DOptions
	o.Init(t.Bytes, t.Pos)
	act, err := activation(o.FusedActivation())
	if err != nil {
		return nil, err
	}
	pad, err := padding(o.Padding())
	return qnn.Conv2D{
		Padding: pad,
		StrideH: int(o.StrideH()), StrideW: int(o.StrideW()),
		DilationH: int(o.DilationH()), DilationW: int(o.DilationW()),
		Activation: act,
	}, err
}

func readDepthwise(t flatbuffers.Table) (qnn.Op, error) {
	var o fb.DepthwiseConv2DOptions
	o.Init(t.Bytes, t.Pos)
	act, err := activation(o.FusedActivation())
	if err != nil {
		return nil, err
	}
	pad, err := padding(o.Padding())
	return qnn.Depthwise{
		Padding: pad,
		StrideH: int(o.StrideH()), StrideW: int(o.StrideW()),
		DilationH: int(o.DilationH()), DilationW: int(o.DilationW()),
		Multiplier: int(o.DepthMultiplier()),
		Activation: act,
	}, err
}

func readDense(t flatbuffers.Table) (qnn.Op, error) {
	var o fb.FullyConnectedOptions
	o.Init(t.Bytes, t.Pos)
	if f := o.WeightsFormat(); f != 0 {
		return nil, fmt.Errorf("weights format %d is not supported", f)
	}
	act, err := activation(o.FusedActivation())
	return qnn.Dense{Activation: act, KeepDims: o.KeepNumDims()}, err
}

func readSoftmax(t flatbuffers.Table) (qnn.Op, error) {
	var o fb.SoftmaxOptions
	o.Init(t.Bytes, t.Pos)
	return qnn.Softmax{Beta: o.Beta()}, nil
}

func readMean(t flatbuffers.Table) (qnn.Op, error) {
	var o fb.ReducerOptions
	o.Init(t.Bytes, t.Pos)
	return qnn.Mean{KeepDims: o.KeepDims()}, nil
}

func readSqueeze(t flatbuffers.Table) (qnn.Op, error) {
	var o fb.SqueezeOptions
	o.Init(t.Bytes, t.Pos)
	var dims []int
	for i := range o.SqueezeDimsLength() {
		dims = append(dims, int(o.SqueezeDims(i)))
	}
	return qnn.Squeeze{Dims: dims}, nil
}
