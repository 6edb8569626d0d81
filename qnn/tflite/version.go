package tflite

import "qtune/qnn"

// widerVersions are the versions of operators that first took int16, int64 or
// bool, where that is not the first.
var widerVersions = map[qnn.DType]map[string]int32{
	qnn.Int16: {
		qnn.Concat{}.OpName(): 3, qnn.Dequantize{}.OpName(): 3, qnn.Gather{}.OpName(): 4, qnn.GatherND{}.OpName(): 3,
		qnn.Pack{}.OpName(): 3, qnn.Pad{}.OpName(): 3, qnn.PadValue{}.OpName(): 3, qnn.ResizeNearest{}.OpName(): 4,
		qnn.Slice{}.OpName(): 4, qnn.Split{}.OpName(): 4, qnn.Transpose{}.OpName(): 5, qnn.Unpack{}.OpName(): 4,
		qnn.MirrorPad{}.OpName(): 3, qnn.BatchToSpace{}.OpName(): 4,
	},
	qnn.Int64: {qnn.Add{}.OpName(): 4, qnn.Sub{}.OpName(): 4, qnn.Mul{}.OpName(): 5},
	qnn.Bool: {
		qnn.ArgMax{}.OpName(): 3, qnn.ArgMin{}.OpName(): 3, qnn.Gather{}.OpName(): 3, qnn.StridedSlice{}.OpName(): 3,
		qnn.Transpose{}.OpName(): 3, qnn.Unpack{}.OpName(): 3,
	},
}

// version returns the first version of the operator that has what n needs
// (tensorflow/compiler/mlir/lite/tools/versioning/op_version.cc).
func (w *writer) version(def builtin, n *qnn.Node) int32 {
	x := w.g.Input(n, 0)
	if _, ok := n.Op.(qnn.Split); ok { // the axis comes first
		x = w.g.Input(n, 1)
	}
	v := max(1, widerVersions[x.Type][n.Op.OpName()])
	if x.Type == qnn.Int8 {
		v = def.int8Version
	}
	return max(v, w.optionVersion(n))
}

// optionVersion is the first version that has the options of n, and what else
// its kind of operands needs.
func (w *writer) optionVersion(n *qnn.Node) int32 {
	var v int32
	switch op := n.Op.(type) {
	case qnn.Depthwise:
		if op.DilationH != 1 || op.DilationW != 1 {
			v = 2
		}
	case qnn.Dense:
		if op.KeepDims {
			v = 5
		}
		if w.g.Input(n, 2) == nil {
			v = 6
		}
	case qnn.ResizeBilinear:
		if op.HalfPixel {
			v = 3
		}
	case qnn.ResizeNearest:
		if op.HalfPixel || op.AlignCorners {
			v = 3
		}
	case qnn.TransposeConv:
		if len(n.Inputs) > 3 {
			v = 3
		}
	case qnn.Gather:
		if op.BatchDims != 0 {
			v = 5
		}
	case qnn.StridedSlice:
		if op.EllipsisMask != 0 || op.NewAxisMask != 0 {
			v = 6
		}
		if op.Offset {
			v = 8
		}
	case qnn.Dequantize:
		if w.g.Input(n, 0).Type == qnn.Float16 {
			v = 3
		}
	case qnn.Quantize:
		if w.g.Input(n, 0).Type != qnn.Float32 || w.g.Output(n, 0).Type == qnn.Int16 {
			v = 2
		}
	}
	return v
}
