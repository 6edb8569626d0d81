package pass_test

import (
	"encoding/binary"
	"math/rand/v2"

	"qtune/qnn"
)

// A builder makes small networks whose numbers are random, and reproducible.
type builder struct {
	g   *qnn.Graph
	typ qnn.DType
	r   *rand.Rand
}

func newBuilder(name string, typ qnn.DType) *builder {
	return &builder{g: &qnn.Graph{Name: name}, typ: typ, r: rand.New(rand.NewPCG(7, 7))}
}

func (b *builder) tensor(t qnn.Tensor) qnn.TensorID {
	b.g.Tensors = append(b.g.Tensors, t)
	return qnn.TensorID(len(b.g.Tensors) - 1)
}

// quant is a quantisation whose zero point is given as a byte.
func (b *builder) quant(scale float32, zero int32) qnn.Quant {
	if b.typ == qnn.Int8 {
		zero -= 128
	}
	return qnn.Quant{Scale: []float32{scale}, Zero: []int32{zero}}
}

func (b *builder) input(name string, q qnn.Quant, shape ...int) qnn.TensorID {
	id := b.tensor(qnn.Tensor{Name: name, Type: b.typ, Shape: shape, Quant: q})
	b.g.Inputs = append(b.g.Inputs, id)
	return id
}

// node appends an operator with the result that its inputs imply.
func (b *builder) node(name string, q qnn.Quant, op qnn.Op, in ...qnn.TensorID) qnn.TensorID {
	y := b.tensor(qnn.Tensor{Name: name, Type: b.typ, Quant: q})
	b.g.Nodes = append(b.g.Nodes, node(len(b.g.Nodes), op, y, in...))
	shape, err := b.g.InferShape(&b.g.Nodes[len(b.g.Nodes)-1])
	if err != nil {
		panic(err)
	}
	b.g.Tensors[y].Shape = shape
	return y
}

// like is the quantisation of tensor id.
func (b *builder) like(id qnn.TensorID) qnn.Quant { return b.g.Tensors[id].Quant }

func (b *builder) shape(id qnn.TensorID) qnn.Shape { return b.g.Tensors[id].Shape }

func (b *builder) bytes(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(b.r.Uint32())
	}
	return data
}

// weights are random constants of one scale.
func (b *builder) weights(name string, shape ...int) qnn.TensorID {
	q := qnn.Quant{Scale: []float32{0.01}, Zero: []int32{0}}
	if b.typ == qnn.Uint8 {
		q.Zero[0] = 131
	}
	return b.tensor(qnn.Tensor{Name: name, Type: b.typ, Shape: shape, Quant: q, Data: b.bytes(qnn.Shape(shape).Elems())})
}

// constant is a random operand.
func (b *builder) constant(name string, q qnn.Quant, shape ...int) qnn.TensorID {
	return b.tensor(qnn.Tensor{Name: name, Type: b.typ, Shape: shape, Quant: q, Data: b.bytes(qnn.Shape(shape).Elems())})
}

func (b *builder) ints(name string, shape qnn.Shape, values ...int) qnn.TensorID {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, uint32(int32(v)))
	}
	return b.tensor(qnn.Tensor{Name: name, Type: qnn.Int32, Shape: shape, Data: data})
}

func (b *builder) conv(name string, x qnn.TensorID, channels, k, stride int, p qnn.Padding, act qnn.Activation) qnn.TensorID {
	w := b.weights(name+"/w", channels, k, k, b.shape(x)[3])
	bias := make([]int, channels)
	for i := range bias {
		bias[i] = b.r.IntN(2000) - 1000
	}
	return b.node(name, b.quant(0.11, 117), qnn.Conv2D{
		Padding: p, StrideH: stride, StrideW: stride, DilationH: 1, DilationW: 1, Activation: act,
	}, x, w, b.ints(name+"/b", qnn.Shape{channels}, bias...))
}

// depthwise has no bias.
func (b *builder) depthwise(name string, x qnn.TensorID, k, stride int, p qnn.Padding) qnn.TensorID {
	w := b.weights(name+"/w", 1, k, k, b.shape(x)[3])
	return b.node(name, b.quant(0.07, 140), qnn.Depthwise{
		Padding: p, StrideH: stride, StrideW: stride, DilationH: 1, DilationW: 1, Multiplier: 1,
	}, x, w)
}

// dense has no bias.
func (b *builder) dense(name string, x qnn.TensorID, channels int) qnn.TensorID {
	w := b.weights(name+"/w", channels, b.shape(x)[1])
	return b.node(name, b.quant(0.3, 130), qnn.Dense{}, x, w)
}

func (b *builder) add(name string, act qnn.Activation, x, y qnn.TensorID) qnn.TensorID {
	return b.node(name, b.quant(0.09, 121), qnn.Add{Activation: act}, x, y)
}

// pad adds cells to height and width: top, bottom, left, right.
func (b *builder) pad(name string, x qnn.TensorID, cells ...int) qnn.TensorID {
	p := append(append([]int{0, 0}, cells...), 0, 0)
	return b.node(name, b.like(x), qnn.Pad{}, x, b.ints(name+"/cells", qnn.Shape{4, 2}, p...))
}

func (b *builder) outputs(ids ...qnn.TensorID) *qnn.Graph {
	b.g.Outputs = ids
	return b.g
}
