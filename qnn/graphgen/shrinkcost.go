package graphgen

import (
	"math"

	"qtune/qnn"
)

// cost orders networks: nodes and outputs, then oddities of options and
// quantisation, then elements, then what constants hold.
func cost(g *qnn.Graph) []int {
	nodes, odd, elems, content := 2*len(g.Nodes)+len(g.Outputs), len(g.Inputs), 0, 0
	for i := range g.Nodes {
		odd += oddOp(g.Nodes[i].Op)
	}
	for i := range g.Tensors {
		t := &g.Tensors[i]
		odd += oddQuant(t)
		if elems += t.Shape.Elems(); t.IsConst() { // a smaller window makes more results
			elems += t.Shape.Elems()
		}
		content += contentOf(t)
	}
	return []int{nodes, odd, elems, content}
}

// contentOf counts the bytes of a constant that are not 0, or adds up its
// integers.
func contentOf(t *qnn.Tensor) int {
	n := 0
	if ints, err := t.ConstInts(); err == nil {
		for _, v := range ints {
			n += min(max(v, -v), math.MaxInt16)
		}
		return n
	}
	for _, v := range t.Data {
		if v != 0 {
			n++
		}
	}
	return n
}

// oddOp counts the ways in which op differs from its plainest form, which
// plainer leads to.
func oddOp(op qnn.Op) int {
	n := 0
	for range plainer(op) {
		n++
	}
	return n
}

// oddQuant counts the ways in which the quantisation of t differs from its
// plainest form: one scale of 1/2 and a zero point of 0.
func oddQuant(t *qnn.Tensor) int {
	n := 0
	for _, s := range t.Quant.Scale {
		if n++; s != 0.5 {
			n++
		}
	}
	for _, z := range t.Quant.Zero {
		if z != 0 {
			n++
		}
	}
	return n
}

// plainer returns ops that are each plainer than op in one way.
func plainer(op qnn.Op) []qnn.Op {
	var out []qnn.Op
	switch op := op.(type) {
	case qnn.Conv2D:
		for _, f := range plainerWindow(&op.Padding, &op.Activation, &op.StrideH, &op.StrideW, &op.DilationH, &op.DilationW) {
			out = appendEdit(out, &op, f)
		}
	case qnn.Depthwise:
		for _, f := range plainerWindow(&op.Padding, &op.Activation, &op.StrideH, &op.StrideW, &op.DilationH, &op.DilationW, &op.Multiplier) {
			out = appendEdit(out, &op, f)
		}
	case qnn.TransposeConv:
		for _, f := range plainerWindow(&op.Padding, nil, &op.StrideH, &op.StrideW) {
			out = appendEdit(out, &op, f)
		}
	case qnn.AveragePool:
		for _, p := range plainerPool(op.Pool) {
			out = append(out, qnn.AveragePool{Pool: p})
		}
	case qnn.MaxPool:
		for _, p := range plainerPool(op.Pool) {
			out = append(out, qnn.MaxPool{Pool: p})
		}
	case qnn.Dense:
		if op.Activation != qnn.NoActivation {
			out = append(out, qnn.Dense{KeepDims: op.KeepDims})
		}
	case qnn.Add:
		out = withoutActivation(out, op.Activation, qnn.Add{})
	case qnn.Sub:
		out = withoutActivation(out, op.Activation, qnn.Sub{})
	case qnn.Mul:
		out = withoutActivation(out, op.Activation, qnn.Mul{})
	}
	return out
}

func withoutActivation(out []qnn.Op, a qnn.Activation, plain qnn.Op) []qnn.Op {
	if a == qnn.NoActivation {
		return out
	}
	return append(out, plain)
}

func plainerPool(p qnn.Pool) []qnn.Pool {
	var out []qnn.Pool
	for _, f := range plainerWindow(&p.Padding, &p.Activation, &p.StrideH, &p.StrideW, &p.FilterH, &p.FilterW) {
		before := p
		f()
		out = append(out, p)
		p = before
	}
	return out
}

// appendEdit appends *op as f changes it, and takes the change back.
func appendEdit[T qnn.Op](out []qnn.Op, op *T, f func()) []qnn.Op {
	before := *op
	f()
	out = append(out, *op)
	*op = before
	return out
}

// plainerWindow returns changes that each make one option plainer.
func plainerWindow(p *qnn.Padding, a *qnn.Activation, numbers ...*int) []func() {
	var edits []func()
	if *p == qnn.Same {
		edits = append(edits, func() { *p = qnn.Valid })
	}
	if a != nil && *a != qnn.NoActivation {
		edits = append(edits, func() { *a = qnn.NoActivation })
	}
	for _, v := range numbers {
		if *v > 1 {
			edits = append(edits, func() { *v = 1 })
		}
	}
	return edits
}
