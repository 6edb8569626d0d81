package tflite

import (
	"fmt"

	flatbuffers "github.com/google/flatbuffers/go"

	"qtune/qnn"
	"qtune/qnn/tflite/fb"
)

// Options of the operators that select elements, reading and writing side by
// side.

// writeArgMax: the output's type is that of its tensor, which readers compare.
func writeArgMax(b *flatbuffers.Builder, g *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	number, _ := typeNumber(g.Output(n, 0).Type)
	fb.ArgMaxOptionsStart(b)
	fb.ArgMaxOptionsAddOutputType(b, number)
	return fb.ArgMaxOptionsEnd(b)
}

func writeArgMin(b *flatbuffers.Builder, g *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	number, _ := typeNumber(g.Output(n, 0).Type)
	fb.ArgMinOptionsStart(b)
	fb.ArgMinOptionsAddOutputType(b, number)
	return fb.ArgMinOptionsEnd(b)
}

func readStridedSlice(t flatbuffers.Table) (qnn.Op, error) {
	var o fb.StridedSliceOptions
	o.Init(t.Bytes, t.Pos)
	return qnn.StridedSlice{
		BeginMask: int(o.BeginMask()), EndMask: int(o.EndMask()),
		EllipsisMask: int(o.EllipsisMask()), NewAxisMask: int(o.NewAxisMask()), ShrinkMask: int(o.ShrinkAxisMask()),
		Offset: o.Offset(),
	}, nil
}

func writeStridedSlice(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	op := n.Op.(qnn.StridedSlice)
	fb.StridedSliceOptionsStart(b)
	fb.StridedSliceOptionsAddBeginMask(b, int32(op.BeginMask))
	fb.StridedSliceOptionsAddEndMask(b, int32(op.EndMask))
	fb.StridedSliceOptionsAddEllipsisMask(b, int32(op.EllipsisMask))
	fb.StridedSliceOptionsAddNewAxisMask(b, int32(op.NewAxisMask))
	fb.StridedSliceOptionsAddShrinkAxisMask(b, int32(op.ShrinkMask))
	fb.StridedSliceOptionsAddOffset(b, op.Offset)
	return fb.StridedSliceOptionsEnd(b)
}

func readGather(t flatbuffers.Table) (qnn.Op, error) {
	var o fb.GatherOptions
	o.Init(t.Bytes, t.Pos)
	return qnn.Gather{Axis: int(o.Axis()), BatchDims: int(o.BatchDims())}, nil
}

func writeGather(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	op := n.Op.(qnn.Gather)
	fb.GatherOptionsStart(b)
	fb.GatherOptionsAddAxis(b, int32(op.Axis))
	fb.GatherOptionsAddBatchDims(b, int32(op.BatchDims))
	return fb.GatherOptionsEnd(b)
}

// Modes of MIRROR_PAD.
const (
	mirrorReflect   = 0
	mirrorSymmetric = 1
)

func readMirrorPad(t flatbuffers.Table) (qnn.Op, error) {
	var o fb.MirrorPadOptions
	o.Init(t.Bytes, t.Pos)
	if m := o.Mode(); m != mirrorReflect && m != mirrorSymmetric {
		return nil, fmt.Errorf("mirror mode %d is not supported", m)
	}
	return qnn.MirrorPad{Symmetric: o.Mode() == mirrorSymmetric}, nil
}

func writeMirrorPad(b *flatbuffers.Builder, _ *qnn.Graph, n *qnn.Node) flatbuffers.UOffsetT {
	mode := int8(mirrorReflect)
	if n.Op.(qnn.MirrorPad).Symmetric {
		mode = mirrorSymmetric
	}
	fb.MirrorPadOptionsStart(b)
	fb.MirrorPadOptionsAddMode(b, mode)
	return fb.MirrorPadOptionsEnd(b)
}
