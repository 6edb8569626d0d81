package onnx

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Marshal returns the file of m. A file may have 2 GiB at most: the format's
// limit.
func (m *Model) Marshal() ([]byte, error) {
	graph, err := m.graph()
	if err != nil {
		return nil, fmt.Errorf("onnx: %s: %w", m.Name, err)
	}
	var b message
	b.integer(1, irVersion)
	b.text(2, "qtune")
	b.bytes(7, graph)
	b.bytes(8, operatorSet("", opset))
	b.bytes(8, operatorSet(Microsoft, opsetOfMicrosoft))
	const limit = 1<<31 - 1
	if len(b) > limit {
		return nil, fmt.Errorf("onnx: %s: %d bytes, a file has %d at most", m.Name, len(b), limit)
	}
	return b, nil
}

// graph is GraphProto.
func (m *Model) graph() (message, error) {
	var b message
	for i := range m.Nodes {
		n, err := m.Nodes[i].encode()
		if err != nil {
			return nil, err
		}
		b.bytes(1, n)
	}
	b.text(2, m.Name)
	for i := range m.Initializers {
		b.bytes(5, m.Initializers[i].encode())
	}
	for _, v := range m.Inputs {
		b.bytes(11, v.encode())
	}
	for _, v := range m.Outputs {
		b.bytes(12, v.encode())
	}
	return b, nil
}

// encode is NodeProto.
func (n *Node) encode() (message, error) {
	var b message
	for _, name := range n.Inputs {
		b.text(1, name)
	}
	for _, name := range n.Outputs {
		b.text(2, name)
	}
	b.text(3, n.Name)
	b.text(4, n.Op)
	for _, a := range n.Attributes {
		attribute, err := a.encode()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n.Name, err)
		}
		b.bytes(5, attribute)
	}
	b.text(7, n.Domain)
	return b, nil
}

// encode is AttributeProto. Its field 20 repeats which kind of value it has.
func (a Attribute) encode() (message, error) {
	const typeFloat, typeInt, typeInts = 1, 2, 7
	var b message
	b.text(1, a.Name)
	switch v := a.Value.(type) {
	case float32:
		b.float(2, v)
		b.integer(20, typeFloat)
	case int64:
		b.integer(3, v)
		b.integer(20, typeInt)
	case []int64:
		for _, x := range v { // proto3 would pack them; readers take both
			b.integer(8, x)
		}
		b.integer(20, typeInts)
	default:
		return nil, fmt.Errorf("attribute %s has a value of type %T", a.Name, v)
	}
	return b, nil
}

// encode is TensorProto with raw_data.
func (t *Tensor) encode() message {
	var b message
	for _, d := range t.Shape {
		b.integer(1, int64(d))
	}
	b.integer(2, int64(t.Type))
	b.text(8, t.Name)
	b.bytes(9, t.Data)
	return b
}

// encode is ValueInfoProto of TypeProto.Tensor of TensorShapeProto.
func (v Value) encode() message {
	var shape, tensor, typ, b message
	for _, d := range v.Shape {
		var dimension message
		dimension.integer(1, int64(d))
		shape.bytes(1, dimension)
	}
	tensor.integer(1, int64(v.Type))
	tensor.bytes(2, shape)
	typ.bytes(1, tensor)
	b.text(1, v.Name)
	b.bytes(2, typ)
	return b
}

// operatorSet is OperatorSetIdProto.
func operatorSet(domain string, version int64) message {
	var b message
	b.text(1, domain)
	b.integer(2, version)
	return b
}

// A message is an encoded protobuf message, to which fields are appended.
type message []byte

func (m *message) integer(field protowire.Number, v int64) {
	*m = protowire.AppendTag(*m, field, protowire.VarintType)
	*m = protowire.AppendVarint(*m, uint64(v))
}

func (m *message) float(field protowire.Number, v float32) {
	*m = protowire.AppendTag(*m, field, protowire.Fixed32Type)
	*m = protowire.AppendFixed32(*m, math.Float32bits(v))
}

func (m *message) bytes(field protowire.Number, v []byte) {
	*m = protowire.AppendTag(*m, field, protowire.BytesType)
	*m = protowire.AppendBytes(*m, v)
}

func (m *message) text(field protowire.Number, v string) {
	*m = protowire.AppendTag(*m, field, protowire.BytesType)
	*m = protowire.AppendString(*m, v)
}
