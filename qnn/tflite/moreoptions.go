package tflite

import (
	"fmt"

	flatbuffers "github.com/google/flatbuffers/go"

	"qtune/qnn"
	"qtune/qnn/tflite/fb"
)

// Options of the operators that are neither layers nor pooling, reading and
// writing side by side.

// noFusion refuses a fused activation.
func noFusion(a int8) error {
	if a != 0 {
		return fmt.Errorf("fused activation %d is not supported", a)
	}
	return nil
}

func readSub(t flatbuffers.Table) (qnn.Op, error) {
	var o fb.SubOptions
	o.Init(t.Bytes, t.Pos)
	act, err := activation(o.FusedActivation())
	return qnn.Sub{Activation: act}, err
}

func writeSub(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	fb.SubOptionsStart(b)
	fb.SubOptionsAddFusedActivation(b, int8(n.Op.(qnn.Sub).Activation))
	return fb.SubOptionsEnd(b)
}

func readMul(t flatbuffers.Table) (qnn.Op, error) {
	var o fb.MulOptions
	o.Init(t.Bytes, t.Pos)
	act, err := activation(o.FusedActivation())
	return qnn.Mul{Activation: act}, err
}

func writeMul(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	fb.MulOptionsStart(b)
	fb.MulOptionsAddFusedActivation(b, int8(n.Op.(qnn.Mul).Activation))
	return fb.MulOptionsEnd(b)
}

func readLeakyRelu(t flatbuffers.Table) (qnn.Op, error) {
	var o fb.LeakyReluOptions
	o.Init(t.Bytes, t.Pos)
	return qnn.LeakyRelu{Alpha: o.Alpha()}, nil
}

func writeLeakyRelu(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	fb.LeakyReluOptionsStart(b)
	fb.LeakyReluOptionsAddAlpha(b, n.Op.(qnn.LeakyRelu).Alpha)
	return fb.LeakyReluOptionsEnd(b)
}

func readL2Norm(t flatbuffers.Table) (qnn.Op, error) {
	var o fb.L2NormOptions
	o.Init(t.Bytes, t.Pos)
	return qnn.L2Norm{}, noFusion(o.FusedActivation())
}

func readResizeBilinear(t flatbuffers.Table) (qnn.Op, error) {
	var o fb.ResizeBilinearOptions
	o.Init(t.Bytes, t.Pos)
	return qnn.ResizeBilinear{Resize: qnn.Resize{AlignCorners: o.AlignCorners(), HalfPixel: o.HalfPixelCenters()}}, nil
}

func writeResizeBilinear(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	op := n.Op.(qnn.ResizeBilinear)
	fb.ResizeBilinearOptionsStart(b)
	fb.ResizeBilinearOptionsAddAlignCorners(b, op.AlignCorners)
	fb.ResizeBilinearOptionsAddHalfPixelCenters(b, op.HalfPixel)
	return fb.ResizeBilinearOptionsEnd(b)
}

func readResizeNearest(t flatbuffers.Table) (qnn.Op, error) {
	var o fb.ResizeNearestNeighborOptions
	o.Init(t.Bytes, t.Pos)
	return qnn.ResizeNearest{Resize: qnn.Resize{AlignCorners: o.AlignCorners(), HalfPixel: o.HalfPixelCenters()}}, nil
}

func writeResizeNearest(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	op := n.Op.(qnn.ResizeNearest)
	fb.ResizeNearestNeighborOptionsStart(b)
	fb.ResizeNearestNeighborOptionsAddAlignCorners(b, op.AlignCorners)
	fb.ResizeNearestNeighborOptionsAddHalfPixelCenters(b, op.HalfPixel)
	return fb.ResizeNearestNeighborOptionsEnd(b)
}

func writeShapeOf(b *flatbuffers.Builder, g *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	number, _ := typeNumber(g.Output(n, 0).Type)
	fb.ShapeOptionsStart(b)
	fb.ShapeOptionsAddOutType(b, number)
	return fb.ShapeOptionsEnd(b)
}

func readTransposeConv(t flatbuffers.Table) (qnn.Op, error) {
	var o fb.TransposeConvOptions
	o.Init(t.Bytes, t.Pos)
	if err := noFusion(o.FusedActivation()); err != nil {
		return nil, err
	}
	pad, err := padding(o.Padding())
	return qnn.TransposeConv{Padding: pad, StrideH: int(o.StrideH()), StrideW: int(o.StrideW())}, err
}

func writeTransposeConv(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	op := n.Op.(qnn.TransposeConv)
	fb.TransposeConvOptionsStart(b)
	fb.TransposeConvOptionsAddPadding(b, int8(op.Padding))
	fb.TransposeConvOptionsAddStrideW(b, int32(op.StrideW))
	fb.TransposeConvOptionsAddStrideH(b, int32(op.StrideH))
	return fb.TransposeConvOptionsEnd(b)
}

func writeSplit(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	fb.SplitOptionsStart(b)
	fb.SplitOptionsAddNumSplits(b, int32(len(n.Outputs)))
	return fb.SplitOptionsEnd(b)
}

func writeSplitV(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	fb.SplitVOptionsStart(b)
	fb.SplitVOptionsAddNumSplits(b, int32(len(n.Outputs)))
	return fb.SplitVOptionsEnd(b)
}

func readPack(t flatbuffers.Table) (qnn.Op, error) {
	var o fb.PackOptions
	o.Init(t.Bytes, t.Pos)
	return qnn.Pack{Axis: int(o.Axis())}, nil
}

func writePack(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	fb.PackOptionsStart(b)
	fb.PackOptionsAddValuesCount(b, int32(len(n.Inputs)))
	fb.PackOptionsAddAxis(b, int32(n.Op.(qnn.Pack).Axis))
	return fb.PackOptionsEnd(b)
}

func readUnpack(t flatbuffers.Table) (qnn.Op, error) {
	var o fb.UnpackOptions
	o.Init(t.Bytes, t.Pos)
	return qnn.Unpack{Axis: int(o.Axis())}, nil
}

func writeUnpack(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	fb.UnpackOptionsStart(b)
	fb.UnpackOptionsAddNum(b, int32(len(n.Outputs)))
	fb.UnpackOptionsAddAxis(b, int32(n.Op.(qnn.Unpack).Axis))
	return fb.UnpackOptionsEnd(b)
}

func readSpaceToDepth(t flatbuffers.Table) (qnn.Op, error) {
	var o fb.SpaceToDepthOptions
	o.Init(t.Bytes, t.Pos)
	return qnn.SpaceToDepth{Block: int(o.BlockSize())}, nil
}

func writeSpaceToDepth(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	fb.SpaceToDepthOptionsStart(b)
	fb.SpaceToDepthOptionsAddBlockSize(b, int32(n.Op.(qnn.SpaceToDepth).Block))
	return fb.SpaceToDepthOptionsEnd(b)
}

func readDepthToSpace(t flatbuffers.Table) (qnn.Op, error) {
	var o fb.DepthToSpaceOptions
	o.Init(t.Bytes, t.Pos)
	return qnn.DepthToSpace{Block: int(o.BlockSize())}, nil
}

func writeDepthToSpace(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	fb.DepthToSpaceOptionsStart(b)
	fb.DepthToSpaceOptionsAddBlockSize(b, int32(n.Op.(qnn.DepthToSpace).Block))
	return fb.DepthToSpaceOptionsEnd(b)
}

func readDiv(t flatbuffers.Table) (qnn.Op, error) {
	var o fb.DivOptions
	o.Init(t.Bytes, t.Pos)
	act, err := activation(o.FusedActivation())
	return qnn.Div{Activation: act}, err
}

func writeDiv(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	fb.DivOptionsStart(b)
	fb.DivOptionsAddFusedActivation(b, int8(n.Op.(qnn.Div).Activation))
	return fb.DivOptionsEnd(b)
}

func readReduce(kind qnn.ReduceKind) func(t flatbuffers.Table) (qnn.Op, error) {
	return func(t flatbuffers.Table) (qnn.Op, error) {
		var o fb.ReducerOptions
		o.Init(t.Bytes, t.Pos)
		return qnn.Reduce{Kind: kind, KeepDims: o.KeepDims()}, nil
	}
}

func writeReduce(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	fb.ReducerOptionsStart(b)
	fb.ReducerOptionsAddKeepDims(b, n.Op.(qnn.Reduce).KeepDims)
	return fb.ReducerOptionsEnd(b)
}

// writeCast: the types are those of the tensors, which readers compare.
func writeCast(b *flatbuffers.Builder, g *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	from, _ := typeNumber(g.Input(n, 0).Type)
	to, _ := typeNumber(g.Output(n, 0).Type)
	fb.CastOptionsStart(b)
	fb.CastOptionsAddInDataType(b, from)
	fb.CastOptionsAddOutDataType(b, to)
	return fb.CastOptionsEnd(b)
}
