package tflite

import (
	"encoding/binary"
	"slices"

	"qtune/qnn"
)

// unfuse returns a graph without what qnn/pass fused and files have no word for:
// explicit padding becomes a PAD before the convolution, an addition in it an
// ADD after it. The result computes the same; it shares with g what passes must
// not change.
func unfuse(g *qnn.Graph) *qnn.Graph {
	u := &unfuser{g.Clone()}
	nodes := u.g.Nodes
	u.g.Nodes = make([]qnn.Node, 0, len(nodes))
	for i := range nodes {
		n := nodes[i]
		u.pad(&n)
		add := u.residual(&n)
		u.g.Nodes = append(append(u.g.Nodes, n), add...)
	}
	return u.g
}

type unfuser struct{ g *qnn.Graph }

func (u *unfuser) tensor(t qnn.Tensor) qnn.TensorID {
	u.g.Tensors = append(u.g.Tensors, t)
	return qnn.TensorID(len(u.g.Tensors) - 1)
}

// pad appends the PAD that n needs, if it has explicit padding, and gives it
// valid padding.
func (u *unfuser) pad(n *qnn.Node) {
	var border qnn.Border
	switch op := n.Op.(type) {
	case qnn.Conv2D:
		if op.Padding != qnn.Explicit {
			return
		}
		border = op.Border
		op.Padding, op.Border = qnn.Valid, qnn.Border{}
		n.Op = op
	case qnn.Depthwise:
		if op.Padding != qnn.Explicit {
			return
		}
		border = op.Border
		op.Padding, op.Border = qnn.Valid, qnn.Border{}
		n.Op = op
	default:
		return
	}
	x := *u.g.Input(n, 0)
	cells := qnn.Tensor{Name: x.Name + "/paddings", Type: qnn.Int32, Shape: qnn.Shape{4, 2}}
	for _, v := range []int{0, 0, border.Top, border.Bottom, border.Left, border.Right, 0, 0} {
		cells.Data = binary.LittleEndian.AppendUint32(cells.Data, uint32(v))
	}
	padded := x
	padded.Name, padded.Data = x.Name+"/padded", nil
	padded.Shape = slices.Clone(x.Shape)
	padded.Shape[1] += border.Top + border.Bottom
	padded.Shape[2] += border.Left + border.Right
	p := qnn.Node{Op: qnn.Pad{}, Index: -1, Inputs: []qnn.TensorID{n.Inputs[0], u.tensor(cells)}, Outputs: []qnn.TensorID{u.tensor(padded)}}
	u.g.Nodes = append(u.g.Nodes, p)
	n.Inputs[0] = p.Outputs[0]
}

// residual takes the addition out of n and returns it, if there is one.
func (u *unfuser) residual(n *qnn.Node) []qnn.Node {
	if n.Residual == nil {
		return nil
	}
	last := len(n.Inputs) - 1
	mid := u.tensor(*u.g.LayerOutput(n))
	add := qnn.Node{
		Op: qnn.Add{Activation: n.Residual.Activation}, Index: -1,
		Inputs: []qnn.TensorID{mid, n.Inputs[last]}, Outputs: n.Outputs,
	}
	if n.Inputs[last-1] == qnn.NoTensor { // convolutions without bias have two inputs
		last--
	}
	n.Inputs, n.Outputs, n.Residual = n.Inputs[:last], []qnn.TensorID{mid}, nil
	return []qnn.Node{add}
}
