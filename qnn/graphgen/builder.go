package graphgen

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"qtune/qnn"
)

// A builder decodes a recipe.
type builder struct {
	g     *qnn.Graph
	row   []uint16
	used  int            // numbers of the row
	valid qnn.Graph      // g as of the last node that fits
	live  []qnn.TensorID // tensors that nodes may read
	read  map[qnn.TensorID]bool
}

// Bounds of a network, so that a test takes many.
const (
	maxElements = 6000
	maxMACs     = 200_000
)

// draw returns a number in [0, n); 0 is the simplest.
func (b *builder) draw(n int) int {
	if b.used == len(b.row) {
		return 0
	}
	b.used++
	return int(b.row[b.used-1]) % n
}

// pick returns one of values, the simplest of which is the first.
func pick[T any](b *builder, values ...T) T { return values[b.draw(len(values))] }

// chance is true once in n times.
func (b *builder) chance(n int) bool { return b.draw(n) == n-1 }

// inputs adds the inputs of the network.
func (b *builder) inputs() {
	b.used, b.read = 0, map[qnn.TensorID]bool{}
	n := 1 + b.draw(5)/4
	for range n {
		t := qnn.Tensor{Type: pick(b, qnn.Uint8, qnn.Int8)}
		t.Shape = qnn.Shape{pick(b, 1, 1, 1, 2, 3), 1 + b.draw(12), 1 + b.draw(12), pick(b, 1, 3, 4, 8, 16, 5, 7, 17, 32, 33, 64, 70)}
		if t.Shape.Elems() > maxElements {
			t.Shape[3] = 3
		}
		t.Quant = b.quant(t.Type)
		id := b.tensor(t)
		b.g.Inputs = append(b.g.Inputs, id)
		b.live = append(b.live, id)
	}
	b.valid = *b.g
}

// outputs makes outputs of the network of what nobody reads, and of some that
// somebody does.
func (b *builder) outputs() {
	for i, id := range b.live {
		isInput := slices.Contains(b.g.Inputs, id)
		if !isInput && (!b.read[id] || i%5 == 3) {
			b.g.Outputs = append(b.g.Outputs, id)
		}
	}
	if len(b.g.Outputs) == 0 {
		b.g.Outputs = b.live[:1]
	}
}

// node adds a node: see makers.
func (b *builder) node() {
	b.used = 0
	m := makers[b.draw(len(makers))]
	if n, outputs, ok := m.make(b); ok {
		b.fits(&n, outputs)
	}
	*b.g = b.valid // slices only grew
}

// fits appends n with outputs of the given types, unless that would not be
// valid or too large.
func (b *builder) fits(n *qnn.Node, outputs []qnn.Tensor) bool {
	n.Index = len(b.g.Nodes)
	var made []qnn.TensorID
	for _, t := range outputs {
		made = append(made, b.tensor(t))
	}
	n.Outputs = made
	if unsupported, wrong := b.g.CheckSupport(n); unsupported != nil || wrong != nil {
		return false
	}
	shapes, err := b.g.InferShapes(n)
	if err != nil || len(shapes) != len(made) {
		return false
	}
	for i, s := range shapes {
		if n := s.Elems(); n < 1 || n > maxElements {
			return false
		}
		b.g.Tensors[made[i]].Shape = s
	}
	if b.macs(n) > maxMACs {
		return false
	}
	b.g.Nodes = append(b.g.Nodes, *n)
	outputsBefore := b.g.Outputs
	b.g.Outputs = made
	err = b.g.Validate()
	b.g.Outputs = outputsBefore
	if err != nil {
		return false
	}
	for _, id := range n.Inputs {
		if id != qnn.NoTensor {
			b.read[id] = true
		}
	}
	b.live = append(b.live, made...)
	b.valid = *b.g
	return true
}

// macs is the work of a node with weights.
func (b *builder) macs(n *qnn.Node) int {
	switch n.Op.(type) {
	case qnn.Conv2D, qnn.Dense:
		return b.g.Output(n, 0).Shape.Elems() * b.g.Input(n, 1).Shape.Elems() / b.g.Input(n, 1).Shape[0]
	case qnn.TransposeConv:
		return b.g.Input(n, 2).Shape.Elems() * b.g.Input(n, 1).Shape.Elems() / b.g.Input(n, 1).Shape[3]
	}
	return 0
}

func (b *builder) tensor(t qnn.Tensor) qnn.TensorID {
	if t.Name == "" {
		t.Name = fmt.Sprint("t", len(b.g.Tensors))
	}
	b.g.Tensors = append(b.g.Tensors, t)
	return qnn.TensorID(len(b.g.Tensors) - 1)
}

// quant draws the quantisation of an activation: the ends of the range are
// likely zero points.
func (b *builder) quant(typ qnn.DType) qnn.Quant {
	zero := pick(b, 128, 0, 255, 3, 100, 200, 127, 254)
	if typ == qnn.Int8 {
		zero -= 128
	}
	scale := pick(b, 0.05, 0.05, 0.1, 0.02, 1.0/128, 0.5, 0.013, 1)
	return qnn.Quant{Scale: []float32{float32(scale)}, Zero: []int32{int32(zero)}}
}

// result is a tensor of x's type and of a quantisation of its own, or at times
// x's.
func (b *builder) result(x qnn.TensorID) qnn.Tensor {
	t := qnn.Tensor{Type: b.g.Tensors[x].Type, Quant: b.g.Tensors[x].Quant}
	if !b.chance(3) {
		t.Quant = b.quant(t.Type)
	}
	return t
}

// like is a tensor of x's type and quantisation.
func (b *builder) like(x qnn.TensorID) qnn.Tensor {
	return qnn.Tensor{Type: b.g.Tensors[x].Type, Quant: b.g.Tensors[x].Quant}
}

// one returns a live tensor that ok accepts, at times a later one.
func (b *builder) one(ok func(*qnn.Tensor) bool) (qnn.TensorID, bool) {
	var all []qnn.TensorID
	for _, id := range slices.Backward(b.live) {
		if ok(&b.g.Tensors[id]) {
			all = append(all, id)
		}
	}
	if len(all) == 0 {
		return 0, false
	}
	return all[b.draw(len(all))], true
}

// image is one for tensors [N][H][W][C] of 8 bits, bytes for any of 8 bits.
func (b *builder) image() (qnn.TensorID, bool) { return b.one(isImage) }
func (b *builder) bytes() (qnn.TensorID, bool) { return b.one(isBytes) }

func isBytes(t *qnn.Tensor) bool { return t.Type.Is8Bit() }
func isImage(t *qnn.Tensor) bool { return t.Type.Is8Bit() && len(t.Shape) == 4 }

// ints adds a constant int32 tensor.
func (b *builder) ints(shape qnn.Shape, values ...int) qnn.TensorID {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, uint32(int32(v)))
	}
	return b.tensor(qnn.Tensor{Type: qnn.Int32, Shape: shape, Data: data})
}

// constant adds a constant of x's type with values from all of the range.
func (b *builder) constant(x qnn.TensorID, shape qnn.Shape) qnn.TensorID {
	t := b.result(x)
	t.Shape = shape
	t.Data = b.values(shape.Elems(), 0, 255)
	return b.tensor(t)
}

// values makes n bytes in [lo, hi], a function of two numbers of the row.
func (b *builder) values(n, lo, hi int) []byte {
	state := uint32(b.draw(1<<16))<<16 | 1
	data := make([]byte, n)
	for i := range data {
		state = state*1664525 + 1013904223
		data[i] = byte(lo + int(state>>16)%(hi-lo+1))
	}
	return data
}

// weights adds the weights and bias of a layer over x, of the given shape, with
// channels along axis; fan is the number of products of an output. The
// multiplier of the layer is near gain.
func (b *builder) weights(x qnn.TensorID, y *qnn.Tensor, shape qnn.Shape, axis, fan int) []qnn.TensorID {
	channels := shape[axis]
	tx := &b.g.Tensors[x]
	gain := pick(b, 1, 0.5, 2, 20, 0.001) // of outputs that fill the range
	scale := gain * float64(y.Quant.Scale[0]) / float64(tx.Quant.Scale[0]) / (2 * 60 * math.Sqrt(float64(fan)))
	w := qnn.Tensor{Type: tx.Type, Shape: shape, Quant: qnn.Quant{Scale: []float32{float32(scale)}, Zero: []int32{0}}}
	if tx.Type == qnn.Uint8 {
		w.Quant.Zero[0] = int32(pick(b, 128, 120, 0, 255, 30))
		w.Data = b.values(shape.Elems(), 0, 255)
	} else {
		w.Data = b.values(shape.Elems(), 0, 254)
		for i := range w.Data {
			w.Data[i] -= 127
		}
		if b.chance(2) && channels > 1 {
			w.Quant = qnn.Quant{Axis: axis}
			for c := range channels {
				w.Quant.Scale = append(w.Quant.Scale, float32(scale)*(1+float32(c%5)/4))
				w.Quant.Zero = append(w.Quant.Zero, 0)
			}
		}
	}
	bias := qnn.Tensor{Type: qnn.Int32, Shape: qnn.Shape{channels}, Quant: biasQuant(tx, &w)}
	reach := pick(b, 1, 100, 5000)
	for _, v := range b.values(channels, 0, 200) {
		bias.Data = binary.LittleEndian.AppendUint32(bias.Data, uint32(int32((int(v)-100)*reach)))
	}
	return []qnn.TensorID{x, b.tensor(w), b.tensor(bias)}
}

// biasQuant is what TensorFlow Lite expects of a bias.
func biasQuant(x, w *qnn.Tensor) qnn.Quant {
	q := qnn.Quant{}
	for range w.Quant.Scale {
		q.Scale = append(q.Scale, x.Quant.Scale[0]*w.Quant.Scale[len(q.Scale)])
		q.Zero = append(q.Zero, 0)
	}
	return q
}
