package qnn

import (
	"strings"
	"testing"
)

// TestJoining: what the operators that join quantised parts of a network refuse.
// An empty error means that they do not.
func TestJoining(t *testing.T) {
	tensor := func(d DType, s ...int) Tensor {
		x := Tensor{Name: "t", Type: d, Shape: s}
		if d.Is8Bit() {
			x.Quant = quantOf(0.5, 3)
		}
		return x
	}
	channels := func(axis int, scales ...float32) Tensor {
		x := tensor(Int8, 2, 3)
		x.Quant = Quant{Scale: scales, Zero: make([]int32, len(scales)), Axis: axis}
		return x
	}
	for _, c := range []struct {
		name   string
		op     Op
		output Tensor
		inputs []Tensor
		want   string
	}{
		{"elu", Elu{}, tensor(Int8, 2), []Tensor{tensor(Int8, 2)}, ""},
		{"elu, float32", Elu{}, tensor(Float32, 2), []Tensor{tensor(Float32, 2)}, ""},
		{"elu, uint8", Elu{}, tensor(Uint8, 2), []Tensor{tensor(Uint8, 2)}, "uint8 activations"},
		{"floor_div", FloorDiv{}, tensor(Int32, 2), []Tensor{tensor(Int32, 2), tensor(Int32, 1)}, ""},
		{"floor_div, uint8", FloorDiv{}, tensor(Uint8, 2), []Tensor{tensor(Uint8, 2), tensor(Uint8, 2)}, "uint8 activations"},
		{"floor_mod, mixed", FloorMod{}, tensor(Int32, 2), []Tensor{tensor(Int32, 2), tensor(Float32, 2)}, "from float32 to int32"},
		{"dequantize, channels", Dequantize{}, tensor(Float32, 2, 3), []Tensor{channels(1, 1, 2, 3)}, ""},
		{"dequantize, axis", Dequantize{}, tensor(Float32, 2, 3), []Tensor{channels(7, 1, 2, 3)}, "3 scales along dimension 7 of 2x3"},
		{"dequantize, negative axis", Dequantize{}, tensor(Float32, 2, 3), []Tensor{channels(-1, 1, 2, 3)}, "3 scales along dimension -1 of 2x3"},
		{"dequantize, count", Dequantize{}, tensor(Float32, 2, 3), []Tensor{channels(0, 1, 2, 3)}, "3 scales along dimension 0 of 2x3"},
		{"dequantize, none", Dequantize{}, tensor(Float32, 2, 3), []Tensor{channels(0)}, "has 0 scales, want 1"},
	} {
		y := TensorID(len(c.inputs))
		n := Node{Op: c.op, Inputs: []TensorID{0, 1}[:y], Outputs: []TensorID{y}}
		g := &Graph{Name: "one", Tensors: append(c.inputs, c.output), Nodes: []Node{n}, Inputs: n.Inputs, Outputs: n.Outputs}
		err := g.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}
