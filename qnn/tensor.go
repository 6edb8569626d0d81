package qnn

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Bytes returns the size of the tensor's value. It saturates at math.MaxInt;
// it is 0 where the element type does not determine it.
func (t *Tensor) Bytes() int {
	n := t.Shape.Elems()
	if t.Type == Int4 {
		return n/2 + n%2
	}
	size := t.Type.Size()
	if size > 0 && n > math.MaxInt/size {
		return math.MaxInt
	}
	return n * size
}

// ConstInts returns the elements of a constant int32 or int64 tensor, such as
// the axes of MEAN.
func (t *Tensor) ConstInts() ([]int, error) {
	if !t.IsConst() {
		return nil, fmt.Errorf("%s is not constant", t)
	}
	var out []int
	switch t.Type {
	case Int32:
		for b := t.Data; len(b) >= 4; b = b[4:] {
			out = append(out, int(int32(binary.LittleEndian.Uint32(b))))
		}
	case Int64:
		for b := t.Data; len(b) >= 8; b = b[8:] {
			out = append(out, int(int64(binary.LittleEndian.Uint64(b))))
		}
	default:
		return nil, fmt.Errorf("%s has type %s, want int32 or int64", t, t.Type)
	}
	return out, nil
}

// String names the tensor in messages.
func (t *Tensor) String() string { return fmt.Sprintf("tensor %s", quoteShort(t.Name)) }

// quoteShort quotes a name from a file, so that a message stays one short line.
func quoteShort(s string) string {
	const limit = 80
	if len(s) > limit {
		s = s[:limit] + "..."
	}
	return fmt.Sprintf("%q", s)
}

// Label names a node in messages, such as `node 3 CONV_2D (tensor "conv1")`:
// its number in the source file, operator and first output.
func (g *Graph) Label(n *Node) string {
	s := fmt.Sprintf("node %d %s", n.Index, n.Op.OpName())
	if len(n.Outputs) > 0 && g.has(n.Outputs[0]) {
		s += fmt.Sprintf(" (%s)", g.Output(n, 0))
	}
	return s
}

// has tells whether id is the index of a tensor.
func (g *Graph) has(id TensorID) bool { return id >= 0 && int(id) < len(g.Tensors) }

// Clone returns a copy that shares with g only what passes must not change:
// tensor data, shapes, quantisations, operators and Residuals.
func (g *Graph) Clone() *Graph {
	c := *g
	c.Tensors = slices.Clone(g.Tensors)
	c.Nodes = slices.Clone(g.Nodes)
	for i := range c.Nodes {
		n := &c.Nodes[i]
		n.Inputs = slices.Clone(n.Inputs)
		n.Outputs = slices.Clone(n.Outputs)
	}
	c.Inputs = slices.Clone(g.Inputs)
	c.Outputs = slices.Clone(g.Outputs)
	return &c
}
