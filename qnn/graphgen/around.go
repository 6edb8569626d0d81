package graphgen

import "qtune/qnn"

// Makers of the operators on numbers; where there are none, they make some.

func isFloat(t *qnn.Tensor) bool { return t.Type == qnn.Float32 }

func (b *builder) function(f qnn.Function) bool {
	x, ok := b.pick(isFloat)
	if !ok {
		return b.dequantize()
	}
	return b.node(qnn.Unary{Function: f}, qnn.Tensor{Type: qnn.Float32}, x)
}

// pairOfFloats adds an operator of two float32 operands that broadcast, with a
// result of type t.
func (b *builder) pairOfFloats(op qnn.Op, t qnn.DType) bool {
	x, ok := b.pick(isFloat)
	if !ok {
		return b.dequantize()
	}
	y, _ := b.pick(func(y *qnn.Tensor) bool { // x, if nothing else
		out, fits := qnn.Broadcast(b.shape(x), y.Shape)
		return isFloat(y) && fits && out.Elems() <= maxElems
	})
	return b.node(op, qnn.Tensor{Type: t}, x, y)
}

// compare compares tensors of float32, of 8 bits or, where it is EQUAL or
// NOT_EQUAL, of bool.
func (b *builder) compare(r qnn.Relation) bool {
	y := qnn.Tensor{Type: qnn.Bool}
	if r == qnn.Equal || r == qnn.NotEqual {
		if x, ok := b.pick(func(t *qnn.Tensor) bool { return t.Type == qnn.Bool }); ok && b.oneIn(2) {
			other, _ := b.pick(func(t *qnn.Tensor) bool { return t.Type == qnn.Bool && t.Shape.Equal(b.shape(x)) })
			return b.node(qnn.Compare{Relation: r}, y, x, other)
		}
	}
	comparable := func(t *qnn.Tensor) bool {
		return any8(t) && qnn.CompareMultiplier(t.Quant.Scale[0]).Exp <= 0
	}
	x, ok := b.pick(comparable)
	if !ok || b.oneIn(2) {
		return b.pairOfFloats(qnn.Compare{Relation: r}, qnn.Bool)
	}
	other := b.other(x)
	return comparable(&b.g.Tensors[other]) && b.node(qnn.Compare{Relation: r}, y, x, other)
}

// choose is SELECT or SELECT_V2 between two tensors of any one type and shape,
// by a condition of their shape or a constant one.
func (b *builder) choose(op qnn.Op) bool {
	x, ok := b.pick(func(t *qnn.Tensor) bool { return t.Type != qnn.Bool })
	if !ok {
		return false
	}
	t := b.g.Tensors[x]
	y, _ := b.pick(func(y *qnn.Tensor) bool { return y.Type == t.Type && y.Shape.Equal(t.Shape) }) // x, if nothing else
	c, ok := b.pick(func(c *qnn.Tensor) bool { return c.Type == qnn.Bool && c.Shape.Equal(t.Shape) })
	if !ok {
		bits := make([]byte, t.Shape.Elems())
		for i := range bits {
			bits[i] = byte(b.IntN(2))
		}
		c = b.tensor(qnn.Tensor{Type: qnn.Bool, Shape: t.Shape, Data: bits})
	}
	return b.node(op, b.like(x), c, x, y)
}

func (b *builder) topK() bool {
	x, ok := b.pick(func(t *qnn.Tensor) bool { return len(t.Shape) > 0 && (t.Type.Is8Bit() || isFloat(t)) })
	if !ok {
		return false
	}
	s := b.shape(x)
	k := b.intsOf(qnn.Shape{}, []int{b.between(1, s[len(s)-1])})
	return b.nodeOf(qnn.TopK{}, []qnn.Tensor{b.like(x), {Type: qnn.Int32}}, x, k)
}

// elu is defined for int8 only.
func (b *builder) elu() bool {
	x, ok := b.pick(func(t *qnn.Tensor) bool { return t.Type == qnn.Int8 })
	return ok && b.node(qnn.Elu{}, b.near(x), x)
}
