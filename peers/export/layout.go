package export

import (
	"encoding/binary"
	"fmt"

	"qtune/peers/onnx"
	"qtune/qnn"
)

// channelsFirst returns the shape [N][C][H][W] for [N][H][W][C]; shapes of other
// rank stay as they are.
func channelsFirst(s qnn.Shape) []int {
	if len(s) != 4 {
		return s
	}
	return []int{s[0], s[3], s[1], s[2]}
}

// ChannelsFirst moves the elements of a tensor of shape s, a byte each, from
// [N][H][W][C] to [N][C][H][W]. Tensors of other rank stay as they are.
func ChannelsFirst(data []byte, s qnn.Shape) []byte {
	if len(s) != 4 {
		return data
	}
	out := make([]byte, len(data))
	pixels, channels := s[1]*s[2], s[3]
	for i, v := range data {
		image, rest := i/(pixels*channels), i%(pixels*channels)
		out[(image*channels+rest%channels)*pixels+rest/channels] = v
	}
	return out
}

// layerWeights returns the weights of l and their shape in ONNX's layout:
// [O][C][KH][KW] of a convolution, [O][1][KH][KW] of a depthwise one, whose
// channels are groups, and [C][O] of a dense layer.
func layerWeights(l *qnn.Layer) (data []byte, shape []int) {
	switch l.Kind {
	case qnn.DenseLayer:
		return transposed(l.Weights, l.OC, l.C), []int{l.C, l.OC}
	case qnn.DepthwiseLayer:
		return transposed(l.Weights, l.KH*l.KW, l.OC), []int{l.OC, 1, l.KH, l.KW}
	}
	s := qnn.Shape{l.OC, l.KH, l.KW, l.C}
	return ChannelsFirst(l.Weights, s), channelsFirst(s)
}

// transposed returns a matrix [rows][columns] as [columns][rows].
func transposed(data []byte, rows, columns int) []byte {
	out := make([]byte, len(data))
	for i, v := range data {
		out[i%columns*rows+i/columns] = v
	}
	return out
}

// weightChannel is the output channel of weight i of layerWeights.
func weightChannel(l *qnn.Layer, i int) int {
	if l.Kind == qnn.DenseLayer {
		return i % l.OC
	}
	return i / (len(l.Weights) / l.OC)
}

// convAttributes describes the window of a convolution; pads are those of the
// top, left, bottom and right.
func convAttributes(l *qnn.Layer) []onnx.Attribute {
	groups := 1
	if l.Kind == qnn.DepthwiseLayer {
		groups = l.C
	}
	return append(windowAttributes(l.Window),
		onnx.Attribute{Name: "dilations", Value: []int64{int64(l.DilationH), int64(l.DilationW)}},
		onnx.Attribute{Name: "group", Value: int64(groups)})
}

func windowAttributes(w qnn.Window) []onnx.Attribute {
	return []onnx.Attribute{
		{Name: "kernel_shape", Value: []int64{int64(w.KH), int64(w.KW)}},
		{Name: "strides", Value: []int64{int64(w.StrideH), int64(w.StrideW)}},
		{Name: "pads", Value: []int64{int64(w.PadTop), int64(w.PadLeft), int64(w.PadBottom), int64(w.PadRight)}},
	}
}

// poolAttributes describes the window of pooling node n. What is outside of the
// input does not count, in ONNX's default as in TensorFlow Lite.
func (m *model) poolAttributes(n *qnn.Node, p qnn.Pool) ([]onnx.Attribute, error) {
	if err := noActivation(p.Activation, m.g.Output(n, 0)); err != nil {
		return nil, err
	}
	x := m.g.Input(n, 0).Shape
	w, _, _, err := p.Over(x[1], x[2])
	return windowAttributes(w), err
}

// noActivation checks that activation act changes nothing in output y, because
// the range of y's quantisation ends where it does.
func noActivation(act qnn.Activation, y *qnn.Tensor) error {
	lo, hi := qnn.ActivationRange(act, y)
	if least, most := y.Type.Limits(); lo != least || hi != most {
		return fmt.Errorf("its activation leaves the values %d to %d of %s, which the model would not", lo, hi, y.Type)
	}
	return nil
}

// littleEndian encodes numbers of a fixed size.
func littleEndian(numbers any) []byte {
	b, err := binary.Append(nil, binary.LittleEndian, numbers)
	if err != nil {
		panic("BUG: export: " + err.Error())
	}
	return b
}
