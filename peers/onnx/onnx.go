// Package onnx writes networks as ONNX files: a Model goes in, the bytes of a
// ModelProto come out. It knows the format only, not what operators mean; and of
// the format only what networks with constant weights and one graph need. The
// field numbers are those of onnx.proto3 of the ONNX project, IR version 8.
package onnx

// A Type is the type of a tensor's elements: TensorProto.DataType.
type Type int32

// The element types that quantised networks have.
const (
	Float32 Type = 1
	Uint8   Type = 2
	Int8    Type = 3
	Int32   Type = 6
	Int64   Type = 7
)

// Microsoft is the domain of ONNX Runtime's own operators, such as QLinearAdd.
const Microsoft = "com.microsoft"

// Versions that the files ask for.
const (
	irVersion        = 8
	opset            = 17 // of ONNX's operators
	opsetOfMicrosoft = 1
)

// A Model is a network. Nodes are in an order in which they can be executed;
// values are known by their names.
type Model struct {
	Name         string
	Nodes        []Node
	Initializers []Tensor
	Inputs       []Value
	Outputs      []Value
}

// A Node is an operator of a domain, by default ONNX's. An input that is absent
// is the empty name.
type Node struct {
	Name            string
	Op, Domain      string
	Inputs, Outputs []string
	Attributes      []Attribute
}

// An Attribute is an option of an operator. Its Value is an int64, a float32 or
// an []int64.
type Attribute struct {
	Name  string
	Value any
}

// A Value is the name and type of an input or output.
type Value struct {
	Name  string
	Type  Type
	Shape []int
}

// A Tensor is a constant: Data is little-endian and row-major.
type Tensor struct {
	Name  string
	Type  Type
	Shape []int
	Data  []byte
}
