// Package pass rewrites networks: a valid qnn.Graph goes in, an equivalent
// valid one comes out, and what went in stays as it was. "Equivalent" is exact:
// qnn/ref gives the same bytes for the network's outputs before and after.
// Inputs and outputs of the network keep their names and types, tensors that
// survive their ids and names, nodes their numbers in the source.
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

// The passes; each is described in the file of its name.
const (
	Legalise   Name = "legalise"   // int8 activations become uint8
	Fold       Name = "fold"       // constant expressions are computed
	CSE        Name = "cse"        // equal nodes and constants are merged
	Dead       Name = "dead"       // what nothing uses is dropped
	Identity   Name = "identity"   // what changes nothing is dropped
	QuantPairs Name = "quantpairs" // DEQUANTIZE and QUANTIZE become one QUANTIZE
	Activation Name = "activation" // RELU and its like move into the node before
	Pad        Name = "pad"        // PAD moves into convolutions
	Table      Name = "table"      // chains of elementwise operators become a look-up
	Residual   Name = "residual"   // ADD moves into a convolution
)

// passes is the table of passes. Each function may change the graph that it is
// given, but none of what Graph.Clone shares. It takes time linear in the size
// of the graph, and a second run changes nothing.
var passes = map[Name]func(*qnn.Graph){
	Legalise:   legalise,
	Fold:       fold,
	CSE:        cse,
	Dead:       dead,
	Identity:   identity,
	QuantPairs: quantpairs,
	Activation: activation,
	Pad:        pad,
	Table:      table,
	Residual:   residual,
}

// Default returns the passes that the compiler runs, in this order:
//
//   - Dead: what nothing uses must not count as a use below.
//   - Legalise: all that follows sees its conversions too. Those at the
//     network's outputs let Fold compute what is before them.
//   - Fold.
//   - CSE: before nodes that are equal become parts of others that are not.
//   - Identity: brings together what belongs together below.
//   - QuantPairs, whose result may be an identity: Identity again.
//   - Activation: before Table, for which a RELU would be a look-up of its own,
//     and before Residual, so that a convolution's clamp stays with it.
//   - Pad.
//   - CSE: nodes that read copies of one tensor now read the same, and so do
//     those that read it with different PADs between.
//   - Table: also takes the conversions at inputs and outputs.
//   - Residual: last, because it hides a tensor.
//   - Dead: in case that all of this left something.
func Default() []Name {
	return []Name{Dead, Legalise, Fold, CSE, Identity, QuantPairs, Identity, Activation, Pad, CSE, Table, Residual, Dead}
}

// Minimal returns the passes without which nothing compiles, and which keep
// every tensor of the network that its outputs depend on.
func Minimal() []Name { return []Name{Legalise, Dead} }

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
