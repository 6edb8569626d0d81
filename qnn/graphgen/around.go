package graphgen

import "qtune/qnn"

// Makers of the operators on numbers; where there are none, they make some.

func isFloat(t *qnn.Tensor) bool { return t.Type == qnn.Float32 }

func function(f qnn.Function) func(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	return func(b *builder) (qnn.Node, []qnn.Tensor, bool) {
		x, ok := b.one(isFloat)
		if !ok {
			return dequantize(b)
		}
		return single(qnn.Unary{Function: f}, qnn.Tensor{Type: qnn.Float32}, x)
	}
}

// twoFloats draws operands that broadcast.
func (b *builder) twoFloats() (x, y qnn.TensorID, ok bool) {
	if x, ok = b.one(isFloat); !ok {
		return 0, 0, false
	}
	y, ok = b.one(func(t *qnn.Tensor) bool {
		_, fits := qnn.Broadcast(t.Shape, b.g.Tensors[x].Shape)
		return isFloat(t) && fits
	})
	return x, y, ok
}

func floatPair(op qnn.Op, result qnn.DType) func(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	return func(b *builder) (qnn.Node, []qnn.Tensor, bool) {
		x, y, ok := b.twoFloats()
		if !ok {
			return dequantize(b)
		}
		return single(op, qnn.Tensor{Type: result}, x, y)
	}
}

// choose is SELECT or SELECT_V2 between two tensors of any one type and shape,
// by a condition of their shape or a constant one.
func choose(op qnn.Op) func(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	return func(b *builder) (qnn.Node, []qnn.Tensor, bool) {
		x, ok := b.one(func(t *qnn.Tensor) bool { return t.Type != qnn.Bool })
		if !ok {
			return none()
		}
		tx := b.g.Tensors[x]
		y, _ := b.one(func(t *qnn.Tensor) bool { return t.Type == tx.Type && t.Shape.Equal(tx.Shape) })
		c, ok := b.one(func(t *qnn.Tensor) bool { return t.Type == qnn.Bool && t.Shape.Equal(tx.Shape) })
		if !ok {
			c = b.tensor(qnn.Tensor{Type: qnn.Bool, Shape: tx.Shape, Data: b.values(tx.Shape.Elems(), 0, 1)})
		}
		return single(op, b.like(x), c, x, y)
	}
}

func topK(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.one(func(t *qnn.Tensor) bool { return len(t.Shape) > 0 && (isBytes(t) || isFloat(t)) })
	if !ok {
		return none()
	}
	s := b.g.Tensors[x].Shape
	k := b.ints(qnn.Shape{}, 1+b.draw(s[len(s)-1]))
	return qnn.Node{Op: qnn.TopK{}, Inputs: []qnn.TensorID{x, k}}, []qnn.Tensor{b.like(x), {Type: qnn.Int32}}, true
}
