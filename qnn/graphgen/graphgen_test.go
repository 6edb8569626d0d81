package graphgen

import (
	"slices"
	"testing"

	"qtune/qnn"
)

// All recipes decode to valid networks, and the operators that there are makers
// for occur.
func TestNetworksAreValid(t *testing.T) {
	counts := map[string]int{}
	nodes, tried := 0, 0
	for seed := range uint64(1500) {
		r := Random(seed, 10)
		g := r.Network()
		if err := g.Validate(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if len(g.Outputs) == 0 {
			t.Fatalf("seed %d: no outputs", seed)
		}
		for i := range g.Nodes {
			counts[g.Nodes[i].Op.OpName()]++
		}
		nodes += len(g.Nodes)
		tried += len(r) - 1
	}
	for _, m := range makers {
		if counts[m.name] < 10 {
			t.Errorf("%s occurs %d times", m.name, counts[m.name])
		}
	}
	if nodes < tried/2 {
		t.Errorf("%d of %d rows gave nodes", nodes, tried)
	}
}

// exempt are the operators that no random network holds, and why.
var exempt = map[string]string{
	"TABLE":                        "made by a pass",
	"TFLite_Detection_PostProcess": "has inputs of its own; see qnn/ref",
	"FLOOR_DIV":                    "a divisor of 0 is an error", "FLOOR_MOD": "a divisor of 0 is an error",
	"RELU_N1_TO_1": "made as RELU", "RELU6": "made as RELU",
}

func TestEveryOperatorHasAMaker(t *testing.T) {
	for _, name := range qnn.Operators() {
		known := slices.ContainsFunc(makers, func(m maker) bool { return m.name == name })
		if known == (exempt[name] != "") {
			t.Errorf("%s: has a maker: %v, is exempt: %q", name, known, exempt[name])
		}
	}
}

// A failure that one operator causes shrinks to little more than that operator.
func TestShrink(t *testing.T) {
	has := func(g *qnn.Graph) bool {
		return slices.ContainsFunc(g.Nodes, func(n qnn.Node) bool { return n.Op.OpName() == "TRANSPOSE_CONV" })
	}
	found := 0
	for seed := uint64(0); found < 5; seed++ {
		r := Random(seed, 12)
		if !has(r.Network()) {
			continue
		}
		found++
		if g := Shrink(r, has).Network(); len(g.Nodes) != 1 || g.Tensors[g.Inputs[0]].Shape.Elems() > 4 {
			t.Errorf("seed %d: still %d nodes, input %s", seed, len(g.Nodes), g.Tensors[g.Inputs[0]].Shape)
		}
	}
}

func TestEmptyRecipe(t *testing.T) {
	for _, r := range []Recipe{nil, {}, {{}}, {{}, {}}} {
		if err := r.Network().Validate(); err != nil {
			t.Errorf("%v: %v", r, err)
		}
	}
}
