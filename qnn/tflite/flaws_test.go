package tflite_test

import (
	"strings"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"

	"qtune/qnn"
	"qtune/qnn/tflite"
	"qtune/qnn/tflite/fb"
)

// convGraph is a reshape to 1x4x4x2 and a convolution to 1x4x4x3. Every field
// that the tests change differs from its default, so that the file holds it.
func convGraph() *qnn.Graph {
	quant := func(scale float32, zero int32) qnn.Quant {
		return qnn.Quant{Scale: []float32{scale}, Zero: []int32{zero}}
	}
	return &qnn.Graph{
		Name: "main",
		Tensors: []qnn.Tensor{
			{Name: "x", Type: qnn.Uint8, Shape: qnn.Shape{1, 4, 4, 2}, Quant: quant(0.5, 128)},
			{Name: "w", Type: qnn.Uint8, Shape: qnn.Shape{3, 3, 3, 2}, Quant: quant(0.25, 100), Data: make([]byte, 54)},
			{Name: "b", Type: qnn.Int32, Shape: qnn.Shape{3}, Quant: quant(0.125, 0), Data: make([]byte, 12)},
			{Name: "y", Type: qnn.Uint8, Shape: qnn.Shape{1, 4, 4, 3}, Quant: quant(2, 7)},
			{Name: "flat", Type: qnn.Uint8, Shape: qnn.Shape{32}},
		},
		Nodes: []qnn.Node{
			{Op: qnn.Reshape{}, Index: 0, Inputs: []qnn.TensorID{4}, Outputs: []qnn.TensorID{0}},
			{
				Op: qnn.Conv2D{StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Activation: qnn.Relu}, Index: 1,
				Inputs: []qnn.TensorID{0, 1, 2}, Outputs: []qnn.TensorID{3},
			},
		},
		Inputs:  []qnn.TensorID{4},
		Outputs: []qnn.TensorID{3},
	}
}

// edit changes one thing in the file of convGraph, through the accessors.
// It tells whether the file holds the field.
type edit func(m *fb.Model, s *fb.SubGraph) bool

func tensor(s *fb.SubGraph, i int) *fb.Tensor {
	t := new(fb.Tensor)
	s.Tensors(t, i)
	return t
}

// operator is the convolution.
func operator(s *fb.SubGraph) *fb.Operator {
	o := new(fb.Operator)
	s.Operators(o, 1)
	return o
}

func opcode(m *fb.Model) *fb.OperatorCode {
	c := new(fb.OperatorCode)
	m.OperatorCodes(c, 1)
	return c
}

func convOptions(s *fb.SubGraph) *fb.Conv2DOptions {
	var t flatbuffers.Table
	operator(s).BuiltinOptions(&t)
	o := new(fb.Conv2DOptions)
	o.Init(t.Bytes, t.Pos)
	return o
}

func edited(t *testing.T, e edit) []byte {
	t.Helper()
	file := mustExport(t, convGraph())
	m := fb.GetRootAsModel(file, 0)
	s := new(fb.SubGraph)
	m.Subgraphs(s, 0)
	if !e(m, s) {
		t.Fatal("the file does not hold the field to edit")
	}
	return file
}

// TestFlaws: a file that is sound as a FlatBuffer but wrong in one place gives
// one line that names the place.
func TestFlaws(t *testing.T) {
	for _, c := range []struct {
		name string
		edit edit
		want string
	}{
		{"version", func(m *fb.Model, _ *fb.SubGraph) bool { return m.MutateVersion(4) }, "schema version 4, want 3"},
		{"opcode", func(_ *fb.Model, s *fb.SubGraph) bool { return operator(s).MutateOpcodeIndex(9) }, "operator 1: operator code 9 of 2"},
		{"input id", func(_ *fb.Model, s *fb.SubGraph) bool { return operator(s).MutateInputs(0, 77) }, "operator 1: CONV_2D: input 0 is tensor 77 of 5"},
		{"output id", func(_ *fb.Model, s *fb.SubGraph) bool { return operator(s).MutateOutputs(0, -1) }, "operator 1: CONV_2D: output tensor -1 of 5"},
		{"network input", func(_ *fb.Model, s *fb.SubGraph) bool { return s.MutateInputs(0, 5) }, "input 0 of the network is tensor 5 of 5"},
		{"constant input", func(_ *fb.Model, s *fb.SubGraph) bool { return s.MutateInputs(0, 1) }, "input 0 of the network is the constant tensor 1"},
		{"network output", func(_ *fb.Model, s *fb.SubGraph) bool { return s.MutateOutputs(0, -7) }, "output 0 of the network is tensor -7"},
		{"not made", func(_ *fb.Model, s *fb.SubGraph) bool { return operator(s).MutateInputs(0, 3) }, `node 1 CONV_2D (tensor "y"): input 0 is tensor 3 "y", which no earlier node makes`},
		{"made twice", func(_ *fb.Model, s *fb.SubGraph) bool { return operator(s).MutateOutputs(0, 0) }, `writes tensor 0 "x", which has a value already`},
		{"negative extent", func(_ *fb.Model, s *fb.SubGraph) bool { return tensor(s, 0).MutateShape(1, -1) }, `tensor 0 "x": dimension 1 is -1`},
		{"huge", func(_ *fb.Model, s *fb.SubGraph) bool { return tensor(s, 0).MutateShape(1, 1<<30) }, `tensor 0 "x": a 1x1073741824x4x2 uint8 is too large`},
		{"output shape", func(_ *fb.Model, s *fb.SubGraph) bool { return tensor(s, 3).MutateShape(2, 5) }, "the output is declared 1x4x5x3, but computes to 1x4x4x3"},
		{"data length", func(_ *fb.Model, s *fb.SubGraph) bool { return tensor(s, 1).MutateShape(0, 4) }, `tensor 1 "w": 54 bytes of data for a 4x3x3x2 uint8`},
		{"buffer", func(_ *fb.Model, s *fb.SubGraph) bool { return tensor(s, 1).MutateBuffer(8) }, `tensor 1 "w": buffer 8 of 3`},
		{"stride", func(_ *fb.Model, s *fb.SubGraph) bool { return convOptions(s).MutateStrideH(-1) }, "stride -1"},
		{"huge stride", func(_ *fb.Model, s *fb.SubGraph) bool { return convOptions(s).MutateStrideH(1 << 30) }, "stride 1073741824"},
		{"scale 0", func(_ *fb.Model, s *fb.SubGraph) bool { return tensor(s, 0).Quantization(nil).MutateScale(0, 0) }, `tensor "x" has scale 0`},
		{"zero point", func(_ *fb.Model, s *fb.SubGraph) bool { return tensor(s, 3).Quantization(nil).MutateZeroPoint(0, 256) }, `tensor "y" of type uint8 has zero point 256`},
		{"zero point range", func(_ *fb.Model, s *fb.SubGraph) bool {
			return tensor(s, 3).Quantization(nil).MutateZeroPoint(0, 1<<40)
		}, `tensor 3 "y": zero point 1099511627776`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := tflite.Import(edited(t, c.edit))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want %q", err, c.want)
			}
			if strings.ContainsRune(err.Error(), '\n') {
				t.Errorf("more than one line: %q", err)
			}
		})
	}
}

// TestUnsupported: what is not defined here is named, and stops nothing.
func TestUnsupported(t *testing.T) {
	for _, c := range []struct {
		name, op, reason string
		edit             edit
	}{
		{"other builtin", "SVDF", "builtin operator 27 is not supported", func(m *fb.Model, _ *fb.SubGraph) bool {
			return opcode(m).MutateBuiltinCode(27) && opcode(m).MutateDeprecatedBuiltinCode(27)
		}},
		{"unknown builtin", "BUILTIN_4000", "builtin operator 4000 is not supported", func(m *fb.Model, _ *fb.SubGraph) bool { return opcode(m).MutateBuiltinCode(4000) }},
		{"custom", `CUSTOM ""`, "this custom operator is not known", func(m *fb.Model, _ *fb.SubGraph) bool { return opcode(m).MutateBuiltinCode(32) }},
		{"float16", "CONV_2D", "float16 activations", func(_ *fb.Model, s *fb.SubGraph) bool { return tensor(s, 0).MutateType(1) }},
		{"complex64", "CONV_2D", "invalid activations", func(_ *fb.Model, s *fb.SubGraph) bool { return tensor(s, 0).MutateType(8) }},
		{"mixed weights", "CONV_2D", "int8 weights with uint8 activations", func(_ *fb.Model, s *fb.SubGraph) bool { return tensor(s, 1).MutateType(9) }},
		{"tanh", "CONV_2D", "fused activation 4 is not supported", func(_ *fb.Model, s *fb.SubGraph) bool { return convOptions(s).MutateFusedActivation(4) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			op, ok := mustImport(t, edited(t, c.edit)).Nodes[1].Op.(qnn.Unsupported)
			if !ok || op.Name != c.op || op.Reason != c.reason {
				t.Errorf("got %#v, want %s: %s", op, c.op, c.reason)
			}
		})
	}
}
