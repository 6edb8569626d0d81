package pass_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qtune/qnn"
	"qtune/qnn/pass"
)

// randomGraph makes a network of what passes look for: short chains over a pool
// of images of equal extent, with constants, copies and equal nodes, in one
// 8-bit type.
func randomGraph(r *rand.Rand) *qnn.Graph {
	b := &builder{&qnn.Graph{Name: "random"}, r}
	l := pixels.of(1, 1+r.IntN(5), 1+r.IntN(5), 1+r.IntN(4))
	if r.IntN(2) == 0 {
		l = l.typed(qnn.Int8).quant(0.5, -28)
	}
	p := &picker{builder: b, l: l}
	p.pool = append(p.pool, b.input("x0", l), b.input("x1", l), b.constant("c", l))
	for i := range 4 + r.IntN(12) {
		p.step(fmt.Sprintf("n%d", i))
	}
	made := p.pool[3:]
	outs := append([]qnn.TensorID{}, made[max(0, len(made)-3):]...)
	if r.IntN(2) == 0 {
		outs = append(outs, made[r.IntN(len(made))])
	}
	return b.outputs(outs...)
}

// A picker extends a network step by step.
type picker struct {
	*builder
	l    like
	pool []qnn.TensorID // of l's type and shape, in several quantisations
}

// pick prefers what was made last.
func (p *picker) pick() qnn.TensorID {
	if p.rand.IntN(3) > 0 {
		return p.pool[len(p.pool)-1]
	}
	return p.pool[p.rand.IntN(len(p.pool))]
}

// as returns l quantised as id is, mostly, or at random.
func (p *picker) as(id qnn.TensorID) like {
	if p.rand.IntN(4) > 0 {
		q := p.g.Tensors[id].Quant
		return p.l.quant(q.Scale[0], q.Zero[0])
	}
	return p.l.quant(0.01+p.rand.Float32(), p.value())
}

// value returns a value of the type.
func (p *picker) value() int32 {
	lo, hi := p.l.dtype.Limits()
	return lo + p.rand.Int32N(hi-lo+1)
}

func (p *picker) step(name string) {
	x := p.pick()
	l := p.as(x)
	act := qnn.Activation(p.rand.IntN(4))
	var y qnn.TensorID
	switch p.rand.IntN(16) {
	case 0, 1:
		y = p.conv(conv2d(qnn.Same, 1, act), name, l, x, 1+p.rand.IntN(3), p.l.shape[3])
	case 2:
		y = p.conv(depthwise(qnn.Same, 1, act), name, l, x, 1+p.rand.IntN(3), p.l.shape[3])
	case 3, 4:
		y = p.padded(name, l, x)
	case 5, 6:
		y = p.node(qnn.Add{Activation: act}, name, l, x, p.pick())
	case 7, 8:
		y = p.node(qnn.Clamp{Activation: max(act, qnn.Relu)}, name, l, x)
	case 9:
		c := p.constant(name+"/c", l.of(), byte(p.value()))
		ops := []qnn.Op{qnn.Maximum{}, qnn.Minimum{}, qnn.Mul{Activation: act}, qnn.Sub{Activation: act}, qnn.PRelu{}}
		if p.l.dtype == qnn.Uint8 {
			ops = append(ops, qnn.Div{Activation: act})
		}
		y = p.node(ops[p.rand.IntN(len(ops))], name, l, x, c)
	case 10:
		lo, _ := p.l.dtype.Limits()
		y = p.node(qnn.Logistic{}, name, p.l.quant(1.0/256, lo), x)
	case 11:
		y = p.node(qnn.Quantize{}, name, l, x)
	case 12, 13:
		y = p.node(qnn.Quantize{}, name, l, p.node(qnn.Dequantize{}, name+"/f", float, x))
	default:
		y = p.copied(name, l, x)
	}
	p.pool = append(p.pool, y)
}

// padded is a convolution of a padded image, sometimes with another reader.
func (p *picker) padded(name string, l like, x qnn.TensorID) qnn.TensorID {
	q := p.g.Tensors[x].Quant
	same := p.l.quant(q.Scale[0], q.Zero[0])
	top, left := p.rand.IntN(3), p.rand.IntN(3)
	cells := p.paddings(name+"/cells", top, 2-top, left, 2-left)
	padded := p.node(qnn.Pad{}, name+"/pad", same, x, cells)
	if p.rand.IntN(4) == 0 {
		value := p.constant(name+"/value", same.of(), byte(q.Zero[0]+p.rand.Int32N(2)))
		padded = p.node(qnn.PadValue{}, name+"/padv2", same, x, cells, value)
	}
	if p.rand.IntN(3) == 0 {
		pool := qnn.Pool{Padding: qnn.Valid, FilterH: 3, FilterW: 3, StrideH: 1, StrideW: 1}
		p.pool = append(p.pool, p.node(qnn.MaxPool{Pool: pool}, name+"/pool", same, padded))
	}
	if p.rand.IntN(2) == 0 {
		return p.conv(depthwise(qnn.Valid, 1, qnn.Relu), name, l, padded, 3, p.l.shape[3])
	}
	return p.conv(conv2d(qnn.Valid, 1, qnn.NoActivation), name, l, padded, 3, p.l.shape[3])
}

// copied is x after operators that change nothing but, sometimes, what the bytes
// mean.
func (p *picker) copied(name string, l like, x qnn.TensorID) qnn.TensorID {
	switch p.rand.IntN(4) {
	case 0:
		return p.node(qnn.Pad{}, name, l, x, p.paddings(name+"/cells", 0, 0, 0, 0))
	case 1:
		return p.node(qnn.Transpose{}, name, l, x, p.ints(name+"/perm", 0, 1, 2, 3))
	case 2:
		return p.node(qnn.Concat{Axis: 2}, name, l, x)
	}
	flat := p.node(qnn.Reshape{}, name+"/flat", l.of(p.l.shape.Elems()), x)
	return p.node(qnn.Reshape{}, name, l, flat)
}

// TestRandom: every pass alone, and the compiler's passes, keep what random
// networks compute; the second time they change nothing.
func TestRandom(t *testing.T) {
	lists := [][]pass.Name{pass.Default(), pass.Minimal()}
	for name := range golden {
		lists = append(lists, []pass.Name{name})
	}
	fewer := map[string]bool{}
	for seed := range uint64(400) {
		g := randomGraph(rand.New(rand.NewPCG(seed, 7)))
		if err := g.Validate(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		in := randomInputs(g)
		want := mustCompute(t, g, in).Outputs(g)
		for _, names := range lists {
			out := mustRun(t, g, names...)
			checkInterface(t, g, out)
			for i, got := range mustCompute(t, out, in).Outputs(out) {
				if !bytes.Equal(got, want[i]) {
					t.Fatalf("seed %d, %v: output %d differs\n%s----\n%s", seed, names, i, dump(t, g), dump(t, out))
				}
			}
			if again := mustRun(t, out, names...); dump(t, again) != dump(t, out) {
				t.Fatalf("seed %d: a second %v changes the graph:\n%s", seed, names, cmp.Diff(dump(t, out), dump(t, again)))
			}
			if len(out.Nodes) < len(g.Nodes) {
				fewer[fmt.Sprint(names)] = true
			}
		}
	}
	for _, names := range lists {
		if !fewer[fmt.Sprint(names)] && names[len(names)-1] != pass.Legalise {
			t.Errorf("%v never removed a node", names)
		}
	}
}

// checkInterface: inputs and outputs keep their names, types and shapes, and no
// tensor changes its name.
func checkInterface(t *testing.T, g, out *qnn.Graph) {
	t.Helper()
	for k, ids := range [][]qnn.TensorID{g.Inputs, g.Outputs} {
		got := [][]qnn.TensorID{out.Inputs, out.Outputs}[k]
		if d := cmp.Diff(ids, got); d != "" {
			t.Fatalf("inputs or outputs differ:\n%s", d)
		}
		for _, id := range ids {
			a, b := g.Tensors[id], out.Tensors[id]
			if a.Type != b.Type || !a.Shape.Equal(b.Shape) {
				t.Fatalf("%s became a %s %s", &a, b.Type, b.Shape)
			}
		}
	}
	for i := range g.Tensors {
		if g.Tensors[i].Name != out.Tensors[i].Name {
			t.Fatalf("tensor %d %q is %q now", i, g.Tensors[i].Name, out.Tensors[i].Name)
		}
	}
}
