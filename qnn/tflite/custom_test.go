package tflite_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"

	"qtune/qnn"
	"qtune/qnn/tflite"
	"qtune/qnn/tflite/fb"
)

func ssd() *qnn.Graph {
	g := &qnn.Graph{Name: "ssd"}
	q := qnn.Quant{Scale: []float32{0.1}, Zero: []int32{100}}
	for _, s := range []qnn.Shape{{1, 5, 4}, {1, 5, 3}, {5, 4}} {
		g.Tensors = append(g.Tensors, qnn.Tensor{Name: "in", Type: qnn.Uint8, Shape: s, Quant: q})
		g.Inputs = append(g.Inputs, qnn.TensorID(len(g.Tensors)-1))
	}
	for _, s := range []qnn.Shape{{1, 10, 4}, {1, 10}, {1, 10}, {1}} {
		g.Tensors = append(g.Tensors, qnn.Tensor{Name: "out", Type: qnn.Float32, Shape: s})
		g.Outputs = append(g.Outputs, qnn.TensorID(len(g.Tensors)-1))
	}
	g.Nodes = []qnn.Node{{Inputs: g.Inputs, Outputs: g.Outputs, Op: qnn.DetectionPostProcess{
		MaxDetections: 10, MaxClasses: 1, DetectionsPerClass: 7, Classes: 2, Regular: true, ScoreThreshold: 0.25, IOUThreshold: 0.5,
		ScaleY: 10, ScaleX: 11, ScaleH: 5, ScaleW: 6,
	}}}
	return g
}

func TestDetectionRoundTrip(t *testing.T) {
	g := ssd()
	file, err := tflite.Export(g)
	if err != nil {
		t.Fatal(err)
	}
	back := mustImport(t, file)
	if !reflect.DeepEqual(back.Nodes[0].Op, g.Nodes[0].Op) {
		t.Errorf("got %+v, want %+v", back.Nodes[0].Op, g.Nodes[0].Op)
	}
}

// Converters leave the shapes of the results out.
func TestDetectionShapesAreInferred(t *testing.T) {
	g := ssd()
	file, err := tflite.Export(g)
	if err != nil {
		t.Fatal(err)
	}
	unshaped := strip(t, file)
	back := mustImport(t, unshaped)
	for i, id := range back.Outputs {
		if got, want := back.Tensors[id].Shape, g.Tensors[g.Outputs[i]].Shape; !got.Equal(want) {
			t.Errorf("output %d is %s, want %s", i, got, want)
		}
	}
}

func TestDetectionOptions(t *testing.T) {
	file, err := tflite.Export(ssd())
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"a missing key":   {"nms_iou_threshold", "nms_iou_threshole"},
		"another name":    {"TFLite_Detection_PostProcess", "TFLite_Detection_PostProcesS"},
		"damaged options": {"max_detections\x00", "max_detectionsx"},
	} {
		damaged := bytes.Replace(file, []byte(change[0]), []byte(change[1]), 1)
		g, err := tflite.Import(damaged)
		if err != nil {
			continue // refused as a whole
		}
		op, ok := g.Nodes[0].Op.(qnn.Unsupported)
		if !ok || op.Reason == "" || !strings.HasPrefix(op.Name, `CUSTOM "TFLite_Detection`) {
			t.Errorf("%s: operator %+v", name, g.Nodes[0].Op)
		}
	}
}

// strip removes the shapes of the float32 tensors.
func strip(t *testing.T, file []byte) []byte {
	t.Helper()
	out := bytes.Clone(file)
	var (
		graph  fb.SubGraph
		tensor fb.Tensor
	)
	fb.GetRootAsModel(out, 0).Subgraphs(&graph, 0)
	for i := range graph.TensorsLength() {
		graph.Tensors(&tensor, i)
		if tensor.Type() == 0 { // FLOAT32
			table := tensor.Table()
			vector := table.Vector(flatbuffers.UOffsetT(table.Offset(4)))
			flatbuffers.WriteUOffsetT(out[vector-4:], 0)
		}
	}
	return out
}
