package qnn

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
)

// Dump writes the graph as text, a line for each network input, node and
// network output. Equal graphs give equal text; constants show as a checksum.
//
//	graph "main": 2 nodes, 5 tensors
//	input %0 uint8 1x8x8x3 scale=0.02 zero=121 "x"
//	0 CONV_2D pad=same stride=1x1 dilation=1x1 act=none
//	    %0
//	    %1 int8 4x3x3x3 scale=0.01 zero=0 crc32=1c291ca3 "w"
//	 -> %2 uint8 1x8x8x4 scale=0.07 zero=118 "y"
//	output %2
func (g *Graph) Dump(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "graph %q: %d nodes, %d tensors\n", g.Name, len(g.Nodes), len(g.Tensors))
	for _, id := range g.Inputs {
		fmt.Fprintf(b, "input %s\n", g.describe(id))
	}
	for i := range g.Nodes {
		g.dumpNode(b, &g.Nodes[i])
	}
	for _, id := range g.Outputs {
		fmt.Fprintf(b, "output %s\n", g.refer(id))
	}
	return b.Flush()
}

func (g *Graph) dumpNode(b *bufio.Writer, n *Node) {
	fmt.Fprintf(b, "%d %s", n.Index, n.Op.OpName())
	if o := optionText(n.Op); o != "" {
		fmt.Fprintf(b, " %s", o)
	}
	if n.FromInt8 {
		fmt.Fprint(b, " from=int8")
	}
	if r := n.Residual; r != nil {
		fmt.Fprintf(b, " add(%s act=%s %q)", r.Mid.text(), r.Activation, r.Name)
	}
	fmt.Fprintln(b)
	for _, id := range n.Inputs {
		fmt.Fprintf(b, "    %s\n", g.refer(id))
	}
	for _, id := range n.Outputs {
		fmt.Fprintf(b, " -> %s\n", g.describe(id))
	}
}

// refer describes a constant, and only names a computed tensor.
func (g *Graph) refer(id TensorID) string {
	if id == NoTensor {
		return "absent"
	}
	if g.Tensors[id].IsConst() {
		return g.describe(id)
	}
	return fmt.Sprintf("%%%d", id)
}

func (g *Graph) describe(id TensorID) string {
	t := &g.Tensors[id]
	var b strings.Builder
	fmt.Fprintf(&b, "%%%d %s %s", id, t.Type, t.Shape)
	if q := t.Quant.text(); q != "" {
		fmt.Fprintf(&b, " %s", q)
	}
	if t.IsConst() {
		fmt.Fprintf(&b, " crc32=%08x", crc32.ChecksumIEEE(t.Data))
	}
	fmt.Fprintf(&b, " %q", t.Name)
	return b.String()
}

// text shows scales and zero points; nothing where there are none.
func (q Quant) text() string {
	switch len(q.Scale) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("scale=%v zero=%d", q.Scale[0], q.Zero[0])
	}
	h := crc32.NewIEEE()
	binary.Write(h, binary.LittleEndian, q.Scale) // a hash does not fail
	return fmt.Sprintf("scales=%d axis=%d scales-crc32=%08x", len(q.Scale), q.Axis, h.Sum32())
}

// optionText lists the options of an operator as key=value pairs.
func optionText(op Op) string {
	switch op := op.(type) {
	case Conv2D:
		return fmt.Sprintf("pad=%s stride=%dx%d dilation=%dx%d act=%s",
			op.Border.text(op.Padding), op.StrideH, op.StrideW, op.DilationH, op.DilationW, op.Activation)
	case Depthwise:
		return fmt.Sprintf("pad=%s stride=%dx%d dilation=%dx%d mult=%d act=%s",
			op.Border.text(op.Padding), op.StrideH, op.StrideW, op.DilationH, op.DilationW, op.Multiplier, op.Activation)
	case Dense:
		return fmt.Sprintf("act=%s keepdims=%t", op.Activation, op.KeepDims)
	case Add, Sub, Mul, Div:
		return fmt.Sprintf("act=%s", FusedActivation(op))
	case AveragePool:
		return op.Pool.optionText()
	case MaxPool:
		return op.Pool.optionText()
	case Squeeze:
		return fmt.Sprintf("dims=%v", op.Dims)
	case Softmax:
		return fmt.Sprintf("beta=%v", op.Beta)
	case Mean:
		return fmt.Sprintf("keepdims=%t", op.KeepDims)
	case Concat:
		return fmt.Sprintf("axis=%d act=%s", op.Axis, op.Activation)
	case Unsupported:
		return fmt.Sprintf("unsupported: %s", op.Reason)
	}
	return otherOptionText(op)
}

func otherOptionText(op Op) string {
	switch op := op.(type) {
	case TransposeConv:
		return fmt.Sprintf("pad=%s stride=%dx%d", op.Padding, op.StrideH, op.StrideW)
	case Table:
		return fmt.Sprintf("crc32=%08x", crc32.ChecksumIEEE(op.Values[:]))
	case Reduce:
		return fmt.Sprintf("keepdims=%t", op.KeepDims)
	case Gather:
		return fmt.Sprintf("axis=%d batch=%d", op.Axis, op.BatchDims)
	case MirrorPad:
		return fmt.Sprintf("symmetric=%t", op.Symmetric)
	case DetectionPostProcess:
		return fmt.Sprintf("%+v", op)
	case LeakyRelu:
		return fmt.Sprintf("alpha=%v", op.Alpha)
	case ResizeBilinear:
		return fmt.Sprintf("align=%t half=%t", op.AlignCorners, op.HalfPixel)
	case ResizeNearest:
		return fmt.Sprintf("align=%t half=%t", op.AlignCorners, op.HalfPixel)
	case StridedSlice:
		text := fmt.Sprintf("begin=%#b end=%#b shrink=%#b", op.BeginMask, op.EndMask, op.ShrinkMask)
		if op.EllipsisMask|op.NewAxisMask != 0 || op.Offset {
			text += fmt.Sprintf(" ellipsis=%#b new=%#b offset=%t", op.EllipsisMask, op.NewAxisMask, op.Offset)
		}
		return text
	case Pack:
		return fmt.Sprintf("axis=%d", op.Axis)
	case Unpack:
		return fmt.Sprintf("axis=%d", op.Axis)
	case SpaceToDepth:
		return fmt.Sprintf("block=%d", op.Block)
	case DepthToSpace:
		return fmt.Sprintf("block=%d", op.Block)
	}
	return ""
}

func (p Pool) optionText() string {
	return fmt.Sprintf("pad=%s filter=%dx%d stride=%dx%d act=%s",
		p.Padding, p.FilterH, p.FilterW, p.StrideH, p.StrideW, p.Activation)
}

// text shows padding p, with the border where there is one.
func (b Border) text(p Padding) string {
	if p != Explicit {
		return p.String()
	}
	return fmt.Sprintf("%s(top=%d,left=%d,bottom=%d,right=%d)", p, b.Top, b.Left, b.Bottom, b.Right)
}
