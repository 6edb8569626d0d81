// Package tflite reads and writes the TensorFlow Lite file format: bytes in,
// qnn.Graph out, and back.
//
// A file is foreign and may be hostile. verify walks its raw bytes before the
// generated accessors (package fb, from schema.fbs) touch them, and
// Graph.Validate judges what they deliver; after Import nothing checks again.
// Memory stays within a small multiple of the file's size: the values of
// constant tensors are slices of the file itself, and the shapes of the others
// are only numbers.
//
// What a file may hold but this project does not define - another operator,
// float32 convolution, computed weights - becomes a qnn.Unsupported with its
// reason. Only subgraph 0, the main one, is read.
//
// Source: tensorflow/compiler/mlir/lite/schema/schema.fbs, and the interpreter
// (tensorflow/lite/core/interpreter_builder.cc) for what is to be accepted.
package tflite

//go:generate ./generate.sh

import (
	"fmt"

	"qtune/qnn"
	"qtune/qnn/tflite/fb"
)

// schemaVersion is the only version of the format that is in use.
const schemaVersion = 3

// Import reads a network from the bytes of a file. The graph is valid, and
// shares the memory of file, which must not change afterwards.
func Import(file []byte) (*qnn.Graph, error) {
	if err := verify(file); err != nil {
		return nil, err
	}
	m := fb.GetRootAsModel(file, 0)
	if v := m.Version(); v != schemaVersion {
		return nil, fmt.Errorf("schema version %d, want %d", v, schemaVersion)
	}
	sub := new(fb.SubGraph)
	if m.SubgraphsLength() == 0 || !m.Subgraphs(sub, 0) {
		return nil, fmt.Errorf("the model holds no network (no subgraphs)")
	}
	r := &reader{file: file, model: m, sub: sub, graph: &qnn.Graph{Name: string(sub.Name())}}
	if err := r.tensors(); err != nil {
		return nil, err
	}
	r.graph.Inputs = tensorIDs(sub.InputsLength(), sub.Inputs)
	r.graph.Outputs = tensorIDs(sub.OutputsLength(), sub.Outputs)
	if err := r.nodes(); err != nil {
		return nil, err
	}
	if err := r.graph.Validate(); err != nil {
		return nil, err
	}
	return r.graph, nil
}

// reader carries a verified file into a graph.
type reader struct {
	file  []byte
	model *fb.Model
	sub   *fb.SubGraph
	graph *qnn.Graph
}

// tensorIDs copies a vector of tensor numbers.
func tensorIDs(n int, at func(int) int32) []qnn.TensorID {
	ids := make([]qnn.TensorID, n)
	for i := range ids {
		ids[i] = qnn.TensorID(at(i))
	}
	return ids
}

// nodes reads the operators. The tensors must have been read.
func (r *reader) nodes() error {
	r.graph.Nodes = make([]qnn.Node, r.sub.OperatorsLength())
	for i := range r.graph.Nodes {
		if err := r.node(&r.graph.Nodes[i], i); err != nil {
			return fmt.Errorf("operator %d: %w", i, err)
		}
	}
	return nil
}

func (r *reader) node(n *qnn.Node, i int) error {
	op, code := new(fb.Operator), new(fb.OperatorCode)
	r.sub.Operators(op, i)
	if int64(op.OpcodeIndex()) >= int64(r.model.OperatorCodesLength()) {
		return fmt.Errorf("operator code %d of %d", op.OpcodeIndex(), r.model.OperatorCodesLength())
	}
	r.model.OperatorCodes(code, int(op.OpcodeIndex()))
	*n = qnn.Node{
		Inputs:  tensorIDs(op.InputsLength(), op.Inputs),
		Outputs: tensorIDs(op.OutputsLength(), op.Outputs),
		Index:   i,
	}
	name := operatorName(code)
	known, reason := readOp(max(int32(code.DeprecatedBuiltinCode()), code.BuiltinCode()), string(code.CustomCode()), op)
	n.Op = known
	if reason == nil {
		var wrong error
		if reason, wrong = r.graph.CheckSupport(n); wrong != nil {
			return fmt.Errorf("%s: %w", name, wrong)
		}
	}
	if reason == nil {
		r.inferDynamic(n)
	}
	if reason != nil {
		n.Op = qnn.Unsupported{Name: name, Reason: reason.Error()}
	}
	return nil
}

// inferDynamic gives the results of a custom operator their shapes where the file
// has none: converters leave them out.
func (r *reader) inferDynamic(n *qnn.Node) {
	if _, ok := n.Op.(qnn.DetectionPostProcess); !ok {
		return
	}
	shapes, err := r.graph.InferShapes(n)
	if err != nil {
		return // Validate will tell
	}
	for i, s := range shapes {
		if y := r.graph.Output(n, i); len(y.Shape) == 0 && !y.IsConst() {
			y.Shape = s
		}
	}
}

// operatorName names an operator; custom ones by their quoted name.
func operatorName(code *fb.OperatorCode) string {
	c := max(int32(code.DeprecatedBuiltinCode()), code.BuiltinCode())
	if c != customCode {
		return builtinName(c)
	}
	const limit = 80
	name := code.CustomCode()
	return fmt.Sprintf("CUSTOM %q", name[:min(len(name), limit)])
}
