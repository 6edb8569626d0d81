package graphgen

import (
	"bytes"
	"slices"
	"testing"

	"qtune/qnn"
)

// exempt are operators without a maker, and why.
var exempt = map[string]string{
	"TABLE":                        "only a pass makes it",
	"TFLite_Detection_PostProcess": "its inputs are of one kind only; see qnn/ref",
	"FLOOR_DIV":                    "a divisor of 0 is an error", "FLOOR_MOD": "a divisor of 0 is an error",
}

func TestEveryOperatorHasAMaker(t *testing.T) {
	var made []string
	for _, m := range makers {
		made = append(made, m.op)
	}
	for _, op := range qnn.Operators() {
		if _, ok := exempt[op]; ok == slices.Contains(made, op) {
			t.Errorf("%s: has a maker: %t, is exempt: %t; one of the two is wanted", op, !ok, ok)
		}
	}
	if len(made)+len(exempt) != len(qnn.Operators()) {
		t.Errorf("%d makers and %d exempt operators, but qnn defines %d", len(made), len(exempt), len(qnn.Operators()))
	}
}

func dump(t testing.TB, g *qnn.Graph) string {
	t.Helper()
	var b bytes.Buffer
	if err := g.Dump(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Random networks are valid, reproducible and bounded, and have every operator,
// of every kind of quantisation, often enough.
func TestRandomIsValidAndDiverse(t *testing.T) {
	const networks = 1000
	seen := map[string]int{}
	for seed := range uint64(networks) {
		g := Random(seed, Options{})
		if err := g.Validate(); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, dump(t, g))
		}
		if seed%50 == 0 && dump(t, g) != dump(t, Random(seed, Options{})) {
			t.Errorf("seed %d gives two networks", seed)
		}
		for _, feature := range features(g) {
			seen[feature]++
		}
	}
	for _, m := range makers {
		if seen[m.op] < networks/100 {
			t.Errorf("%s is in %d of %d networks only", m.op, seen[m.op], networks)
		}
	}
	for _, f := range []string{
		"int8", "uint8", "float32", "int32", "int64", "int16", "bool", "batch", "batch dimensions", "ellipsis", "new axis", "offset", "per channel", "dilation", "stride", "multiplier",
		"fan-out", "two inputs", "two outputs", "output read", "twice in a node", "constant operand", "zero at an end",
		"dead", "input is output", "both types",
	} {
		if seen[f] < 5 {
			t.Errorf("%q is in %d of %d networks only", f, seen[f], networks)
		}
	}
}

// features names what g has, each once.
func features(g *qnn.Graph) []string {
	has := map[string]bool{}
	reads := make([]int, len(g.Tensors))
	for i := range g.Nodes {
		n := &g.Nodes[i]
		has[n.Op.OpName()] = true
		nodeFeatures(g, n, has)
		for _, id := range n.Inputs {
			if id != qnn.NoTensor {
				reads[id]++
			}
		}
	}
	has["two inputs"] = len(g.Inputs) > 1
	has["two outputs"] = len(g.Outputs) > 1
	for i := range g.Tensors {
		t := &g.Tensors[i]
		id := qnn.TensorID(i)
		isOutput, isInput := slices.Contains(g.Outputs, id), slices.Contains(g.Inputs, id)
		has[t.Type.String()] = true
		has["per channel"] = has["per channel"] || t.Quant.PerChannel()
		has["fan-out"] = has["fan-out"] || !t.IsConst() && reads[i] > 1
		has["output read"] = has["output read"] || isOutput && reads[i] > 0
		has["input is output"] = has["input is output"] || isOutput && isInput
		has["dead"] = has["dead"] || !t.IsConst() && reads[i] == 0 && !isOutput
		if t.Type.Is8Bit() && len(t.Quant.Zero) == 1 {
			lo, hi := t.Type.Limits()
			has["zero at an end"] = has["zero at an end"] || t.Quant.Zero[0] == lo || t.Quant.Zero[0] == hi
		}
	}
	has["both types"] = has["int8"] && has["uint8"]
	var names []string
	for name, ok := range has {
		if ok {
			names = append(names, name)
		}
	}
	return names
}

func nodeFeatures(g *qnn.Graph, n *qnn.Node, has map[string]bool) {
	switch op := n.Op.(type) {
	case qnn.Conv2D:
		has["dilation"] = has["dilation"] || op.DilationH > 1
		has["stride"] = has["stride"] || op.StrideH > 1
		has["batch"] = has["batch"] || g.Input(n, 0).Shape[0] > 1
	case qnn.Depthwise:
		has["multiplier"] = has["multiplier"] || op.Multiplier > 1
	case qnn.Gather:
		has["batch dimensions"] = has["batch dimensions"] || op.BatchDims != 0
	case qnn.StridedSlice:
		has["ellipsis"] = has["ellipsis"] || op.EllipsisMask != 0
		has["new axis"] = has["new axis"] || op.NewAxisMask != 0
		has["offset"] = has["offset"] || op.Offset
	case qnn.Add, qnn.Concat:
		for i, id := range n.Inputs {
			has["constant operand"] = has["constant operand"] || g.Tensors[id].IsConst()
			has["twice in a node"] = has["twice in a node"] || slices.Contains(n.Inputs[:i], id)
		}
	}
}
