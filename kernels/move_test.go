package kernels

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"qtune/qnn"
)

// slowMove moves run by run.
func slowMove(m Moves, in, out []byte) {
	eachIndex(m.Shape, m.In, m.Out, func(x, y int) { copy(out[m.OutAt+y:][:m.Run], in[m.InAt+x:]) })
}

// randomMoves draws a permutation, a slice, a reversal or a repetition of a
// tensor, and the bytes that operand and result need.
func randomMoves(r *rand.Rand) (m Moves, in, out int) {
	m.Run = pick(r, 1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 31, 32, 40, 64, 65, 100, 129)
	var steps []int
	in, out = m.Run, m.Run
	for range 1 + r.IntN(5) {
		n := 1 + r.IntN(5)
		if r.IntN(20) == 0 {
			n = 300
		}
		m.Shape, steps = append(m.Shape, n), append(steps, in)
		in *= n
		if r.IntN(4) == 0 {
			in += r.IntN(5)
		}
		m.Out = append(m.Out, out)
		out *= n
		if in > 1<<13 {
			break
		}
	}
	slices.Reverse(m.Out) // row-major
	slices.Reverse(m.Shape)
	slices.Reverse(steps)
	m.In = steps
	if r.IntN(2) == 0 { // a transposition: dimensions in another order in the result
		i, j := r.IntN(len(m.Shape)), r.IntN(len(m.Shape))
		m.Shape[i], m.Shape[j], m.In[i], m.In[j] = m.Shape[j], m.Shape[i], m.In[j], m.In[i]
		step := m.Run
		for k := len(m.Shape) - 1; k >= 0; k-- {
			m.Out[k] = step
			step *= m.Shape[k]
		}
	}
	i := r.IntN(len(m.Shape))
	switch r.IntN(4) {
	case 0:
		m.InAt += (m.Shape[i] - 1) * m.In[i]
		m.In[i] = -m.In[i]
	case 1:
		m.In[i] = 0
	}
	m.OutAt = r.IntN(3)
	return m, in, out + m.OutAt + r.IntN(3)
}

func TestMove(t *testing.T) {
	eachOperators(t, func(t *testing.T, o *Operators, r *rand.Rand) {
		for i := range 150 {
			m, n, size := randomMoves(r)
			in, got, want := randomBytes(r, n), blank(size), blank(size)
			slowMove(m, in, want)
			parts, err := o.Move(m, in, got, 1+i%3)
			runParts(t, parts, err)
			if !bytes.Equal(got, want) {
				t.Fatalf("%+v: wrong", m)
			}
		}
		m := Moves{Shape: []int{5000, 3}, In: []int{4, 1}, Out: []int{1, 5000}, Run: 1}
		in, got, want := randomBytes(r, 20000), blank(15001), blank(15001)
		slowMove(m, in, want)
		parts, err := o.Move(m, in, got, 2)
		if runParts(t, parts, err); !bytes.Equal(got, want) || len(parts) < 2 {
			t.Errorf("a long transposition in %d parts: wrong", len(parts))
		}
		for _, bad := range []Moves{{Run: 9}, {Shape: []int{3}, In: []int{4}, Out: []int{1}, Run: 1}, {Shape: []int{2}, In: []int{-1}, Out: []int{1}, Run: 1}, {Shape: []int{2}, Run: 1}, {}} {
			if _, err := o.Move(bad, make([]byte, 8), make([]byte, 8), 1); err == nil {
				t.Errorf("%+v was accepted", bad)
			}
		}
	})
}

// TestShuffles moves what is done by vectors: channels shuffled in groups, planes
// to pixels and back, pixels in reverse.
func TestShuffles(t *testing.T) {
	eachOperators(t, func(t *testing.T, o *Operators, r *rand.Rand) {
		for i := range 120 {
			n, groups, per, run := 1+r.IntN(300), 1+r.IntN(6), 1+r.IntN(20), pick(r, 1, 1, 2, 3, 5, 8, 12)
			c := groups * per * run
			m := pick(r,
				Moves{Shape: []int{n, per, groups}, In: []int{c, run, per * run}, Out: []int{c, groups * run, run}, Run: run},
				Moves{Shape: []int{groups, n}, In: []int{run, groups * run}, Out: []int{n * run, run}, Run: run},
				Moves{Shape: []int{n, groups}, In: []int{run, n * run}, Out: []int{groups * run, run}, Run: run},
				Moves{Shape: []int{n}, In: []int{-run}, Out: []int{run}, InAt: (n - 1) * run, Run: run},
				Moves{Shape: []int{n, 2}, In: []int{run, 0}, Out: []int{2 * run, run}, Run: run},
			)
			bytesOf := 1
			for _, d := range m.Shape {
				bytesOf *= d
			}
			bytesOf *= run
			in, got, want := randomBytes(r, bytesOf), blank(bytesOf+1), blank(bytesOf+1)
			slowMove(m, in, want)
			parts, err := o.Move(m, in, got, 1+i%3)
			if runParts(t, parts, err); !bytes.Equal(got, want) {
				t.Fatalf("%+v: wrong", m)
			}
		}
	})
}

func TestResizeNearest(t *testing.T) {
	eachOperators(t, func(t *testing.T, o *Operators, r *rand.Rand) {
		for i := range 100 {
			a := randomResize(r)
			checkResize(t, r, a, qnn.ResizeNearest{Resize: a.Resize}, i%2 == 0, func(in, out View) ([]Part, error) {
				return o.ResizeNearest(a, in, out, 1+i%3)
			})
		}
	})
}
