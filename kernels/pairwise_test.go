package kernels

import (
	"math/rand/v2"
	"testing"

	"qtune/kernels/pack"
	"qtune/qnn"
	"qtune/qnn/ref"
)

// quantisedTensor makes a quantised tensor of one dimension.
func quantisedTensor(t qnn.DType, n int, scale float32, zero int32) qnn.Tensor {
	return qnn.Tensor{Type: t, Shape: qnn.Shape{n}, Quant: qnn.Quant{Scale: []float32{scale}, Zero: []int32{zero}}}
}

// refNode computes op with the reference. The last tensor is the result, those
// before hold their operands in data.
func refNode(t *testing.T, op qnn.Op, fromInt8 bool, data [][]byte, tensors ...qnn.Tensor) []byte {
	t.Helper()
	g := &qnn.Graph{Tensors: tensors}
	last := len(tensors) - 1
	n := &qnn.Node{Op: op, Outputs: []qnn.TensorID{qnn.TensorID(last)}, FromInt8: fromInt8}
	vals := ref.Values{}
	for i := range tensors {
		if i < last {
			n.Inputs = append(n.Inputs, qnn.TensorID(i))
			vals = append(vals, data[i])
		}
	}
	vals = append(vals, make([]byte, tensors[last].Shape.Elems()*tensors[last].Type.Size()))
	if err := ref.Node(g, n, vals); err != nil {
		t.Fatal(err)
	}
	return vals[last]
}

// allPairs returns every pair of bytes, the second the fastest to change.
func allPairs() (a, b []byte) {
	a, b = make([]byte, 1<<16), make([]byte, 1<<16)
	for i := range a {
		a[i], b[i] = byte(i>>8), byte(i)
	}
	return a, b
}

// pairTable tabulates an operator of two operands with the reference.
func pairTable(t *testing.T, op qnn.Op, fromInt8 bool, scales [3]float32, zeros [3]int32) *[1 << 16]byte {
	t.Helper()
	a, b := allPairs()
	var tensors []qnn.Tensor
	for i := range scales {
		tensors = append(tensors, quantisedTensor(qnn.Uint8, 1<<16, scales[i], zeros[i]))
	}
	return (*[1 << 16]byte)(refNode(t, op, fromInt8, [][]byte{a, b}, tensors...))
}

// checkPairs runs an operator over all pairs of bytes, and over rows with gaps
// and broadcast rows of some lengths.
func checkPairs(t *testing.T, r *rand.Rand, threads int, table *[1 << 16]byte, bind func(rows Rows, a, b, out []byte, threads int) ([]Part, error)) {
	t.Helper()
	run := func(rows Rows, a, b []byte) {
		t.Helper()
		out := blank(rows.span(rows.Out))
		parts, err := bind(rows, a, b, out, threads)
		runParts(t, parts, err)
		checkRows(t, rows, a, b, out, func(a, b byte) byte { return table[int(a)<<8|int(b)] })
	}
	a, b := allPairs()
	run(oneLongRow, a, b)
	for i := range 6 {
		rows := randomRows(r, 1+r.IntN(200))
		rows.Repeat = [2]bool{i == 1, i == 2} // rows of one byte
		if i == 3 {
			rows.Count, rows.Bytes, rows.Out, rows.Repeat[1] = 1, 9000, 9000, true
		}
		operand := func(i, stride int) []byte {
			return randomBytes(r, (rows.Count-1)*stride+rows.column(i, rows.Bytes-1)+1)
		}
		run(rows, operand(0, rows.In), operand(1, rows.In2))
	}
	if _, err := bind(Rows{Count: 2, Bytes: 9}, a[:9], b[:8], blank(9), threads); err == nil {
		t.Error("a short operand was accepted")
	}
}

// randomQuant draws scales, many in ratios that make ties, and zero points.
func randomQuant(r *rand.Rand) (scales [3]float32, zeros [3]int32) {
	for i := range scales {
		scales[i] = pick(r, 1, 0.5, 0.25, 0.01+r.Float32(), 0.01+r.Float32(), 1e-4, 30, 1e-20)
		zeros[i] = pick(r, 0, 255, 128, int32(r.IntN(256)))
	}
	return scales, zeros
}

// TestSumTable compares the meaning of ADD and SUB with the reference, and their
// programs on all pairs where they have a short form.
func TestSumTable(t *testing.T) {
	eachOperators(t, func(t *testing.T, o *Operators, r *rand.Rand) {
		for i := range 20 {
			scales, zeros := randomQuant(r)
			act, fromInt8 := qnn.Activation(i%4), i%3 == 0
			s := &pack.Sum{Scales: scales, Zeros: zeros, Minus: i%2 == 0, FromInt8: fromInt8}
			y := quantisedTensor(qnn.Uint8, 1, scales[2], zeros[2])
			s.Lo, s.Hi = qnn.ActivationRange(act, &y)
			var op qnn.Op = qnn.Add{Activation: act}
			if s.Minus {
				op = qnn.Sub{Activation: act}
			}
			table := pairTable(t, op, fromInt8, scales, zeros)
			if *s.Table() != *table {
				t.Fatalf("%+v: not what the reference computes", *s)
			}
			w := s.Fit(table)
			if w == nil {
				continue
			}
			checkPairs(t, r, 1+i%3, table, func(rows Rows, a, b, out []byte, threads int) ([]Part, error) {
				return o.Sum(w, rows, a, b, out, threads)
			})
		}
	})
}

func TestMul(t *testing.T) {
	eachOperators(t, func(t *testing.T, o *Operators, r *rand.Rand) {
		for i := range 40 {
			scales, zeros := randomQuant(r)
			act := qnn.Activation(i % 4)
			table := pairTable(t, qnn.Mul{Activation: act}, i%3 == 0, scales, zeros)
			m := &pack.Mul{Scales: scales, Zeros: zeros, FromInt8: i%3 == 0}
			y := quantisedTensor(qnn.Uint8, 1, scales[2], zeros[2])
			m.Lo, m.Hi = qnn.ActivationRange(act, &y)
			checkPairs(t, r, 1+i%3, table, func(rows Rows, a, b, out []byte, threads int) ([]Part, error) {
				return o.Mul(m, rows, a, b, out, threads)
			})
		}
	})
}

func TestPRelu(t *testing.T) {
	eachOperators(t, func(t *testing.T, o *Operators, r *rand.Rand) {
		for i := range 20 {
			scales, zeros := randomQuant(r)
			table := pairTable(t, qnn.PRelu{}, i%3 == 0, scales, zeros)
			p := &pack.PRelu{Scales: scales, Zeros: zeros, FromInt8: i%3 == 0}
			checkPairs(t, r, 1+i%3, table, func(rows Rows, a, b, out []byte, threads int) ([]Part, error) {
				return o.PRelu(p, rows, a, b, out, threads)
			})
		}
	})
}

func TestMaximumMinimum(t *testing.T) {
	eachOperators(t, func(t *testing.T, o *Operators, r *rand.Rand) {
		one := [3]float32{1, 1, 1}
		checkPairs(t, r, 2, pairTable(t, qnn.Maximum{}, false, one, [3]int32{}), o.Maximum)
		checkPairs(t, r, 2, pairTable(t, qnn.Minimum{}, true, one, [3]int32{128, 128, 128}), o.Minimum)
	})
}

func TestPairs(t *testing.T) {
	eachOperators(t, func(t *testing.T, o *Operators, r *rand.Rand) {
		table := (*[1 << 16]byte)(randomBytes(r, 1<<16))
		for threads := range 3 {
			checkPairs(t, r, 1+threads, table, func(rows Rows, a, b, out []byte, threads int) ([]Part, error) {
				return o.Pairs(table, rows, a, b, out, threads)
			})
		}
	})
}
