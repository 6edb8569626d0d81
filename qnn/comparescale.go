package qnn

import "fmt"

// CompareHeadroom is by how many bits comparisons shift 8-bit values to the left
// before they scale them.
const CompareHeadroom = 8

// CompareMultiplier returns how comparisons scale an 8-bit operand.
func CompareMultiplier(scale float32) Multiplier { return QuantizeMultiplier(float64(scale)) }

// compareNumbers: TensorFlow Lite stops at scales of 1 and more.
func compareNumbers(g *Graph, n *Node) error {
	if err := quantised(g, n); err != nil {
		return err
	}
	for _, t := range g.inputs(n) {
		if t.Type.Is8Bit() && CompareMultiplier(t.Quant.Scale[0]).Exp > 0 {
			return fmt.Errorf("%s has scale %v, want less than 1", t, t.Quant.Scale[0])
		}
	}
	return nil
}
