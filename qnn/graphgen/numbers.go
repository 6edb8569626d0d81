package graphgen

import "qtune/qnn"

// Makers of the operators on numbers that are not quantised: float32 and
// integers around the quantised part of a network.

func number(t *qnn.Tensor) bool { return t.Type == qnn.Float32 || t.Type == qnn.Int32 }

// pairOfNumbers adds an operator of two float32, int32 or int64 operands.
func (b *builder) pairOfNumbers(op qnn.Op) bool {
	x, ok := b.pick(func(t *qnn.Tensor) bool { return number(t) || t.Type == qnn.Int64 })
	if !ok {
		return false
	}
	t := b.g.Tensors[x]
	y, _ := b.pick(func(y *qnn.Tensor) bool { // x, if nothing else
		out, fits := qnn.Broadcast(t.Shape, y.Shape)
		return y.Type == t.Type && fits && out.Elems() <= maxElems
	})
	return b.node(op, qnn.Tensor{Type: t.Type}, x, y)
}

// curveOfNumbers adds an operator from float32 to float32.
func (b *builder) curveOfNumbers() bool {
	x, ok := b.pick(func(t *qnn.Tensor) bool { return t.Type == qnn.Float32 && len(t.Shape) > 0 })
	ops := []qnn.Op{
		qnn.Clamp{Activation: qnn.Relu}, qnn.Clamp{Activation: qnn.Relu6}, qnn.Clamp{Activation: qnn.ReluN1To1},
		qnn.Logistic{}, qnn.Tanh{}, qnn.HardSwish{}, qnn.LeakyRelu{Alpha: b.Float32()}, qnn.Softmax{Beta: 1},
	}
	return ok && b.node(ops[b.IntN(len(ops))], qnn.Tensor{Type: qnn.Float32}, x)
}

// glue surrounds the quantised part with numbers: a scaling in float32 before
// QUANTIZE, as networks normalise their input.
func (b *builder) glue() bool {
	x, ok := b.pick(any8)
	if !ok || !b.node(qnn.Dequantize{}, qnn.Tensor{Type: qnn.Float32}, x) {
		return false
	}
	op := []qnn.Op{qnn.Add{}, qnn.Sub{}, qnn.Mul{Activation: b.activationFunction()}, qnn.Maximum{}, qnn.Minimum{}}[b.IntN(5)]
	if !b.oneIn(3) && !b.pairOfNumbers(op) || !b.oneIn(3) && !b.curveOfNumbers() {
		return false
	}
	y := b.last()
	if b.g.Tensors[y].Type != qnn.Float32 {
		return true
	}
	t := b.eightBit()
	return b.node(qnn.Quantize{}, b.result(t, b.magnitude(x)), y)
}
