package qnn

import (
	"errors"
	"fmt"
	"math"
)

// MaxTensorBytes bounds the size of a tensor, and so every dimension.
const MaxTensorBytes = math.MaxInt32

// maxRank bounds the number of dimensions.
const maxRank = 8

// ErrNotQuantised is the error of CheckQuantised.
var ErrNotQuantised = errors.New("not a quantised network: its convolution and dense operators compute on float32; convert it with full integer quantisation")

// CheckQuantised returns ErrNotQuantised for a network that has convolution,
// depthwise or dense operators, but none over 8-bit activations.
func (g *Graph) CheckQuantised() error {
	float := false
	for i := range g.Nodes {
		n := &g.Nodes[i]
		switch op := n.Op.(type) {
		case Conv2D, Depthwise, Dense:
			return nil
		case Unsupported:
			switch op.Name {
			case Conv2D{}.OpName(), Depthwise{}.OpName(), Dense{}.OpName():
				x := g.Input(n, 0)
				float = float || x != nil && x.Type == Float32
			}
		}
	}
	if float {
		return ErrNotQuantised
	}
	return nil
}

// Validate checks everything that the other packages rely on: that every
// tensor is well formed and made exactly once before it is used, and that each
// node's operands have the types, quantisation and shapes of its operator.
// Of an Unsupported node it checks the operands' existence and order only.
func (g *Graph) Validate() error {
	for i := range g.Tensors {
		if err := g.Tensors[i].validate(); err != nil {
			return fmt.Errorf("tensor %d %s: %w", i, quoteShort(g.Tensors[i].Name), err)
		}
	}
	made, err := g.validateInputs()
	if err != nil {
		return err
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Op == nil {
			return fmt.Errorf("node %d has no operator", n.Index)
		}
		if err := g.validateNode(n, made); err != nil {
			return fmt.Errorf("%s: %w", g.Label(n), err)
		}
	}
	for i, id := range g.Outputs {
		if !g.has(id) || !made[id] && !g.Tensors[id].IsConst() {
			return fmt.Errorf("output %d of the network is tensor %d, which nothing makes", i, id)
		}
	}
	return nil
}

func (t *Tensor) validate() error {
	if len(t.Shape) > maxRank {
		return fmt.Errorf("%d dimensions, at most %d are supported", len(t.Shape), maxRank)
	}
	for i, d := range t.Shape {
		if d < 0 || d > MaxTensorBytes {
			return fmt.Errorf("dimension %d is %d (dynamic shapes are not supported)", i, d)
		}
	}
	if t.Bytes() > MaxTensorBytes || t.Shape.Elems() > MaxTensorBytes {
		return fmt.Errorf("a %s %s is too large", t.Shape, t.Type)
	}
	if len(t.Quant.Scale) != len(t.Quant.Zero) {
		return fmt.Errorf("%d scales but %d zero points", len(t.Quant.Scale), len(t.Quant.Zero))
	}
	if t.IsConst() && t.sized() && len(t.Data) != t.Bytes() {
		return fmt.Errorf("%d bytes of data for a %s %s", len(t.Data), t.Shape, t.Type)
	}
	return nil
}

// sized tells whether the shape determines the length of the data.
func (t *Tensor) sized() bool { return t.Type.Size() > 0 || t.Type == Int4 }

// validateInputs checks the inputs of the network and returns what is made.
func (g *Graph) validateInputs() ([]bool, error) {
	made := make([]bool, len(g.Tensors))
	for i, id := range g.Inputs {
		switch {
		case !g.has(id):
			return nil, fmt.Errorf("input %d of the network is tensor %d of %d", i, id, len(g.Tensors))
		case g.Tensors[id].IsConst():
			return nil, fmt.Errorf("input %d of the network is the constant tensor %d", i, id)
		case made[id]:
			return nil, fmt.Errorf("tensor %d is two inputs of the network", id)
		}
		made[id] = true
	}
	return made, nil
}

// validateNode checks n, given which tensors earlier nodes made, and marks its
// outputs as made.
func (g *Graph) validateNode(n *Node, made []bool) error {
	if err := g.checkOperands(n); err != nil {
		return err
	}
	for i, id := range n.Inputs {
		if id != NoTensor && !made[id] && !g.Tensors[id].IsConst() {
			return fmt.Errorf("input %d is tensor %d %s, which no earlier node makes", i, id, quoteShort(g.Tensors[id].Name))
		}
	}
	for _, id := range n.Outputs {
		if made[id] || g.Tensors[id].IsConst() {
			return fmt.Errorf("writes tensor %d %s, which has a value already", id, quoteShort(g.Tensors[id].Name))
		}
		made[id] = true
	}
	if _, ok := n.Op.(Unsupported); ok {
		return nil
	}
	if err := g.supports(n); err != nil {
		return fmt.Errorf("not supported: %w", err)
	}
	if err := g.validateShapes(n); err != nil {
		return err
	}
	d, _ := definitionOf(n.Op)
	return d.numbers.check(g, n)
}

func (g *Graph) validateShapes(n *Node) error {
	for _, t := range append(g.inputs(n), g.outputs(n)...) {
		for _, d := range t.Shape {
			if d < 1 {
				return fmt.Errorf("%s has the empty shape %s", t, t.Shape)
			}
		}
	}
	want, err := g.InferShapes(n)
	if err != nil {
		return err
	}
	for i, y := range g.outputs(n) {
		if !y.Shape.Equal(want[i]) {
			return fmt.Errorf("%s is declared %s, but computes to %s", outputLabel(n, i), y.Shape, want[i])
		}
	}
	return nil
}

func outputLabel(n *Node, i int) string {
	if len(n.Outputs) == 1 {
		return "the output"
	}
	return fmt.Sprintf("output %d", i)
}
