package schedules

import (
	"slices"
	"strings"
	"testing"

	"qtune/qnn"
)

// netBuilder makes a graph of uint8 tensors.
type netBuilder struct{ g qnn.Graph }

func (b *netBuilder) tensor(name string, typ qnn.DType, shape qnn.Shape, data []byte) qnn.TensorID {
	quant := qnn.Quant{Scale: []float32{0.02}, Zero: []int32{10}}
	b.g.Tensors = append(b.g.Tensors, qnn.Tensor{Name: name, Type: typ, Shape: shape, Quant: quant, Data: data})
	return qnn.TensorID(len(b.g.Tensors) - 1)
}

// conv adds a 3x3 convolution to o channels whose weights hold fill.
func (b *netBuilder) conv(name string, in qnn.TensorID, o int, fill byte) qnn.TensorID {
	s := b.g.Tensors[in].Shape
	weights := make([]byte, o*9*s[3])
	for i := range weights {
		weights[i] = fill
	}
	w := b.tensor(name+"/w", qnn.Uint8, qnn.Shape{o, 3, 3, s[3]}, weights)
	bias := b.tensor(name+"/b", qnn.Int32, qnn.Shape{o}, make([]byte, 4*o))
	b.g.Tensors[bias].Quant = qnn.Quant{Scale: []float32{0.0004}, Zero: []int32{0}}
	out := b.tensor(name, qnn.Uint8, qnn.Shape{s[0], s[1], s[2], o}, nil)
	b.node(qnn.Conv2D{StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}, []qnn.TensorID{in, w, bias}, out)
	return out
}

func (b *netBuilder) node(op qnn.Op, in []qnn.TensorID, out qnn.TensorID) {
	n := qnn.Node{Op: op, Inputs: in, Outputs: []qnn.TensorID{out}, Index: len(b.g.Nodes)}
	b.g.Nodes = append(b.g.Nodes, n)
}

func TestExtract(t *testing.T) {
	b := &netBuilder{}
	x := b.tensor("x", qnn.Uint8, qnn.Shape{1, 8, 8, 4}, nil)
	b.g.Inputs = []qnn.TensorID{x}
	a := b.conv("a", x, 4, 20)
	odd := b.tensor("odd", qnn.Uint8, qnn.Shape{1, 8, 8, 4}, nil)
	b.node(qnn.Unsupported{Name: "CUSTOM Odd", Reason: "a custom operator"}, []qnn.TensorID{a}, odd)
	c := b.conv("c", odd, 8, 200) // w - zero does not fit int8
	pooled := b.tensor("pooled", qnn.Uint8, qnn.Shape{1, 4, 4, 8}, nil)
	b.node(qnn.MaxPool{Pool: qnn.Pool{StrideH: 2, StrideW: 2, FilterH: 2, FilterW: 2}}, []qnn.TensorID{c}, pooled)
	d := b.conv("d", odd, 4, 30) // as a, other numbers
	b.g.Outputs = []qnn.TensorID{d, pooled}

	tasks, skipped, err := Extract(&b.g, AVX512VNNI)
	if err != nil {
		t.Fatal(err)
	}
	const (
		small = "conv2d n1 h8 w8 c4 k3x3 o4 s1x1 d1x1 p1,1,1,1 wz=0 perch=0 round=double sign=1 mult=f32"
		large = "conv2d n1 h8 w8 c4 k3x3 o8 s1x1 d1x1 p1,1,1,1 wz=1 perch=0 round=double sign=1 mult=f32"
	)
	if len(tasks) != 2 || tasks[0].Workload.String() != small || tasks[1].Workload.String() != large {
		t.Fatalf("tasks %v", tasks)
	}
	if got := tasks[0]; got.Count != 2 || !slices.Equal(got.Nodes, []int{0, 4}) || got.MACs != 2*8*8*4*9*4 {
		t.Errorf("first task %+v", got)
	}
	if got := tasks[1]; got.Count != 1 || !slices.Equal(got.Nodes, []int{2}) || got.MACs != 8*8*8*9*4 {
		t.Errorf("second task %+v", got)
	}
	if len(skipped) != 1 || skipped[0].Node != 1 || skipped[0].Op != "CUSTOM Odd" || skipped[0].Tensor != "odd" ||
		!strings.Contains(skipped[0].String(), "a custom operator") {
		t.Errorf("skipped %v", skipped)
	}

	b.g.Outputs = []qnn.TensorID{99}
	if _, _, err := Extract(&b.g, AVX512VNNI); err == nil {
		t.Error("a graph that is wrong is accepted")
	}
}

func TestWorkloadOfRefuses(t *testing.T) {
	w := sampleWorkloads()[0]
	for name, spoil := range map[string]func(*qnn.Layer){
		"int8 activations": func(l *qnn.Layer) { l.Signed = true },
		"output of":        func(l *qnn.Layer) { l.OH++ },
		"bytes of weights": func(l *qnn.Layer) { l.Weights = l.Weights[1:] },
		"multipliers":      func(l *qnn.Layer) { l.Requant.Mult = make([]qnn.Multiplier, 3) },
		"must be between":  func(l *qnn.Layer) { l.C = 0 },
	} {
		l := w.Layer(1)
		spoil(l)
		if _, err := WorkloadOf(l, AVX2); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
