package pass_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"qtune/qnn"
)

// A builder makes networks of 8-bit tensors. Tensors of one name are one.
type builder struct {
	g    *qnn.Graph
	rand *rand.Rand
}

func newBuilder(name string) *builder {
	return &builder{&qnn.Graph{Name: name}, rand.New(rand.NewPCG(3, uint64(len(name))))}
}

// like is what tensors made together have in common.
type like struct {
	dtype qnn.DType
	shape qnn.Shape
	scale float32
	zero  int32
}

func (l like) of(shape ...int) like { l.shape = shape; return l }

func (l like) quant(scale float32, zero int32) like { l.scale, l.zero = scale, zero; return l }

func (l like) typed(d qnn.DType) like { l.dtype = d; return l }

// pixels is a small image.
var pixels = like{qnn.Uint8, qnn.Shape{1, 5, 6, 4}, 0.5, 100}

func (b *builder) tensor(name string, l like) qnn.TensorID {
	t := qnn.Tensor{Name: name, Type: l.dtype, Shape: l.shape}
	if l.dtype.Is8Bit() {
		t.Quant = qnn.Quant{Scale: []float32{l.scale}, Zero: []int32{l.zero}}
	}
	b.g.Tensors = append(b.g.Tensors, t)
	return qnn.TensorID(len(b.g.Tensors) - 1)
}

func (b *builder) input(name string, l like) qnn.TensorID {
	id := b.tensor(name, l)
	b.g.Inputs = append(b.g.Inputs, id)
	return id
}

// constant has random bytes, or those given.
func (b *builder) constant(name string, l like, data ...byte) qnn.TensorID {
	id := b.tensor(name, l)
	t := &b.g.Tensors[id]
	if data == nil {
		data = make([]byte, t.Bytes())
		for i := range data {
			data[i] = byte(b.rand.Uint32())
		}
	}
	t.Data = data
	return id
}

func (b *builder) ints(name string, v ...int) qnn.TensorID {
	id := b.tensor(name, like{dtype: qnn.Int32, shape: qnn.Shape{len(v)}})
	for _, x := range v {
		b.g.Tensors[id].Data = binary.LittleEndian.AppendUint32(b.g.Tensors[id].Data, uint32(x))
	}
	return id
}

// paddings is the constant of PAD over an image.
func (b *builder) paddings(name string, top, bottom, left, right int) qnn.TensorID {
	id := b.ints(name, 0, 0, top, bottom, left, right, 0, 0)
	b.g.Tensors[id].Shape = qnn.Shape{4, 2}
	return id
}

// node appends an operator that makes tensor out, of the shape that it computes.
func (b *builder) node(op qnn.Op, out string, l like, in ...qnn.TensorID) qnn.TensorID {
	id := b.tensor(out, l)
	n := qnn.Node{Op: op, Index: len(b.g.Nodes), Inputs: in, Outputs: []qnn.TensorID{id}}
	switch op.(type) {
	case qnn.Unsupported, qnn.Reshape:
	default:
		s, err := b.g.InferShape(&n)
		if err != nil {
			panic(fmt.Sprintf("%s: %v", out, err))
		}
		b.g.Tensors[id].Shape = s
	}
	b.g.Nodes = append(b.g.Nodes, n)
	return id
}

// conv appends op, a CONV_2D or DEPTHWISE_CONV_2D of channels outputs with
// k x k weights.
func (b *builder) conv(op qnn.Op, out string, l like, x qnn.TensorID, k, channels int) qnn.TensorID {
	from := &b.g.Tensors[x]
	c := from.Shape[3]
	shape, zero := []int{channels, k, k, c}, int32(120)
	if _, ok := op.(qnn.Depthwise); ok {
		shape = []int{1, k, k, c}
	}
	if from.Type == qnn.Int8 {
		zero = 0
	}
	w := b.constant(out+"/w", like{from.Type, shape, 0.004, zero})
	bias := b.constant(out+"/b", like{dtype: qnn.Int32, shape: qnn.Shape{shape[0]}}, make([]byte, 4*shape[0])...)
	if shape[0] == 1 {
		b.g.Tensors[bias].Shape, b.g.Tensors[bias].Data = qnn.Shape{c}, make([]byte, 4*c)
	}
	return b.node(op, out, l, x, w, bias)
}

// outputs finishes the network.
func (b *builder) outputs(ids ...qnn.TensorID) *qnn.Graph {
	b.g.Outputs = ids
	return b.g
}

func conv2d(p qnn.Padding, stride int, act qnn.Activation) qnn.Conv2D {
	return qnn.Conv2D{Padding: p, StrideH: stride, StrideW: stride, DilationH: 1, DilationW: 1, Activation: act}
}

func depthwise(p qnn.Padding, stride int, act qnn.Activation) qnn.Depthwise {
	return qnn.Depthwise{Padding: p, StrideH: stride, StrideW: stride, DilationH: 1, DilationW: 1, Multiplier: 1, Activation: act}
}
