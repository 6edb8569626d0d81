package main

import (
	"encoding/binary"
	"math"
	"slices"

	"qtune/qnn"
)

// corners are cases of what ref once had wrong.
func corners() []*oneCase {
	ramp := make([]byte, 60)
	for i := range ramp {
		ramp[i] = byte(i * 37)
	}
	tensor := func(t qnn.DType, s qnn.Shape, scale float32, zero int32) qnn.Tensor {
		return qnn.Tensor{Type: t, Shape: s, Quant: qnn.Quant{Scale: []float32{scale}, Zero: []int32{zero}}}
	}
	axes := qnn.Tensor{Name: "axes", Type: qnn.Int32, Shape: qnn.Shape{2}, Data: []byte{1, 0, 0, 0, 2, 0, 0, 0}}
	var zeros []byte
	for _, v := range []float64{math.Copysign(0, -1), 0, -1, 1, -1e-45, 7} {
		zeros = binary.LittleEndian.AppendUint32(zeros, math.Float32bits(float32(v)))
	}
	float := qnn.Tensor{Type: qnn.Float32, Shape: qnn.Shape{6}}
	divisor := tensor(qnn.Uint8, qnn.Shape{60}, 0.9, 17)
	divisor.Name, divisor.Data = "divisor", slices.Repeat([]byte{17}, 60)
	return []*oneCase{
		corner("softmax_u8_zero", qnn.Softmax{Beta: 1}, ramp,
			tensor(qnn.Uint8, qnn.Shape{5, 12}, 0.01, 3), tensor(qnn.Uint8, qnn.Shape{5, 12}, 1.0/300, 100)),
		corner("mean_u8_fine", qnn.Mean{KeepDims: true}, ramp,
			tensor(qnn.Uint8, qnn.Shape{1, 4, 5, 3}, 0.03, 112), tensor(qnn.Uint8, qnn.Shape{1, 1, 1, 3}, 0.00002, 7), axes),
		corner("div_u8_by_zero", qnn.Div{}, ramp,
			tensor(qnn.Uint8, qnn.Shape{60}, 0.05, 100), tensor(qnn.Uint8, qnn.Shape{60}, 0.004, 90), divisor),
		corner("relu_f32_negative_zero", qnn.Clamp{Activation: qnn.Relu}, zeros, float, float),
		corner("relu6_f32_negative_zero", qnn.Clamp{Activation: qnn.Relu6}, zeros, float, float),
		corner("relu_n1_to_1_f32_negative_zero", qnn.Clamp{Activation: qnn.ReluN1To1}, zeros, float, float),
	}
}

// corner is a network of op from x and constants to y.
func corner(name string, op qnn.Op, input []byte, x, y qnn.Tensor, constants ...qnn.Tensor) *oneCase {
	x.Name, y.Name = "x", "y"
	g := &qnn.Graph{Name: "main", Tensors: append([]qnn.Tensor{x, y}, constants...), Inputs: []qnn.TensorID{0}, Outputs: []qnn.TensorID{1}}
	n := qnn.Node{Op: op, Inputs: []qnn.TensorID{0}, Outputs: []qnn.TensorID{1}}
	for i := range constants {
		n.Inputs = append(n.Inputs, qnn.TensorID(2+i))
	}
	g.Nodes = []qnn.Node{n}
	return &oneCase{name, g, [][]byte{input}}
}
