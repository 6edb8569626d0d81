package model

import "slices"

// bins is the number of values of a feature that a fit tells apart.
const bins = 32

// A table holds the rows of a fit, each feature cut into bins of about as many
// rows, so that a split is found by counting.
type table struct {
	bin  [][]uint8   // [feature][row]
	edge [][]float32 // [feature][bin]: the greatest value of the bin
	used []uint8     // features that differ at all
}

func newTable(rows []*Features) *table {
	t := &table{bin: make([][]uint8, len(layout)), edge: make([][]float32, len(layout))}
	values := make([]float32, len(rows))
	for f := range layout {
		for i, r := range rows {
			values[i] = r[f]
		}
		edges := edgesOf(values)
		if len(edges) < 2 {
			continue
		}
		t.used = append(t.used, uint8(f))
		t.edge[f] = edges
		t.bin[f] = make([]uint8, len(rows))
		for i, r := range rows {
			b, _ := slices.BinarySearch(edges, r[f])
			t.bin[f][i] = uint8(b)
		}
	}
	return t
}

// edgesOf returns the greatest value of each bin, ascending.
func edgesOf(values []float32) []float32 {
	sorted := slices.Sorted(slices.Values(values))
	distinct := slices.Compact(slices.Clone(sorted))
	if len(distinct) <= bins {
		return distinct
	}
	var edges []float32
	for b := 1; b <= bins; b++ {
		edges = append(edges, sorted[b*len(sorted)/bins-1])
	}
	return slices.Compact(edges)
}
