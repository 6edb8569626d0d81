package tflite

import (
	"encoding/binary"

	"qtune/qnn"
)

// unfuse returns g in the words of the file format: an explicit padding becomes
// a PAD before the convolution, a residual an ADD after it. g stays as it is.
func unfuse(g *qnn.Graph) *qnn.Graph {
	u := &unfuser{g.Clone()}
	nodes := u.g.Nodes
	u.g.Nodes = nil
	for _, n := range nodes {
		u.pad(&n)
		u.residual(&n)
	}
	return u.g
}

type unfuser struct{ g *qnn.Graph }

func (u *unfuser) tensor(t qnn.Tensor) qnn.TensorID {
	u.g.Tensors = append(u.g.Tensors, t)
	return qnn.TensorID(len(u.g.Tensors) - 1)
}

// pad appends the PAD that n needs, which n then reads.
func (u *unfuser) pad(n *qnn.Node) {
	var b qnn.Border
	switch op := n.Op.(type) {
	case qnn.Conv2D:
		if op.Padding != qnn.Explicit {
			return
		}
		b = op.Border
		op.Padding, op.Border = qnn.Valid, qnn.Border{}
		n.Op = op
	case qnn.Depthwise:
		if op.Padding != qnn.Explicit {
			return
		}
		b = op.Border
		op.Padding, op.Border = qnn.Valid, qnn.Border{}
		n.Op = op
	default:
		return
	}
	x, name := u.g.Tensors[n.Inputs[0]], u.g.Output(n, 0).Name
	var cells []byte
	for _, v := range []int{0, 0, b.Top, b.Bottom, b.Left, b.Right, 0, 0} {
		cells = binary.LittleEndian.AppendUint32(cells, uint32(v))
	}
	paddings := u.tensor(qnn.Tensor{Name: name + "/paddings", Type: qnn.Int32, Shape: qnn.Shape{4, 2}, Data: cells})
	x.Name, x.Data = name+"/padded", nil
	x.Shape = qnn.Shape{x.Shape[0], x.Shape[1] + b.Top + b.Bottom, x.Shape[2] + b.Left + b.Right, x.Shape[3]}
	padded := u.tensor(x)
	u.g.Nodes = append(u.g.Nodes, qnn.Node{
		Op: qnn.Pad{}, Inputs: []qnn.TensorID{n.Inputs[0], paddings}, Outputs: []qnn.TensorID{padded}, Index: -1, FromInt8: n.FromInt8,
	})
	n.Inputs[0] = padded
}

// residual appends n, and the ADD of its residual.
func (u *unfuser) residual(n *qnn.Node) {
	r := n.Residual
	if r == nil {
		u.g.Nodes = append(u.g.Nodes, *n)
		return
	}
	y, last := n.Outputs[0], len(n.Inputs)-1
	own := u.tensor(*u.g.Own(n))
	add := qnn.Node{
		Op: qnn.Add{Activation: r.Activation}, Inputs: []qnn.TensorID{own, n.Inputs[last]},
		Outputs: []qnn.TensorID{y}, Index: -1, FromInt8: n.FromInt8,
	}
	n.Residual, n.Outputs, n.Inputs = nil, []qnn.TensorID{own}, n.Inputs[:last]
	if n.Inputs[last-1] == qnn.NoTensor && n.Op.OpName() != (qnn.Dense{}).OpName() {
		n.Inputs = n.Inputs[:last-1]
	}
	u.g.Nodes = append(u.g.Nodes, *n, add)
}
