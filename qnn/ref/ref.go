// Package ref interprets a network: slowly, obviously and exactly. It is the
// oracle of all tests, and computes what has no generated kernel.
//
// In goes a valid qnn.Graph (see Graph.Validate) and the bytes of its inputs;
// out come the bytes of every tensor. They equal, byte for byte, what the
// builtin kernels of TensorFlow Lite's interpreter give, also for a legalised
// graph (after adding 128). Nothing is checked twice: a graph that is not valid
// may panic.
//
// Convolution, depthwise and dense nodes go through qnn.ResolveLayer and Layer,
// which work on bytes. The other operators decode their operands into int32
// values as TensorFlow Lite sees them, so that those of a node that was
// legalised are again in [-128, 127]; see operand. Arithmetic in float32 rounds
// after every operation: each is wrapped in an explicit conversion, which keeps
// the compiler from fusing it with the next.
//
// Source: tensorflow/lite/kernels/internal/reference and .../optimized, as
// established against the interpreter by the golden files in testdata.
package ref

import (
	"fmt"

	"qtune/qnn"
)

// Values holds the bytes of tensors, little-endian and row-major, by TensorID.
// Constants have theirs in the graph and are nil here.
type Values [][]byte

// Of returns the bytes of tensor id of g, constant or computed.
func (v Values) Of(g *qnn.Graph, id qnn.TensorID) []byte {
	if t := &g.Tensors[id]; t.IsConst() {
		return t.Data
	}
	return v[id]
}

// Outputs returns the bytes of the network's outputs.
func (v Values) Outputs(g *qnn.Graph) [][]byte {
	out := make([][]byte, len(g.Outputs))
	for i, id := range g.Outputs {
		out[i] = v.Of(g, id)
	}
	return out
}

// Run computes every tensor of g from the bytes of its inputs. Where it meets
// a node that it cannot compute it returns, beside the error, what came before.
func Run(g *qnn.Graph, inputs [][]byte) (Values, error) {
	if len(inputs) != len(g.Inputs) {
		return nil, fmt.Errorf("%d inputs, the network has %d", len(inputs), len(g.Inputs))
	}
	vals := make(Values, len(g.Tensors))
	for i, id := range g.Inputs {
		if t := &g.Tensors[id]; len(inputs[i]) != t.Bytes() {
			return nil, fmt.Errorf("input %d has %d bytes, a %s %s has %d", i, len(inputs[i]), t.Shape, t.Type, t.Bytes())
		}
		vals[id] = inputs[i]
	}
	for i := range g.Nodes {
		if err := Node(g, &g.Nodes[i], vals); err != nil {
			return vals, err
		}
	}
	return vals, nil
}

// Node computes one node. It reads the values of its inputs from vals, and
// writes its outputs into the slices that vals holds for them, of the tensors'
// size, or into a new one where that is nil.
func Node(g *qnn.Graph, n *qnn.Node, vals Values) error {
	if op, ok := n.Op.(qnn.Unsupported); ok {
		return fmt.Errorf("%s: %s", g.Label(n), op.Reason)
	}
	for _, id := range n.Outputs {
		if vals[id] == nil {
			vals[id] = make([]byte, g.Tensors[id].Bytes())
		}
	}
	if done, err := array(g, n, vals); done {
		return err
	}
	if done, err := around(g, n, vals); done {
		return err
	}
	out := vals[n.Outputs[0]]
	switch op := n.Op.(type) {
	case qnn.Conv2D, qnn.Depthwise, qnn.Dense:
		l, err := qnn.ResolveLayer(g, n)
		if err != nil {
			return err
		}
		if n.Residual != nil {
			residual(g, n, l, vals, out)
			return nil
		}
		Layer(l, vals.Of(g, n.Inputs[0]), out)
	case qnn.TransposeConv:
		l, err := qnn.ResolveTransposeConv(g, n)
		if err != nil {
			return err
		}
		transposeConv(l, vals.Of(g, n.Inputs[2]), out)
	case qnn.Dequantize:
		switch x := g.Input(n, 0); {
		case x.Type == qnn.Float16:
			widenHalf(vals.Of(g, n.Inputs[0]), out)
			return nil
		case x.Quant.PerChannel():
			dequantizeChannels(x, vals.Of(g, n.Inputs[0]), out)
			return nil
		}
		dequantize(newOperand(g, n, vals, 0), out)
	case qnn.Quantize:
		quantize(g, n, vals, out)
	case qnn.ArgMax:
		return argBest(g, n, vals, out, true)
	case qnn.ArgMin:
		return argBest(g, n, vals, out, false)
	default:
		if !g.Output(n, 0).Type.Is8Bit() {
			return numbers(g, n, vals, out)
		}
		return operator(g, n, op, vals, out)
	}
	return nil
}

// operator computes the operators from 8-bit values to 8-bit values.
func operator(g *qnn.Graph, n *qnn.Node, op qnn.Op, vals Values, out []byte) error {
	y := newResult(g, n, out)
	switch op := op.(type) {
	case qnn.Add:
		add(newOperand(g, n, vals, 0), newOperand(g, n, vals, 1), y, op.Activation)
	case qnn.AveragePool:
		averagePool(newOperand(g, n, vals, 0), y, op.Pool)
	case qnn.MaxPool:
		maxPool(newOperand(g, n, vals, 0), y, op.Pool)
	case qnn.Softmax:
		softmax(newOperand(g, n, vals, 0), y, qnn.SoftmaxZero(n, y.tensor)-y.shift, op.Beta)
	case qnn.Pad:
		before, err := g.Paddings(n)
		if err != nil {
			return err
		}
		pad(newOperand(g, n, vals, 0), y, before, y.zero)
	case qnn.PadValue:
		before, err := g.Paddings(n)
		if err != nil {
			return err
		}
		pad(newOperand(g, n, vals, 0), y, before, newOperand(g, n, vals, 2).v[0])
	case qnn.Reduce:
		reduced, err := g.ReducedAxes(n)
		if err != nil {
			return err
		}
		reduceOp(newOperand(g, n, vals, 0), y, reduced, op.Kind)
	case qnn.Mean:
		reduced, err := g.ReducedAxes(n)
		if err != nil {
			return err
		}
		mean(newOperand(g, n, vals, 0), y, reduced, g.MeanOverHW(n))
	case qnn.Concat:
		concat(g, n, vals, y, op.Axis)
	default:
		return elementwise(g, n, vals, y)
	}
	return nil
}

// elementwise computes the operators that treat each element, or row, alike.
func elementwise(g *qnn.Graph, n *qnn.Node, vals Values, y result) error {
	x := newOperand(g, n, vals, 0)
	switch op := n.Op.(type) {
	case qnn.Sub:
		sub(x, newOperand(g, n, vals, 1), y, op.Activation)
	case qnn.Mul:
		mul(x, newOperand(g, n, vals, 1), y, op.Activation)
	case qnn.Div:
		div(x, newOperand(g, n, vals, 1), y, op.Activation)
	case qnn.Maximum:
		pairs(x, newOperand(g, n, vals, 1), y, func(a, b int32) int32 { return max(a, b) })
	case qnn.Minimum:
		pairs(x, newOperand(g, n, vals, 1), y, func(a, b int32) int32 { return min(a, b) })
	case qnn.Clamp:
		clampTo(x, y, op.Activation)
	case qnn.LeakyRelu:
		leakyRelu(x, y, op.Alpha)
	case qnn.PRelu:
		prelu(x, newOperand(g, n, vals, 1), y)
	case qnn.Logistic:
		curve(x, y, logistic)
	case qnn.Tanh:
		curve(x, y, tanh)
	case qnn.Elu:
		curve(x, y, elu)
	case qnn.HardSwish:
		hardSwish(x, y)
	case qnn.L2Norm:
		l2norm(x, y)
	case qnn.ResizeBilinear:
		resizeBilinear(x, y, op.Resize, y.lo < 0)
	default:
		return fmt.Errorf("%s: not supported", g.Label(n))
	}
	return nil
}
