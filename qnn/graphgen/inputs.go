package graphgen

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"qtune/qnn"
)

// Seed returns a number that depends on the name of g alone, so that it
// survives shrinking and files.
func Seed(g *qnn.Graph) uint64 {
	h := fnv.New64a()
	h.Write([]byte(g.Name)) // a hash does not fail
	return h.Sum64()
}

// RandomInputs returns reproducible values of the inputs of g, others for each
// seed and name of g. Those of float32
// are finite, and most of them within a few units of 0.
func RandomInputs(g *qnn.Graph, seed uint64) [][]byte {
	r := rand.New(rand.NewPCG(Seed(g), seed))
	return inputs(g, func() byte { return byte(r.Uint32()) }, func() float32 {
		switch r.IntN(20) {
		case 0:
			return float32(r.NormFloat64() * 1e4)
		case 1:
			return float32(r.IntN(9)-4) / 2 // often a tie
		}
		return float32(2 * r.NormFloat64())
	})
}

// ExtremeInputs returns inputs all of whose bytes are b; those of float32 are
// the least number for 0 and else the greatest.
func ExtremeInputs(g *qnn.Graph, b byte) [][]byte {
	f := float32(math.MaxFloat32)
	if b == 0 {
		f = -f
	}
	return inputs(g, func() byte { return b }, func() float32 { return f })
}

func inputs(g *qnn.Graph, next func() byte, float func() float32) [][]byte {
	out := make([][]byte, len(g.Inputs))
	for i, id := range g.Inputs {
		t := &g.Tensors[id]
		v := []byte{}
		for range t.Shape.Elems() {
			switch t.Type {
			case qnn.Float32:
				v = binary.LittleEndian.AppendUint32(v, math.Float32bits(float()))
			default:
				for range t.Type.Size() {
					v = append(v, next())
				}
			}
		}
		out[i] = v
	}
	return out
}
