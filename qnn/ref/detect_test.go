package ref

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"qtune/qnn"
)

// detectGraph is a network of the operator alone, over float32.
func detectGraph(op qnn.DetectionPostProcess, anchors, classes int, typ qnn.DType) *qnn.Graph {
	n := op.MaxDetections * op.MaxClasses
	g := &qnn.Graph{Name: "detect"}
	q := qnn.Quant{}
	if typ != qnn.Float32 {
		lo, _ := typ.Limits()
		q = qnn.Quant{Scale: []float32{1.0 / 64}, Zero: []int32{lo + 100}}
	}
	for _, s := range []qnn.Shape{{1, anchors, 4}, {1, anchors, classes}, {anchors, 4}} {
		g.Tensors = append(g.Tensors, qnn.Tensor{Type: typ, Shape: s, Quant: q})
		g.Inputs = append(g.Inputs, qnn.TensorID(len(g.Tensors)-1))
	}
	for _, s := range []qnn.Shape{{1, n, 4}, {1, n}, {1, n}, {1}} {
		g.Tensors = append(g.Tensors, qnn.Tensor{Type: qnn.Float32, Shape: s})
		g.Outputs = append(g.Outputs, qnn.TensorID(len(g.Tensors)-1))
	}
	g.Nodes = []qnn.Node{{Op: op, Inputs: g.Inputs, Outputs: g.Outputs}}
	return g
}

func floatBytes(v ...float32) []byte {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

func floatsOf(b []byte) []float32 {
	v := make([]float32, len(b)/4)
	for i := range v {
		v[i] = float(b, i)
	}
	return v
}

var twoClasses = qnn.DetectionPostProcess{
	MaxDetections: 3, MaxClasses: 1, DetectionsPerClass: 2, Classes: 2, ScoreThreshold: 0.3, IOUThreshold: 0.5,
	ScaleY: 10, ScaleX: 10, ScaleH: 5, ScaleW: 5,
}

// Three anchors of extent 1 around (0.5, 0.5), (0.5, 0.6) and (0.5, 2.5), taken as
// they are. The first two overlap by 0.9 of 1.1. Class 0 after the background:
// 0.9, 0.8, 0.2; class 1: 0.1, 0.7, 0.6.
func TestDetectionsByHand(t *testing.T) {
	boxes := floatBytes(make([]float32, 12)...)
	scores := floatBytes(0, 0.9, 0.1, 0, 0.8, 0.7, 0, 0.2, 0.6)
	anchors := floatBytes(0.5, 0.5, 1, 1, 0.5, 0.6, 1, 1, 0.5, 2.5, 1, 1)
	first, second, third := []float32{0, 0, 1, 1}, []float32{0, float32(0.6) - 0.5, 1, float32(0.6) + 0.5}, []float32{0, 2, 1, 3}
	for _, c := range []struct {
		name            string
		regular         bool
		boxes           [][]float32
		classes, scores []float32
		count           float32
	}{
		// Best classes: 0 (0.9), 0 (0.8) which overlaps the first, 1 (0.6).
		{"fast", false, [][]float32{first, third, make([]float32, 4)}, []float32{0, 1, 0}, []float32{0.9, 0.6, 0}, 2},
		// Class 0 keeps the first; class 1 the second (0.7) and the third (0.6).
		{"regular", true, [][]float32{first, second, third}, []float32{0, 1, 1}, []float32{0.9, 0.7, 0.6}, 3},
	} {
		op := twoClasses
		op.Regular = c.regular
		g := detectGraph(op, 3, 3, qnn.Float32)
		if err := g.Validate(); err != nil {
			t.Fatal(err)
		}
		vals, err := Run(g, [][]byte{boxes, scores, anchors})
		if err != nil {
			t.Fatal(err)
		}
		out := vals.Outputs(g)
		want := [][]float32{slices.Concat(c.boxes...), c.classes, c.scores, {c.count}}
		for i := range want {
			if got := floatsOf(out[i]); !slices.Equal(got, want[i]) {
				t.Errorf("%s: output %d is %v, want %v", c.name, i, got, want[i])
			}
		}
	}
}

// An encoding moves the centre by tenths of the anchor's extent and scales it by
// the exponential of fifths: (1, -2, 5 ln 2, 0) at an anchor of 2 x 4 around (3, 3)
// gives centre (3.2, 2.2), extent 4 x 4.
func TestDecodeBox(t *testing.T) {
	got := decodeBoxes(twoClasses, 4, []float32{1, -2, float32(5 * math.Ln2), 0}, []float32{3, 3, 2, 4})[0]
	want := box{3.2 - 2, 2.2 - 2, 3.2 + 2, 2.2 + 2}
	for i, d := range []float32{got.yMin - want.yMin, got.xMin - want.xMin, got.yMax - want.yMax, got.xMax - want.xMax} {
		if math.Abs(float64(d)) > 1e-6 {
			t.Errorf("coordinate %d of %v, want %v", i, got, want)
		}
	}
}

// Whatever the scores: detections are sorted, above the threshold, do not overlap
// too much where they must not, and none that could be added is missing.
func TestDetectionsAreMaximal(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 300 {
		op := twoClasses
		op.Classes, op.MaxClasses, op.MaxDetections = 1+r.IntN(4), 1+r.IntN(2), 1+r.IntN(12)
		op.DetectionsPerClass, op.Regular = 20, i%2 == 0
		typ := []qnn.DType{qnn.Float32, qnn.Uint8, qnn.Int8}[i%3]
		n := 1 + r.IntN(12)
		g := detectGraph(op, n, op.Classes+r.IntN(2), typ)
		if err := g.Validate(); err != nil {
			t.Fatal(err)
		}
		inputs := detectInputs(r, g)
		vals, err := Run(g, inputs)
		if err != nil {
			continue // a box inside out
		}
		checkMaximal(t, g, op, vals)
	}
}

// detectInputs makes few distinct scores, so that there are ties.
func detectInputs(r *rand.Rand, g *qnn.Graph) [][]byte {
	var inputs [][]byte
	for _, id := range g.Inputs {
		t := &g.Tensors[id]
		b := make([]byte, t.Bytes())
		for k := range t.Shape.Elems() {
			v := float32(1+r.IntN(8)) / 8
			if t.Type == qnn.Float32 {
				putFloat(b, k, v)
			} else {
				b[k] = byte(t.Quant.Zero[0] + int32(v*64))
			}
		}
		inputs = append(inputs, b)
	}
	return inputs
}

func checkMaximal(t *testing.T, g *qnn.Graph, op qnn.DetectionPostProcess, vals Values) {
	t.Helper()
	out := vals.Outputs(g)
	boxes, classes, scores := floatsOf(out[0]), floatsOf(out[1]), floatsOf(out[2])
	count, step := int(floatsOf(out[3])[0]), op.MaxClasses
	if op.Regular {
		step = 1
	}
	at := func(i int) box { b := boxes[4*i*step:]; return box{b[0], b[1], b[2], b[3]} }
	for i := range count {
		if scores[i*step] < op.ScoreThreshold || i > 0 && scores[i*step] > scores[(i-1)*step] {
			t.Errorf("%+v: scores %v", op, scores)
		}
		for k := range i {
			if (!op.Regular || classes[i] == classes[k]) && overlap(at(i), at(k)) > op.IOUThreshold {
				t.Errorf("%+v: detections %d and %d overlap", op, i, k)
			}
		}
	}
	d := &detector{op: op, classes: g.Tensors[1].Shape[2], scores: realsOf(&g.Tensors[1], vals[0+1])}
	d.boxes = decodeBoxes(op, 4, realsOf(&g.Tensors[0], vals[0]), realsOf(&g.Tensors[2], vals[2]))
	if count == op.MaxDetections {
		return
	}
	for b := range d.boxes {
		for class := range op.Classes {
			covered := d.score(b, class) < op.ScoreThreshold
			for k := range count {
				covered = covered || overlap(at(k), d.boxes[b]) > op.IOUThreshold || at(k) == d.boxes[b]
			}
			if !covered {
				t.Errorf("%+v: box %d with score %v of class %d is missing", op, b, d.score(b, class), class)
			}
		}
	}
}

func TestDetectionErrors(t *testing.T) {
	for name, change := range map[string]func(g *qnn.Graph, op *qnn.DetectionPostProcess){
		"overlap":    func(_ *qnn.Graph, op *qnn.DetectionPostProcess) { op.IOUThreshold = 0 },
		"scale":      func(_ *qnn.Graph, op *qnn.DetectionPostProcess) { op.ScaleH = 0 },
		"none":       func(_ *qnn.Graph, op *qnn.DetectionPostProcess) { op.MaxDetections = 0 },
		"huge":       func(_ *qnn.Graph, op *qnn.DetectionPostProcess) { op.MaxDetections, op.MaxClasses = 1<<20, 1<<20 },
		"classes":    func(_ *qnn.Graph, op *qnn.DetectionPostProcess) { op.Classes = 5 },
		"background": func(_ *qnn.Graph, op *qnn.DetectionPostProcess) { op.Classes = 1 },
		"anchors":    func(g *qnn.Graph, _ *qnn.DetectionPostProcess) { g.Tensors[2].Shape = qnn.Shape{4, 4} },
		"types":      func(g *qnn.Graph, _ *qnn.DetectionPostProcess) { g.Tensors[2].Type = qnn.Int32 },
	} {
		g := detectGraph(twoClasses, 3, 3, qnn.Float32)
		op := twoClasses
		change(g, &op)
		g.Nodes[0].Op = op
		if g.Validate() == nil {
			t.Errorf("%s: valid", name)
		}
	}
}
