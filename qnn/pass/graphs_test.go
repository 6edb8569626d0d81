package pass_test

import "qtune/qnn"

func int8Tensor(name string, shape qnn.Shape, zero int32, data ...byte) qnn.Tensor {
	return qnn.Tensor{
		Name: name, Type: qnn.Int8, Shape: shape,
		Quant: qnn.Quant{Scale: []float32{0.5}, Zero: []int32{zero}},
		Data:  data,
	}
}

func node(index int, op qnn.Op, out qnn.TensorID, in ...qnn.TensorID) qnn.Node {
	return qnn.Node{Op: op, Index: index, Inputs: in, Outputs: []qnn.TensorID{out}}
}

// constOperands has a constant that is both the weights of a layer and an
// operand of two others, and the values -128, 0 and 127.
func constOperands() *qnn.Graph {
	return &qnn.Graph{
		Name: "const",
		Tensors: []qnn.Tensor{
			int8Tensor("x", qnn.Shape{1, 4}, -3),
			int8Tensor("w", qnn.Shape{2, 4}, 0, 0x80, 0xff, 0, 1, 2, 0x7f, 9, 0xc0),
			int8Tensor("dense", qnn.Shape{1, 2}, 5),
			int8Tensor("wide", qnn.Shape{1, 4}, 7),
			int8Tensor("sum", qnn.Shape{2, 4}, -1),
			int8Tensor("both", qnn.Shape{4, 4}, -1),
		},
		Nodes: []qnn.Node{
			node(0, qnn.Dense{}, 2, 0, 1, qnn.NoTensor),
			node(1, qnn.Concat{Axis: 1}, 3, 2, 2),
			node(2, qnn.Add{Activation: qnn.Relu}, 4, 3, 1),
			node(3, qnn.Concat{Axis: 0}, 5, 4, 1),
		},
		Inputs:  []qnn.TensorID{0},
		Outputs: []qnn.TensorID{5, 2},
	}
}

// withUnsupported has int8 tensors on both sides of an unknown operator.
func withUnsupported() *qnn.Graph {
	return &qnn.Graph{
		Name: "unsupported",
		Tensors: []qnn.Tensor{
			int8Tensor("x", qnn.Shape{1, 4}, -3),
			int8Tensor("a", qnn.Shape{1, 4}, 0),
			int8Tensor("b", qnn.Shape{1, 4}, 0),
			int8Tensor("y", qnn.Shape{1, 4}, 5),
		},
		Nodes: []qnn.Node{
			node(0, qnn.Quantize{}, 1, 0),
			node(1, qnn.Unsupported{Name: `CUSTOM "mystery"`, Reason: "custom operators are not supported"}, 2, 1),
			node(2, qnn.Add{}, 3, 2, 1),
		},
		Inputs:  []qnn.TensorID{0},
		Outputs: []qnn.TensorID{3},
	}
}

// withDeadNodes has a chain of two nodes that nothing uses.
func withDeadNodes() *qnn.Graph {
	t := func(name string) qnn.Tensor { return int8Tensor(name, qnn.Shape{1, 4}, 0) }
	return &qnn.Graph{
		Name:    "dead",
		Tensors: []qnn.Tensor{t("x"), t("used"), t("unused"), t("end"), t("y")},
		Nodes: []qnn.Node{
			node(0, qnn.Quantize{}, 1, 0),
			node(1, qnn.Quantize{}, 2, 1),
			node(2, qnn.Quantize{}, 3, 2),
			node(3, qnn.Quantize{}, 4, 1),
		},
		Inputs:  []qnn.TensorID{0},
		Outputs: []qnn.TensorID{4},
	}
}
