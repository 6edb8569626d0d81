// Package pass rewrites networks: a valid qnn.Graph goes in, an equivalent
// valid one comes out, and what went in stays as it was. "Equivalent" is exact:
// qnn/ref gives the same bytes for the network's outputs before and after.
//
// The passes are the rows of one table. Run checks the graph after each, so a
// pass that breaks an invariant is named by the error.
package pass

import (
	"fmt"

	"qtune/qnn"
)

// A Name selects a pass.
type Name string

// The passes, in the order in which they are useful.
const (
	// Legalise moves int8 activations to uint8: see legalise.go.
	Legalise Name = "legalise"
	// Dead drops nodes whose results nothing uses: see dead.go.
	Dead Name = "dead"
)

// passes is the table of passes. Each function may change the graph that it is
// given, but none of what Graph.Clone shares.
var passes = map[Name]func(*qnn.Graph){
	Legalise: legalise,
	Dead:     dead,
}

// Run applies passes in the order given and returns the result.
func Run(g *qnn.Graph, names ...Name) (*qnn.Graph, error) {
	out := g.Clone()
	for _, name := range names {
		apply, ok := passes[name]
		if !ok {
			return nil, fmt.Errorf("unknown pass %q", name)
		}
		apply(out)
		if err := out.Validate(); err != nil {
			return nil, fmt.Errorf("after pass %s: %w", name, err)
		}
	}
	return out, nil
}
