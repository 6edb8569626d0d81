// Package graphgen makes random valid networks for tests, and shrinks those
// that a test fails on.
//
//	Random:  seed --> steps --> Graph   each step is a row of makers or motifs
//	Shrink:  failing Graph --> the smallest one around it that still fails
//
// Package graphtest joins the two for tests.
//
// Shrink works on networks and not on the decisions that made them, so it also
// shrinks those that come from a file; what it tries is checked by
// Graph.Validate.
//
// The networks are small and nasty rather than likely: every operator of qnn,
// both 8-bit types in one network, zero points at the ends of their range,
// multipliers above 1 and near 0, odd channel counts, tensors that many nodes
// read, tensors that are outputs and read further, one tensor twice in a node.
//
// It is not part of the product: only tests import it.
package graphgen

import (
	"fmt"
	"math/rand/v2"

	"qtune/qnn"
)

// Options bound the networks.
type Options struct {
	// MACs bounds the multiply-accumulate steps of a network; 0 means 1<<18.
	// Most networks stay far below.
	MACs int
}

// Bounds of every network.
const (
	maxSteps  = 9
	maxElems  = 1 << 13 // of a computed tensor
	maxExtent = 14      // height and width
)

// Random returns the network of a seed. It is valid, and the same for ever:
// as long as neither the makers nor qnn's operators change.
func Random(seed uint64, o Options) *qnn.Graph {
	if o.MACs == 0 {
		o.MACs = 1 << 18
	}
	b := &builder{
		Rand: rand.New(rand.NewPCG(seed, 0x67726170)),
		g:    &qnn.Graph{Name: fmt.Sprintf("random %d", seed)},
	}
	b.macs = o.MACs >> b.IntN(6)
	b.signed = b.oneIn(2)
	for range 1 + b.IntN(2) {
		b.start()
	}
	for range 1 + b.IntN(maxSteps) {
		b.step()
	}
	b.outputs()
	return b.g
}

// A builder grows a network, drawing every decision from Rand.
type builder struct {
	*rand.Rand
	g      *qnn.Graph
	signed bool           // new inputs are int8 more often than uint8
	macs   int            // multiply-accumulate steps that are left
	live   []qnn.TensorID // inputs and computed tensors
}

// start adds an input of the network, sometimes one of float32 that is
// quantised first.
func (b *builder) start() {
	s := qnn.Shape{1, b.extent(), b.extent(), b.channels()}
	switch {
	case b.oneIn(6):
		s = qnn.Shape{b.IntN(3) + 1, b.channels()}
	case b.oneIn(4):
		s[0] += b.IntN(3)
	}
	if s.Elems() > maxElems {
		s[0] = 1
	}
	if b.oneIn(8) {
		y := b.activation(b.eightBit(), b.scale(0.05))
		b.node(qnn.Quantize{}, y, b.input(qnn.Tensor{Type: qnn.Float32, Shape: s}))
		return
	}
	t := b.activation(b.eightBit(), b.scale(0.05))
	t.Shape = s
	b.input(t)
}

// step adds a node or a motif.
func (b *builder) step() {
	for range 20 { // until one fits the tensors that there are
		make := b.weighted()
		g, live, macs := *b.g, b.live, b.macs
		if make(b) {
			return
		}
		*b.g, b.live, b.macs = g, live, macs
	}
}

// weighted draws a row of the table of makers or of motifs.
func (b *builder) weighted() func(*builder) bool {
	if b.oneIn(4) {
		return motifs[b.IntN(len(motifs))]
	}
	total := 0
	for _, m := range makers {
		total += m.weight
	}
	k := b.IntN(total)
	for _, m := range makers {
		if k -= m.weight; k < 0 {
			return m.make
		}
	}
	panic("unreachable")
}

// outputs chooses the outputs of the network: what nothing reads, but for a
// dead end now and then, and some that are read as well.
func (b *builder) outputs() {
	read := make([]bool, len(b.g.Tensors))
	for i := range b.g.Nodes {
		for _, id := range b.g.Nodes[i].Inputs {
			if id != qnn.NoTensor {
				read[id] = true
			}
		}
	}
	for _, id := range b.live {
		isInput := b.isInput(id)
		switch {
		case isInput && !b.oneIn(40):
		case read[id] && !b.oneIn(7):
		case !read[id] && b.oneIn(20): // dead
		default:
			b.g.Outputs = append(b.g.Outputs, id)
		}
	}
	last := b.live[len(b.live)-1]
	if len(b.g.Outputs) == 0 || b.oneIn(40) { // the second: an output twice
		b.g.Outputs = append(b.g.Outputs, last)
	}
}

func (b *builder) isInput(id qnn.TensorID) bool {
	for _, in := range b.g.Inputs {
		if in == id {
			return true
		}
	}
	return false
}

// tensor adds t.
func (b *builder) tensor(t qnn.Tensor) qnn.TensorID {
	t.Name = fmt.Sprint("t", len(b.g.Tensors))
	b.g.Tensors = append(b.g.Tensors, t)
	return qnn.TensorID(len(b.g.Tensors) - 1)
}

// input adds t as an input of the network.
func (b *builder) input(t qnn.Tensor) qnn.TensorID {
	id := b.tensor(t)
	b.g.Inputs = append(b.g.Inputs, id)
	b.live = append(b.live, id)
	return id
}

// node adds a node that computes y, whose shape it infers unless it is set. It
// returns false where the result is larger than tensors are meant to be.
func (b *builder) node(op qnn.Op, y qnn.Tensor, inputs ...qnn.TensorID) bool {
	return b.nodeOf(op, []qnn.Tensor{y}, inputs...)
}

// nodeOf is node for any number of outputs.
func (b *builder) nodeOf(op qnn.Op, ys []qnn.Tensor, inputs ...qnn.TensorID) bool {
	n := qnn.Node{Op: op, Index: len(b.g.Nodes), Inputs: inputs}
	for _, y := range ys {
		n.Outputs = append(n.Outputs, b.tensor(y))
	}
	if err := b.infer(&n); err != nil {
		panic(fmt.Sprintf("graphgen: %s: %v", b.g.Label(&n), err)) // makers add only what is valid
	}
	for _, id := range n.Outputs {
		if s := b.g.Tensors[id].Shape; s.Elems() > maxElems || len(s) > 5 || len(s) == 4 && max(s[1], s[2]) > maxExtent {
			return false
		}
	}
	b.g.Nodes = append(b.g.Nodes, n)
	b.live = append(b.live, n.Outputs...)
	return true
}

// infer sets the shapes of n's outputs.
func (b *builder) infer(n *qnn.Node) error {
	unsupported, err := b.g.CheckSupport(n)
	if err != nil || unsupported != nil {
		return fmt.Errorf("%v, %v", unsupported, err)
	}
	shapes, err := b.g.InferShapes(n)
	if err != nil {
		return err
	}
	for i, s := range shapes {
		b.g.Output(n, i).Shape = s
	}
	return nil
}
