package module

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"

	"qtune/qnn"
	"qtune/schedules"
)

// randomChooser takes any schedule of each space.
func randomChooser(rng *rand.Rand) Chooser {
	return func(w schedules.Workload, isa schedules.ISA) (Choice, error) {
		space, err := schedules.SpaceFor(w, isa)
		if err != nil {
			return Choice{}, err
		}
		s, ok := space.Sample(rng)
		if !ok {
			return Choice{}, errors.New("an empty space")
		}
		return Choice{Schedule: s, Source: Nearest}, nil
	}
}

// A networkMaker adds random layers to a network.
type networkMaker struct {
	*rand.Rand
	g      *qnn.Graph
	signed bool
	live   []qnn.TensorID // computed tensors
}

func randomNetwork(rng *rand.Rand) *qnn.Graph {
	b := &networkMaker{Rand: rng, g: &qnn.Graph{}, signed: rng.IntN(2) == 0}
	x := b.activation(qnn.Shape{1 + rng.IntN(2), 5 + rng.IntN(6), 5 + rng.IntN(6), 1 + rng.IntN(9)})
	b.g.Inputs = []qnn.TensorID{x}
	b.live = []qnn.TensorID{x}
	for range 2 + rng.IntN(5) {
		b.layer(b.live[rng.IntN(len(b.live))])
	}
	b.g.Outputs = append(b.g.Outputs, b.live[len(b.live)-1])
	if len(b.live) > 2 {
		b.g.Outputs = append(b.g.Outputs, b.live[1])
	}
	return b.g
}

func (b *networkMaker) tensor(t qnn.Tensor) qnn.TensorID {
	t.Name = fmt.Sprint("t", len(b.g.Tensors))
	b.g.Tensors = append(b.g.Tensors, t)
	return qnn.TensorID(len(b.g.Tensors) - 1)
}

func (b *networkMaker) activation(s qnn.Shape) qnn.TensorID {
	t := qnn.Tensor{Type: qnn.Uint8, Shape: s, Quant: qnn.Quant{Scale: []float32{0.01 + b.Float32()/10}, Zero: []int32{b.Int32N(256)}}}
	if b.signed {
		t.Type = qnn.Int8
		t.Quant.Zero[0] -= 128
	}
	return b.tensor(t)
}

// weights are random; they and a bias for n channels complete the inputs of a
// layer that reads x.
func (b *networkMaker) weights(x qnn.TensorID, s qnn.Shape, n int) []qnn.TensorID {
	w := qnn.Tensor{Type: qnn.Uint8, Shape: s, Quant: qnn.Quant{Scale: []float32{0.02}, Zero: []int32{b.Int32N(256)}}}
	if b.signed {
		w.Type, w.Quant.Zero[0] = qnn.Int8, 0
	}
	for range s.Elems() {
		w.Data = append(w.Data, byte(b.Uint32()))
	}
	bias := qnn.Tensor{Type: qnn.Int32, Shape: qnn.Shape{n}}
	for range n {
		bias.Data = binary.LittleEndian.AppendUint32(bias.Data, uint32(b.Int32N(2000)-1000))
	}
	return []qnn.TensorID{x, b.tensor(w), b.tensor(bias)}
}

// layer adds some layer that reads x.
func (b *networkMaker) layer(x qnn.TensorID) {
	k, stride := 1+2*b.IntN(3), 1+b.IntN(2)
	switch b.IntN(5) {
	case 0, 1:
		b.conv(x, k, stride, 1+b.IntN(20))
	case 2, 3:
		b.depthwise(x, k, stride)
	default:
		b.add(x)
	}
}

func (b *networkMaker) act() qnn.Activation { return qnn.Activation(b.IntN(2)) }

// conv adds a convolution of k x k to o channels.
func (b *networkMaker) conv(x qnn.TensorID, k, stride, o int) {
	c := b.g.Tensors[x].Shape[3]
	b.node(qnn.Conv2D{StrideH: stride, StrideW: stride, DilationH: 1, DilationW: 1, Activation: b.act()},
		b.weights(x, qnn.Shape{o, k, k, c}, o)...)
}

// depthwise adds a depthwise layer of k x k.
func (b *networkMaker) depthwise(x qnn.TensorID, k, stride int) {
	c := b.g.Tensors[x].Shape[3]
	b.node(qnn.Depthwise{StrideH: stride, StrideW: stride, DilationH: 1, DilationW: 1, Multiplier: 1, Activation: b.act()},
		b.weights(x, qnn.Shape{1, k, k, c}, c)...)
}

// add adds x to itself.
func (b *networkMaker) add(x qnn.TensorID) { b.node(qnn.Add{Activation: b.act()}, x, x) }

// node adds a layer.
func (b *networkMaker) node(op qnn.Op, inputs ...qnn.TensorID) {
	y := b.activation(nil)
	n := qnn.Node{Op: op, Index: len(b.g.Nodes), Inputs: inputs, Outputs: []qnn.TensorID{y}}
	shape, err := b.g.InferShape(&n)
	if err != nil {
		panic(err) // the tests make only valid layers
	}
	b.g.Tensors[y].Shape = shape
	b.g.Nodes = append(b.g.Nodes, n)
	b.live = append(b.live, y)
}
