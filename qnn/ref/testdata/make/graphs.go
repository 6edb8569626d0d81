package main

import (
	"fmt"

	"qtune/qnn"
	"qtune/qnn/graphgen"
)

// randomNetworks are n cases of many operators, every tensor of which is an
// output.
func randomNetworks(n int, seed uint64) []*oneCase {
	var cases []*oneCase
	for i := range n {
		g := graphgen.Random(seed+uint64(i), graphgen.Options{})
		g.Outputs = nil
		for k := range g.Nodes {
			g.Outputs = append(g.Outputs, g.Nodes[k].Outputs...)
		}
		cases = append(cases, &oneCase{fmt.Sprintf("graph_%d", seed+uint64(i)), g, graphgen.RandomInputs(g, 1)})
	}
	return cases
}

// maker describes the node that makes output i.
func (c *oneCase) maker(i int) string {
	for k := range c.g.Nodes {
		n := &c.g.Nodes[k]
		for _, id := range n.Outputs {
			if id == c.g.Outputs[i] {
				return fmt.Sprintf("%s %+v on %s", c.g.Label(n), n.Op, inputOf(c.g, n))
			}
		}
	}
	return "no node"
}

func inputOf(g *qnn.Graph, n *qnn.Node) string {
	x := g.Input(n, 0)
	return fmt.Sprintf("%s %s", x.Shape, x.Type)
}
