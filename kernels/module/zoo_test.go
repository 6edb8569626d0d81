package module

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"qtune/qnn"
	"qtune/qnn/zoo"
	"qtune/schedules"
)

// The published networks give in every layer what TensorFlow Lite gave, and the
// same outputs on two threads and with any schedules. The hashes are those of
// the zoo's tests. Large networks are taken through one instruction set each.
func TestZoo(t *testing.T) {
	isas := schedules.HostISAs()
	if len(isas) == 0 {
		t.Skip("this CPU executes no generated code")
	}
	golden := string(readFile(t, "..", "..", "qnn", "zoo", "testdata", "golden.txt"))
	for line := range strings.Lines(golden) {
		var name, file, want string
		var size int
		if _, err := fmt.Sscan(line, &name, &size, &file, &want); err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && size > 3e6 {
				t.Skip("a large network")
			}
			g, err := zoo.Build(name)
			if err != nil {
				t.Fatal(err)
			}
			some := isas
			if size > 20e6 {
				some = isas[size%len(isas):][:1]
			}
			for _, isa := range some {
				checkZoo(t, g, isa, want)
			}
		})
	}
}

func checkZoo(t *testing.T, g *qnn.Graph, isa schedules.ISA, want string) {
	t.Helper()
	inputs := [][]byte{zoo.Noise(g)}
	all := compile(t, g, Options{ISA: isa, KeepAll: true, NoFuse: true})
	if _, err := all.Run(inputs); err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	for i := range g.Nodes {
		value, err := all.Tensor(g.Nodes[i].Outputs[0])
		if err != nil {
			t.Fatal(err)
		}
		h.Write(value)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("%s: the layers' outputs differ", isa)
	}
	r := rand.New(rand.NewPCG(1, uint64(len(g.Nodes))))
	for _, o := range []Options{
		{ISA: isa},
		{ISA: isa, Threads: 2},
		{ISA: isa, Threads: 2, Choose: randomChooser(r)},
	} {
		m := compile(t, g, o)
		checkCompiled(t, m)
		for range 2 {
			got, err := m.Run(inputs)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got[0], all.outputs[0]) {
				t.Errorf("%s: wrong output with %d threads", isa, o.Threads)
			}
		}
		if s := m.Stats(); s.ArenaBytes > s.PeakLiveBytes*13/10 {
			t.Errorf("%s: the arena takes %d bytes, %d are in use at a time", isa, s.ArenaBytes, s.PeakLiveBytes)
		}
	}
}

// checkCompiled fails where something runs in the interpreter.
func checkCompiled(t *testing.T, m *Module) {
	t.Helper()
	for _, l := range m.Layers() {
		if l.Interpreted {
			t.Errorf("node %d %s runs in the interpreter", l.Node, l.Op)
		}
	}
}
