package tflite

import (
	flatbuffers "github.com/google/flatbuffers/go"

	"qtune/qnn"
	"qtune/qnn/tflite/fb"
)

// The functions below write the options of n's operator, whose type the table
// builtins guarantees.

func writeAdd(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	fb.AddOptionsStart(b)
	fb.AddOptionsAddFusedActivation(b, int8(n.Op.(qnn.Add).Activation))
	return fb.AddOptionsEnd(b)
}

func writePool(b *flatbuffers.Builder, p qnn.Pool) flatbuffers.UOffsetT {
	fb.Pool2DOptionsStart(b)
	fb.Pool2DOptionsAddPadding(b, int8(p.Padding))
	fb.Pool2DOptionsAddStrideW(b, int32(p.StrideW))
	fb.Pool2DOptionsAddStrideH(b, int32(p.StrideH))
	fb.Pool2DOptionsAddFilterWidth(b, int32(p.FilterW))
	fb.Pool2DOptionsAddFilterHeight(b, int32(p.FilterH))
	fb.Pool2DOptionsAddFusedActivation(b, int8(p.Activation))
	return fb.Pool2DOptionsEnd(b)
}

func writeAveragePool(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	return writePool(b, n.Op.(qnn.AveragePool).Pool)
}

func writeMaxPool(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	return writePool(b, n.Op.(qnn.MaxPool).Pool)
}

func writeConcat(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	op := n.Op.(qnn.Concat)
	fb.ConcatenationOptionsStart(b)
	fb.ConcatenationOptionsAddAxis(b, int32(op.Axis))
	fb.ConcatenationOptionsAddFusedActivation(b, int8(op.Activation))
	return fb.ConcatenationOptionsEnd(b)
}

func writeConv2D(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	op := n.Op.(qnn.Conv2D)
	fb.Conv2DOptionsStart(b)
	fb.Conv2DOptionsAddPadding(b, int8(op.Padding))
	fb.Conv2DOptionsAddStrideW(b, int32(op.StrideW))
	fb.Conv2DOptionsAddStrideH(b, int32(op.StrideH))
	fb.Conv2DOptionsAddFusedActivation(b, int8(op.Activation))
	fb.Conv2DOptionsAddDilationW(b, int32(op.DilationW))
	fb.Conv2DOptionsAddDilationH(b, int32(op.DilationH))
	return fb.Conv2DOptionsEnd(b)
}

func writeDepthwise(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	op := n.Op.(qnn.Depthwise)
	fb.DepthwiseConv2DOptionsStart(b)
	fb.DepthwiseConv2DOptionsAddPadding(b, int8(op.Padding))
	fb.DepthwiseConv2DOptionsAddStrideW(b, int32(op.StrideW))
	fb.DepthwiseConv2DOptionsAddStrideH(b, int32(op.StrideH))
	fb.DepthwiseConv2DOptionsAddDepthMultiplier(b, int32(op.Multiplier))
	fb.DepthwiseConv2DOptionsAddFusedActivation(b, int8(op.Activation))
	fb.DepthwiseConv2DOptionsAddDilationW(b, int32(op.DilationW))
	fb.DepthwiseConv2DOptionsAddDilationH(b, int32(op.DilationH))
	return fb.DepthwiseConv2DOptionsEnd(b)
}

func writeDense(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	op := n.Op.(qnn.Dense)
	fb.FullyConnectedOptionsStart(b)
	fb.FullyConnectedOptionsAddFusedActivation(b, int8(op.Activation))
	fb.FullyConnectedOptionsAddKeepNumDims(b, op.KeepDims)
	return fb.FullyConnectedOptionsEnd(b)
}

// writeReshape writes the output's shape, which a reader without the
// tensor's declared shape needs.
func writeReshape(b *flatbuffers.Builder, g *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	shape := ints(b, g.Output(n, 0).Shape)
	fb.ReshapeOptionsStart(b)
	fb.ReshapeOptionsAddNewShape(b, shape)
	return fb.ReshapeOptionsEnd(b)
}

func writeSoftmax(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	fb.SoftmaxOptionsStart(b)
	fb.SoftmaxOptionsAddBeta(b, n.Op.(qnn.Softmax).Beta)
	return fb.SoftmaxOptionsEnd(b)
}

func writeMean(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	fb.ReducerOptionsStart(b)
	fb.ReducerOptionsAddKeepDims(b, n.Op.(qnn.Mean).KeepDims)
	return fb.ReducerOptionsEnd(b)
}

func writeSqueeze(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	dims := ints(b, n.Op.(qnn.Squeeze).Dims)
	fb.SqueezeOptionsStart(b)
	fb.SqueezeOptionsAddSqueezeDims(b, dims)
	return fb.SqueezeOptionsEnd(b)
}
