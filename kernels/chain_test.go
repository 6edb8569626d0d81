package kernels

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"qtune/qnn"
	"qtune/qnn/ref"
	"qtune/schedules"
)

// TestChain compares random chains of layers, in bands of any height, with the
// reference.
func TestChain(t *testing.T) {
	for _, isa := range schedules.ISAs() {
		t.Run(string(isa), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(6, uint64(len(isa))))
			counts := map[int]int{}
			for range 80 {
				layers := randomChain(r, isa)
				counts[len(layers)]++
				for _, m := range modes(isa) {
					checkChain(t, r, layers, isa, m)
				}
			}
			for n := 2; n <= 3; n++ {
				if counts[n] < 20 {
					t.Errorf("only %d chains of %d layers", counts[n], n)
				}
			}
		})
	}
}

// randomChain draws kernels each of which can follow the one before.
func randomChain(r *rand.Rand, isa schedules.ISA) []*Kernel {
	for {
		w := randomConv(r)
		if r.IntN(2) == 0 {
			w = randomDepthwise(r)
		}
		list := []*Kernel{randomKernel(r, w, isa)}
		for n := 2 + r.IntN(3); len(list) < n; {
			before := list[len(list)-1].Workload
			k := randomKernel(r, randomFollower(r, before), isa)
			if !k.CanFollow(list[len(list)-1]) {
				break
			}
			list = append(list, k)
		}
		if len(list) > 1 {
			return list
		}
	}
}

func randomKernel(r *rand.Rand, w schedules.Workload, isa schedules.ISA) *Kernel {
	space, err := schedules.SpaceFor(w, isa)
	if err != nil {
		panic(err)
	}
	s := space.Start()
	if r.IntN(3) > 0 {
		s, _ = space.Sample(r)
	}
	k, err := Build(w, s, isa)
	if err != nil {
		panic(err)
	}
	return k
}

// randomFollower draws a depthwise layer or one of single pixels that reads what
// another makes.
func randomFollower(r *rand.Rand, before schedules.Workload) schedules.Workload {
	for {
		w := randomConv(r)
		w.KH, w.KW, w.StrideH, w.StrideW, w.DilationH, w.DilationW = 1, 1, 1, 1, 1, 1
		w.PadTop, w.PadBottom, w.PadLeft, w.PadRight = 0, 0, 0, 0
		if r.IntN(2) == 0 {
			w = randomDepthwise(r)
			w.Multiplier = 1
			w.O = before.O
			w.PerChannel = w.PerChannel && w.O > 1
		}
		w.N, w.H, w.W, w.C = before.N, before.OH(), before.OW(), before.O
		if w.Validate() == nil && w.OH() > 0 && w.OW() > 0 {
			return w
		}
	}
}

func checkChain(t *testing.T, r *rand.Rand, kernels []*Kernel, isa schedules.ISA, m Mode) {
	t.Helper()
	first, last := kernels[0], kernels[len(kernels)-1]
	name := ""
	for _, k := range kernels {
		name += fmt.Sprintf("%s | %s\n", k.Workload, k.Schedule)
	}
	name += fmt.Sprintf("%s, mode %d", isa, m)
	w := first.Workload
	image := schedules.RandomInput(w.N*w.H*w.W*w.C, r.Uint64())
	want := image
	var chain []ChainLayer
	var zero byte
	for i, k := range kernels {
		l := k.Workload.Layer(r.Uint64())
		if i == 0 {
			zero = byte(l.InputZero)
		}
		c := chainLayer(t, k, l, m)
		defer c.Executable.Close()
		made := make([]byte, k.Workload.N*k.Workload.OH()*k.Workload.OW()*k.Workload.O)
		ref.Layer(l, want, made)
		chain, want = append(chain, c), made
	}
	in := NewView(w.N, w.H, w.W, w.C, first.InputHalo(), zero)
	in.Write(image, w.N, w.H, w.W, w.C)
	w = last.Workload
	out := gappedView(r, w.N, w.OH(), w.OW(), w.O, !last.ContiguousOutput(), !last.DensePixels())
	if _, ok := last.plan.(*convKernel); ok && r.IntN(2) == 0 {
		want = addResidual(t, r, &chain[len(chain)-1], last, want, isa, m)
		defer chain[len(chain)-1].Residual.Operators.Close()
	}
	band, threads := 1+r.IntN(5), 1+r.IntN(3)
	plan := PlanChain(kernels, threads, band, chain[len(chain)-1].Residual != nil)
	memory := randomBytes(r, plan.Bytes())
	c, err := plan.Bind(chain, in, out, memory)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	before := bytes.Clone(out.Data)
	for range 2 {
		copy(memory, randomBytes(r, len(memory))) // somebody else's
		for _, phase := range c.Phases() {
			for _, part := range phase {
				if err := part(); err != nil {
					t.Fatalf("%s: bands of %d, %d threads: %v", name, band, threads, err)
				}
			}
		}
		if got := out.Read(w.N, w.OH(), w.OW(), w.O); !bytes.Equal(got, want) {
			t.Fatalf("%s: bands of %d, %d threads: %s", name, band, threads, firstDifference(got, want, w))
		}
	}
	out.Write(make([]byte, len(want)), w.N, w.OH(), w.OW(), w.O)
	blank := out
	blank.Data = before
	blank.Write(make([]byte, len(want)), w.N, w.OH(), w.OW(), w.O)
	if !bytes.Equal(before, out.Data) {
		t.Fatalf("%s: bytes beside the output changed", name)
	}
}

func chainLayer(t *testing.T, k *Kernel, l *qnn.Layer, m Mode) ChainLayer {
	t.Helper()
	x, err := Load(k, m)
	if err != nil {
		t.Fatal(err)
	}
	p, err := k.Pack(l)
	if err != nil {
		t.Fatal(err)
	}
	return ChainLayer{Executable: x, Packed: p}
}

// addResidual adds another tensor to the results of the last layer of a chain,
// and returns what that makes of want.
func addResidual(t *testing.T, r *rand.Rand, c *ChainLayer, k *Kernel, want []byte, isa schedules.ISA, m Mode) []byte {
	t.Helper()
	o, err := NewOperators(isa, m)
	if err != nil {
		t.Fatal(err)
	}
	w := k.Workload
	other := gappedView(r, w.N, w.OH(), w.OW(), w.O, !k.ContiguousOutput(), true)
	others := randomBytes(r, len(want))
	other.Write(others, w.N, w.OH(), w.OW(), w.O)
	sum, table := fittingSum(r)
	c.Residual = &Residual{o, sum, other}
	added := make([]byte, len(want))
	for i, v := range want {
		added[i] = table[int(v)<<8|int(others[i])]
	}
	return added
}
