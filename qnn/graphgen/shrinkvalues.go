package graphgen

import (
	"encoding/binary"
	"iter"
	"slices"

	"qtune/qnn"
)

// Reductions that leave the nodes as they are.

// plainerOps makes the options of a node plainer.
func plainerOps(g *qnn.Graph) iter.Seq[*qnn.Graph] {
	return func(yield func(*qnn.Graph) bool) {
		for i := range g.Nodes {
			for _, op := range plainer(g.Nodes[i].Op) {
				c := g.Clone()
				c.Nodes[i].Op = op
				if fit(g, c) && !yield(c) {
					return
				}
			}
		}
	}
}

// plainerQuant makes the quantisation of a tensor plainer, alone or together
// with that of all tensors quantised alike.
func plainerQuant(g *qnn.Graph) iter.Seq[*qnn.Graph] {
	return func(yield func(*qnn.Graph) bool) {
		for i := range g.Tensors {
			old := g.Tensors[i].Quant
			for _, q := range plainerQuants(old) {
				one, all := g.Clone(), g.Clone()
				one.Tensors[i].Quant = q
				for k := range all.Tensors {
					t := &all.Tensors[k]
					if slices.Equal(t.Quant.Scale, old.Scale) && slices.Equal(t.Quant.Zero, old.Zero) {
						t.Quant = q
					}
				}
				if !yield(all) || !yield(one) {
					return
				}
			}
		}
	}
}

func plainerQuants(q qnn.Quant) []qnn.Quant {
	var out []qnn.Quant
	if q.PerChannel() {
		return append(out, qnn.Quant{Scale: q.Scale[:1], Zero: q.Zero[:1]})
	}
	if len(q.Scale) == 1 && q.Scale[0] != 0.5 {
		out = append(out, qnn.Quant{Scale: []float32{0.5}, Zero: q.Zero})
	}
	if len(q.Zero) == 1 && q.Zero[0] != 0 {
		out = append(out, qnn.Quant{Scale: q.Scale, Zero: []int32{0}})
	}
	return out
}

// trimmed reduces a dimension of an input or a constant, and all that follows
// from it.
func trimmed(g *qnn.Graph) iter.Seq[*qnn.Graph] {
	return func(yield func(*qnn.Graph) bool) {
		for i := range g.Tensors {
			t := &g.Tensors[i]
			if !t.IsConst() && !slices.Contains(g.Inputs, qnn.TensorID(i)) {
				continue
			}
			for axis, d := range t.Shape {
				for _, to := range smaller(d) {
					c := g.Clone()
					s := slices.Clone(t.Shape)
					s[axis] = to
					if c.Tensors[i] = block(*t, s); fit(g, c) && !yield(c) {
						return
					}
				}
			}
		}
	}
}

// smaller returns numbers between 1 and d to try in place of d.
func smaller(d int) []int {
	var out []int
	for _, v := range []int{1, d / 2, d - d/4, d - 1} {
		if v >= 1 && v < d && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// smallerInts reduces one number of a constant such as a padding or an extent.
func smallerInts(g *qnn.Graph) iter.Seq[*qnn.Graph] {
	return func(yield func(*qnn.Graph) bool) {
		for i := range g.Tensors {
			t := &g.Tensors[i]
			v, err := t.ConstInts()
			if err != nil || t.Type != qnn.Int32 || len(v) > 16 {
				continue
			}
			for k := range v {
				for _, to := range append([]int{0}, smaller(v[k])...) {
					c := g.Clone()
					data := slices.Clone(t.Data)
					binary.LittleEndian.PutUint32(data[4*k:], uint32(to))
					if c.Tensors[i].Data = data; fit(g, c) && !yield(c) {
						return
					}
				}
			}
		}
	}
}

// zeroed makes all, half or single bytes of constants 0.
func zeroed(g *qnn.Graph) iter.Seq[*qnn.Graph] {
	return func(yield func(*qnn.Graph) bool) {
		for i := range g.Tensors {
			n := len(g.Tensors[i].Data)
			for size := n; size > 0; size /= 2 {
				if n/size > 64 {
					break
				}
				for from := 0; from < n; from += size {
					c := g.Clone()
					data := slices.Clone(g.Tensors[i].Data)
					clear(data[from:min(n, from+size)])
					c.Tensors[i].Data = data
					if !yield(c) {
						return
					}
				}
			}
		}
	}
}
