package ref_test

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qtune/qnn"
	"qtune/qnn/ref"
)

// detectionGraph is one node of TFLite_Detection_PostProcess over inputs of one
// type and the given quantisations.
func detectionGraph(t testing.TB, op qnn.DetectionPostProcess, typ qnn.DType, anchors, columns int, quant [3]qnn.Quant) *qnn.Graph {
	t.Helper()
	g := &qnn.Graph{
		Tensors: []qnn.Tensor{
			{Name: "boxes", Type: typ, Shape: qnn.Shape{1, anchors, 4}, Quant: quant[0]},
			{Name: "scores", Type: typ, Shape: qnn.Shape{1, anchors, columns}, Quant: quant[1]},
			{Name: "anchors", Type: typ, Shape: qnn.Shape{anchors, 4}, Quant: quant[2]},
		},
		Nodes:   []qnn.Node{{Op: op, Inputs: []qnn.TensorID{0, 1, 2}, Outputs: []qnn.TensorID{3, 4, 5, 6}}},
		Inputs:  []qnn.TensorID{0, 1, 2},
		Outputs: []qnn.TensorID{3, 4, 5, 6},
	}
	rows := op.MaxDetections * op.MaxClasses
	for _, s := range []qnn.Shape{{1, rows, 4}, {1, rows}, {1, rows}, {1}} {
		g.Tensors = append(g.Tensors, qnn.Tensor{Name: "y", Type: qnn.Float32, Shape: s})
	}
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	return g
}

// detections is what the operator found, as numbers.
type detections struct{ Boxes, Classes, Scores, Count []float32 }

func runDetection(g *qnn.Graph, inputs [][]byte) (detections, error) {
	vals, err := ref.Run(g, inputs)
	if err != nil {
		return detections{}, err
	}
	out := vals.Outputs(g)
	return detections{floats(out[0]), floats(out[1]), floats(out[2]), floats(out[3])}, nil
}

func floats(b []byte) []float32 {
	v := make([]float32, len(b)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return v
}

func floatBytes(v []float32) []byte {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

// Four anchors, by centre and extent, and what their encodings make of them:
//
//	0: y 0.5, x 0.5, 1 x 1             -> [0, 0, 1, 1]
//	1: y 0.5, x 0.5, 1 x 0.5           -> [0, 0.25, 1, 0.75]
//	2: y 2.5, x 0.5, 1 x 1             -> [2, 0, 3, 1]
//	3: y 0.5, x 0.5, 1 x 1, y code 10  -> [1, 0, 2, 1], as 10 / 10 * 1 + 0.5 = 1.5
//
// exp(0/5)/2 of an extent lies on each side of a centre. 0 and 1 share 0.5 of
// 1 + 0.5 - 0.5: an overlap of 0.5. The others touch, or lie apart: 0.
// Every number is a multiple of the scales 0.5 and 1/16, so that each type can
// hold it.
var (
	handAnchors = []float32{0.5, 0.5, 1, 1, 0.5, 0.5, 1, 0.5, 2.5, 0.5, 1, 1, 0.5, 0.5, 1, 1}
	handBoxes   = []float32{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0}
	handScores  = []float32{ // background, class 0, class 1
		0.9375, 0.5, 0.25,
		0, 0.75, 0.125,
		0, 0.25, 0.375,
		0, 0.0625, 0.5,
	}
	box0 = []float32{0, 0, 1, 1}
	box1 = []float32{0, 0.25, 1, 0.75}
	box2 = []float32{2, 0, 3, 1}
	box3 = []float32{1, 0, 2, 1}
	none = []float32{0, 0, 0, 0}
)

func handOp(max, classes int, iou float32) qnn.DetectionPostProcess {
	return qnn.DetectionPostProcess{
		MaxDetections: max, MaxClasses: classes, Classes: 2,
		ScoreThreshold: 0.375, IOUThreshold: iou, ScaleY: 10, ScaleX: 10, ScaleH: 5, ScaleW: 5,
	}
}

func regular(op qnn.DetectionPostProcess, perClass int) qnn.DetectionPostProcess {
	op.Regular, op.DetectionsPerClass = true, perClass
	return op
}

func join(v ...[]float32) []float32 {
	var all []float32
	for _, x := range v {
		all = append(all, x...)
	}
	return all
}

func TestDetectionByHand(t *testing.T) {
	for _, c := range []struct {
		name string
		op   qnn.DetectionPostProcess
		want detections
	}{
		// best classes 0.5 (0), 0.75 (0), 0.375 (1), 0.5 (1): all reach 0.375, and 1 suppresses 0
		{"fast", handOp(4, 1, 0.25), detections{join(box1, box3, box2, none), []float32{0, 1, 1, 0}, []float32{0.75, 0.5, 0.375, 0}, []float32{3}}},
		// an overlap of 0.5 is not more than 0.5; of the two at 0.5 the lower anchor comes first
		{"fast, equal overlap", handOp(4, 1, 0.5), detections{join(box1, box0, box3, box2), []float32{0, 0, 1, 1}, []float32{0.75, 0.5, 0.5, 0.375}, []float32{4}}},
		{"fast, full", handOp(2, 1, 0.25), detections{join(box1, box3), []float32{0, 1}, []float32{0.75, 0.5}, []float32{2}}},
		// second classes come along whatever their score; there is no third
		{"fast, classes", handOp(2, 3, 0.25), detections{join(box1, box1, none, box3, box3, none),
			[]float32{0, 1, 0, 1, 0, 0}, []float32{0.75, 0.125, 0, 0.5, 0.0625, 0}, []float32{2}}},
		// class 0: 1 suppresses 0, the others are below; class 1: 3, then 2
		{"regular", regular(handOp(4, 1, 0.25), 9), detections{join(box1, box3, box2, none), []float32{0, 1, 1, 0}, []float32{0.75, 0.5, 0.375, 0}, []float32{3}}},
		// class 0: 1 and 0; of the two at 0.5 the lower class comes first
		{"regular, full", regular(handOp(2, 1, 0.5), 9), detections{join(box1, box0), []float32{0, 0}, []float32{0.75, 0.5}, []float32{2}}},
		{"regular, one a class", regular(handOp(3, 1, 0.5), 1), detections{join(box1, box3, none), []float32{0, 1, 0}, []float32{0.75, 0.5, 0}, []float32{2}}},
	} {
		for _, typ := range []qnn.DType{qnn.Float32, qnn.Uint8, qnn.Int8} {
			t.Run(c.name+"/"+typ.String(), func(t *testing.T) {
				g, inputs := handCase(t, c.op, typ)
				got, err := runDetection(g, inputs)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(c.want, got); d != "" {
					t.Error(d)
				}
			})
		}
	}
}

// handCase is the case above with operands of a type.
func handCase(t testing.TB, op qnn.DetectionPostProcess, typ qnn.DType) (*qnn.Graph, [][]byte) {
	t.Helper()
	values := [][]float32{handBoxes, handScores, handAnchors}
	var quant [3]qnn.Quant
	var inputs [][]byte
	for i, v := range values {
		if typ == qnn.Float32 {
			inputs = append(inputs, floatBytes(v))
			continue
		}
		lo, _ := typ.Limits()
		scale, zero := []float32{0.5, 1.0 / 16, 0.5}[i], lo+int32(100*i)
		quant[i] = qnn.Quant{Scale: []float32{scale}, Zero: []int32{zero}}
		b := make([]byte, len(v))
		for k, x := range v {
			b[k] = byte(int32(x/scale) + zero)
		}
		inputs = append(inputs, b)
	}
	return detectionGraph(t, op, typ, 4, 3, quant), inputs
}

// TestDetectionExponential: extents grow by exp(code / scale), in double
// precision: exp(5/5) * 1 / 2 is 1.3591409.
func TestDetectionExponential(t *testing.T) {
	g := detectionGraph(t, handOp(1, 1, 0.5), qnn.Float32, 1, 2, [3]qnn.Quant{})
	got, err := runDetection(g, [][]byte{floatBytes([]float32{0, 20, 5, -5}), floatBytes([]float32{0.5, 1}), floatBytes([]float32{0.5, 1, 1, 2})})
	if err != nil {
		t.Fatal(err)
	}
	const h, w = float32(1.3591409142295225), float32(0.36787944117144233) // e/2, 1/e
	want := detections{[]float32{0.5 - h, 5 - w, 0.5 + h, 5 + w}, []float32{1}, []float32{1}, []float32{1}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestDetectionRefuses: a box that ends before it begins is an error, as it is
// in TensorFlow Lite.
func TestDetectionRefuses(t *testing.T) {
	g := detectionGraph(t, handOp(1, 1, 0.5), qnn.Float32, 2, 2, [3]qnn.Quant{})
	g.Nodes[0].Index = 7
	_, err := ref.Run(g, [][]byte{make([]byte, 32), make([]byte, 16), floatBytes([]float32{0, 0, 1, 1, 0, 0, 1, -1})})
	if err == nil || !strings.Contains(err.Error(), `node 7 TFLite_Detection_PostProcess (tensor "y"): a box from (-0.5, 0.5) to (0.5, -0.5)`) {
		t.Errorf("error %v", err)
	}
}
