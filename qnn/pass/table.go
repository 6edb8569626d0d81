package pass

import "qtune/qnn"

// table makes one look-up of a chain of operators that treat each element of an
// 8-bit tensor alike and end in 8 bits, whose intermediate results nothing else
// reads. The reference interpreter fills it, so it is exact. A single operator
// stays what it is.
func table(g *qnn.Graph) {
	t := &tabler{g: g, links: newLinks(g), from: make([]qnn.TensorID, len(g.Nodes)), gone: make([]bool, len(g.Nodes))}
	for i := range g.Nodes {
		t.from[i] = qnn.NoTensor
		if from, ok := elementwise(g, &g.Nodes[i]); ok {
			t.from[i] = from
		}
	}
	followed := make([]bool, len(g.Nodes)) // by another node of the same chain
	for _, from := range t.from {
		if from != qnn.NoTensor && t.chains(from) {
			followed[t.maker[from]] = true
		}
	}
	for i, from := range t.from {
		if from != qnn.NoTensor && !followed[i] {
			t.fuse(t.chain(i))
		}
	}
	remove(g, t.gone)
}

type tabler struct {
	g *qnn.Graph
	*links
	from []qnn.TensorID // what each node maps element by element, or NoTensor
	gone []bool
}

// chains tells whether the node that reads id can be in one chain with the node
// that makes it.
func (t *tabler) chains(id qnn.TensorID) bool {
	return t.inner(id) && t.from[t.maker[id]] != qnn.NoTensor
}

// chain returns the nodes of the longest chain that ends with node i, without
// those at its ends that read or make other than 8 bits.
func (t *tabler) chain(i int) []int {
	var nodes []int // from the last to the first
	for {
		nodes = append(nodes, i)
		if !t.chains(t.from[i]) {
			break
		}
		i = t.maker[t.from[i]]
	}
	for len(nodes) > 0 && !t.g.Output(&t.g.Nodes[nodes[0]], 0).Type.Is8Bit() {
		nodes = nodes[1:]
	}
	for len(nodes) > 0 && !t.g.Tensors[t.from[nodes[len(nodes)-1]]].Type.Is8Bit() {
		nodes = nodes[:len(nodes)-1]
	}
	return nodes
}

// fuse makes the last node of a chain a look-up, and drops the others.
func (t *tabler) fuse(nodes []int) {
	if len(nodes) < 2 {
		return
	}
	var chain []*qnn.Node
	for k := len(nodes) - 1; k >= 0; k-- {
		chain = append(chain, &t.g.Nodes[nodes[k]])
	}
	from := t.from[nodes[len(nodes)-1]]
	values, err := tabulate(t.g, chain, from)
	if err != nil {
		return
	}
	last := chain[len(chain)-1]
	last.Op, last.FromInt8 = qnn.Table{Values: values}, false
	last.Inputs = []qnn.TensorID{from}
	for _, i := range nodes[1:] {
		t.gone[i] = true
	}
}
