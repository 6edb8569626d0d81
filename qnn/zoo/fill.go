package zoo

import (
	"encoding/binary"
	"fmt"
	"math"

	"qtune/qnn"
)

// Everything below computes in integers or in float64 operations that are
// rounded one by one (a product that is added to something stands in an explicit
// conversion), so that the result is the same on every machine.

// A filler goes through the nodes of a network in order. It completes each, and
// keeps a tile of each activation.
type filler struct {
	g      *qnn.Graph
	groups groups
	quant  map[int]qnn.Quant // by group
	tiles  []tile            // by tensor
}

// fill gives a drawn network its weights and quantisation.
func fill(g *qnn.Graph) {
	f := &filler{g, groupsOf(g), map[int]qnn.Quant{}, make([]tile, len(g.Tensors))}
	image := g.Inputs[0]
	f.setQuant(image, f.quantOf(1.0/128, 128))
	f.tiles[image] = imageTile(newStream(g.Name + "/image"))
	for i := range g.Nodes {
		f.node(&g.Nodes[i])
	}
	if err := g.Validate(); err != nil {
		panic(fmt.Sprintf("BUG: zoo: %s: %v", g.Name, err))
	}
}

// quantOf makes a quantisation from a zero point as uint8 has it.
func (f *filler) quantOf(scale float64, zero int32) qnn.Quant {
	lo, _ := f.g.Tensors[f.g.Inputs[0]].Type.Limits()
	return qnn.Quant{Scale: []float32{float32(scale)}, Zero: []int32{zero + lo}}
}

// setQuant quantises x: as its group is already, else as q says.
func (f *filler) setQuant(x qnn.TensorID, q qnn.Quant) {
	root := f.groups.root(x)
	if _, ok := f.quant[root]; !ok {
		f.quant[root] = q
	}
	f.g.Tensors[x].Quant = f.quant[root]
}

// node completes one node.
func (f *filler) node(n *qnn.Node) {
	x, y := n.Inputs[0], n.Outputs[0]
	t := f.tiles[x]
	switch op := n.Op.(type) {
	case qnn.Conv2D:
		f.layer(n, slides{0, 0, op.StrideH, op.StrideW}, op.Activation)
		return
	case qnn.Depthwise:
		f.layer(n, slides{0, 0, op.StrideH, op.StrideW}, op.Activation)
		return
	case qnn.Dense:
		f.layer(n, slides{1, 1, 1, 1}, op.Activation)
		return
	case qnn.Add:
		f.add(n, op.Activation)
		return
	case qnn.Mean:
		f.mean(n)
		return
	case qnn.MaxPool:
		f.tiles[y] = maxPool(t, op.Pool)
	case qnn.AveragePool:
		if s := f.g.Tensors[y].Shape; s[1] == 1 && s[2] == 1 {
			f.tiles[y] = averageRows(t)
		} else {
			f.tiles[y] = averagePool(t, op.Pool)
		}
	case qnn.Concat:
		parts := make([]tile, len(n.Inputs))
		for i, id := range n.Inputs {
			parts[i] = f.tiles[id]
		}
		f.tiles[y] = concat(parts)
	case qnn.Softmax: // the last node
		f.setQuant(y, f.quantOf(1.0/256, 0))
		return
	default: // RESHAPE, PAD
		f.tiles[y] = t
	}
	f.setQuant(y, f.g.Tensors[x].Quant)
}

// layer draws the weights of a convolution, depthwise or dense layer, and
// solves for their scale and the bias.
func (f *filler) layer(n *qnn.Node, s slides, act qnn.Activation) {
	w, b, y := f.g.Input(n, 1), f.g.Input(n, 2), f.g.Output(n, 0)
	random := newStream(f.g.Name + "/" + y.Name)
	layout := bankOf(n.Op, w)
	if len(w.Shape) == 4 {
		s.kh, s.kw = w.Shape[1], w.Shape[2]
	}
	zero := int32(0)
	if w.Type == qnn.Int8 {
		w.Data = layout.symmetric(random)
	} else {
		w.Data, zero = layout.asymmetric(random)
	}
	x := f.g.Input(n, 0)
	acc := layerTile{s, layout, w.Data, w.Type, zero}.accumulate(f.tiles[n.Inputs[0]])
	want := f.aim(act, y.Name, random)
	f.setQuant(n.Outputs[0], want.quant)
	multipliers, bias := want.solve(acc, w.Type == qnn.Int8, random)
	for _, m := range multipliers {
		scale := m * float64(y.Quant.Scale[0]) / float64(x.Quant.Scale[0])
		w.Quant.Scale = append(w.Quant.Scale, float32(scale))
		w.Quant.Zero = append(w.Quant.Zero, zero)
		b.Quant.Scale = append(b.Quant.Scale, float32(x.Quant.Scale[0]*float32(scale)))
		b.Quant.Zero = append(b.Quant.Zero, 0)
	}
	if _, ok := n.Op.(qnn.Depthwise); ok && w.Quant.PerChannel() {
		w.Quant.Axis = 3
	}
	for _, v := range bias {
		b.Data = binary.LittleEndian.AppendUint32(b.Data, uint32(v))
	}
	f.tiles[n.Outputs[0]] = f.requantise(n, s, acc)
}

// requantise makes the tile of a layer's output, with the layer's own numbers.
func (f *filler) requantise(n *qnn.Node, s slides, acc [][]int32) tile {
	l, err := qnn.ResolveLayer(f.g, n)
	if err != nil {
		panic("BUG: zoo: " + err.Error())
	}
	h, w := s.extent(f.tiles[n.Inputs[0]])
	out := newTile(h, w, l.OC)
	for c, row := range acc {
		for i, v := range row {
			out.v[i*l.OC+c] = l.Requant.Apply(v+l.Bias[c], c) - l.Requant.Zero
		}
	}
	return out
}

// add quantises a sum as its sample shows.
func (f *filler) add(n *qnn.Node, act qnn.Activation) {
	a, b, y := f.tiles[n.Inputs[0]], f.tiles[n.Inputs[1]], n.Outputs[0]
	sa, sb := float64(f.g.Input(n, 0).Quant.Scale[0]), float64(f.g.Input(n, 1).Quant.Scale[0])
	sums := make([]float64, len(a.v))
	for i := range sums {
		sums[i] = float64(float64(a.v[i])*sa) + float64(float64(b.v[i])*sb)
	}
	mean, deviation := spreadOf(sums)
	deviation = max(deviation, sa) // finer than a step of the input says nothing
	want := f.aim(act, f.g.Tensors[y].Name, newStream(f.g.Name+"/"+f.g.Tensors[y].Name))
	if act == qnn.Relu {
		want.quant = f.quantOf((mean+float64(4*deviation))/255, 0)
	} else {
		want.quant.Scale = []float32{float32(deviation / want.spread)}
	}
	f.setQuant(y, want.quant)
	f.tiles[y] = f.quantise(sums, a, act, y)
}

// spreadOf returns the mean and the standard deviation.
func spreadOf(values []float64) (mean, deviation float64) {
	n := float64(len(values))
	for _, v := range values {
		mean += v / n
	}
	square := 0.0
	for _, v := range values {
		d := v - mean
		square += float64(d*d) / n
	}
	return mean, math.Sqrt(square)
}

// quantise makes the tile of y, of a's extent, from real values.
func (f *filler) quantise(values []float64, a tile, act qnn.Activation, y qnn.TensorID) tile {
	t := &f.g.Tensors[y]
	lo, hi := qnn.ActivationRange(act, t)
	zero, scale := t.Quant.Zero[0], float64(t.Quant.Scale[0])
	out := newTile(a.h, a.w, a.c)
	for i, v := range values {
		out.v[i] = min(max(int32(math.Round(v/scale)), lo-zero), hi-zero)
	}
	return out
}

// mean quantises the average of a map so that its sample, which is not negative,
// fills the range.
func (f *filler) mean(n *qnn.Node) {
	y := n.Outputs[0]
	t := averageRows(f.tiles[n.Inputs[0]])
	scale := float64(f.g.Input(n, 0).Quant.Scale[0])
	values, most := make([]float64, len(t.v)), scale // not 0, whatever the sample
	for i, v := range t.v {
		values[i] = float64(v) * scale
		most = max(most, values[i])
	}
	f.setQuant(y, f.quantOf(most/255, 0))
	f.tiles[y] = f.quantise(values, t, qnn.NoActivation, y)
}
