package module

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qtune/kernels"
	"qtune/qnn"
	"qtune/qnn/ref"
	"qtune/schedules"
)

// Every golden case: through the emulator for each instruction set, natively for
// those of this CPU.
func TestOperators(t *testing.T) {
	var manifest struct {
		Cases map[string]struct {
			Op              string
			Inputs, Outputs []string
		}
	}
	readJSON(t, &manifest, opsDir, "manifest.json")
	counts := map[string]int{}
	for name, c := range manifest.Cases {
		counts[c.Op]++
		g := importModel(t, opsDir, name, "model.tflite")
		var want golden
		for _, f := range c.Inputs {
			want.Inputs = append(want.Inputs, goldenFile{f})
		}
		for _, f := range c.Outputs {
			want.Outputs = append(want.Outputs, goldenFile{f})
		}
		for _, o := range variants() {
			t.Run(name+"/"+string(o.ISA)+modeName(o.Mode), func(t *testing.T) {
				checkGolden(t, compile(t, g, o), want, filepath.Join(opsDir, name))
			})
		}
	}
	for _, op := range []string{"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "QUANTIZE"} {
		if counts[op] < 5 {
			t.Errorf("only %d golden cases of %s", counts[op], op)
		}
	}
}

// variants are all ways to compile that this machine can execute.
func variants() []Options {
	all := []Options{{ISA: schedules.Ref}}
	for _, isa := range schedules.ISAs() {
		all = append(all, Options{ISA: isa, Mode: kernels.Emulated})
	}
	for _, isa := range schedules.HostISAs() {
		all = append(all, Options{ISA: isa})
	}
	return all
}

func modeName(m kernels.Mode) string {
	if m == kernels.Emulated {
		return "-emulated"
	}
	return ""
}

// person_detect has no golden outputs: the interpreter that made them refuses
// it. The reference interpreter on the source graph stands in.
func TestPersonDetectEqualsReference(t *testing.T) {
	g := sharedModel(t, "person_detect_int8")
	inputs := randomInputs(g, 11)
	want, err := ref.Run(g, inputs)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range variants() {
		o.KeepAll, o.NoFuse = true, true
		m := compile(t, g, o)
		if _, err := m.Run(inputs); err != nil {
			t.Fatal(err)
		}
		for i := range g.Nodes {
			id := g.Nodes[i].Outputs[0]
			got, err := m.Tensor(id)
			if err != nil || !bytes.Equal(got, want[id]) {
				t.Errorf("%s%s: %s differs (%v)", o.ISA, modeName(o.Mode), g.Label(&g.Nodes[i]), err)
			}
		}
	}
}

func randomInputs(g *qnn.Graph, seed uint64) [][]byte {
	rng := rand.New(rand.NewPCG(seed, 0))
	var inputs [][]byte
	for _, id := range g.Inputs {
		b := make([]byte, g.Tensors[id].Bytes())
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		inputs = append(inputs, b)
	}
	return inputs
}

// Any schedule of the space gives the same bytes, whatever borders it asks for.
func TestRandomSchedulesGiveTheSameBytes(t *testing.T) {
	isas := schedules.HostISAs()
	if len(isas) == 0 {
		t.Skip("this CPU executes no generated code")
	}
	g := sharedModel(t, networks[0])
	inputs := randomInputs(g, 12)
	want, err := ref.Run(g, inputs)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(13, 14))
	for _, isa := range isas {
		for range 10 {
			m := compile(t, g, Options{ISA: isa, Choose: randomChooser(rng)})
			got, err := m.Run(inputs)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got[0], want.Outputs(g)[0]) {
				t.Errorf("%s: wrong output with %+v", isa, m.Layers())
			}
		}
	}
}

func TestLayersAndTimes(t *testing.T) {
	g := importModel(t, opsDir, "conv_u8_3x3_s2_same_even", "model.tflite")
	m := compile(t, g, Options{ISA: schedules.AVX2, Mode: kernels.Emulated})
	layers := m.Layers()
	if len(layers) != 1 {
		t.Fatalf("%d layers, want 1", len(layers))
	}
	l := layers[0]
	if l.Op != "CONV_2D" || l.Output == "" || l.MACs != l.Workload.MACs() || l.MACs == 0 ||
		l.Source != Heuristic || l.Schedule.String() == "" || len(l.CodeHash) != 16 {
		t.Errorf("layer %+v", l)
	}
	times := make([]time.Duration, 1)
	if _, err := m.RunTimed(randomInputs(g, 1), times); err != nil || times[0] <= 0 {
		t.Errorf("times %v, %v", times, err)
	}
}

func TestRunRefusesWrongInputs(t *testing.T) {
	g := importModel(t, opsDir, "conv_u8_3x3_valid", "model.tflite")
	m := compile(t, g, Options{ISA: schedules.Ref})
	if _, err := m.Run(nil); err == nil {
		t.Error("no input was accepted")
	}
	if _, err := m.Run([][]byte{{1, 2, 3}}); err == nil {
		t.Error("3 bytes were accepted")
	}
	if _, err := m.Tensor(g.Outputs[0]); err == nil {
		t.Error("Tensor works without KeepAll")
	}
}

func TestCompileErrorsNameTheNode(t *testing.T) {
	g := importModel(t, opsDir, "conv_u8_3x3_valid", "model.tflite")
	_, err := Compile(g, Options{ISA: schedules.AVX2, Mode: kernels.Emulated,
		Choose: func(schedules.Workload, schedules.ISA) (Choice, error) {
			return Choice{}, errors.New("out of ideas")
		}})
	wantError(t, err, "node 0 CONV_2D", "out of ideas")

	bad, err := schedules.ParseSchedule("mr=1000")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Compile(g, Options{ISA: schedules.AVX2, Mode: kernels.Emulated,
		Choose: func(schedules.Workload, schedules.ISA) (Choice, error) {
			return Choice{Schedule: bad, Source: Exact}, nil
		}})
	wantError(t, err, "node 0 CONV_2D", "mr")

	odd := g.Clone()
	odd.Nodes[0].Op = qnn.Unsupported{Name: "CUSTOM", Reason: "nobody knows it"}
	_, err = Compile(odd, Options{ISA: schedules.Ref})
	wantError(t, err, "node 0 CUSTOM", "nobody knows it")
}

// A layer whose code is not what the chooser knows a time of is stale.
func TestOtherCodeIsStale(t *testing.T) {
	g := importModel(t, opsDir, "conv_u8_3x3_valid", "model.tflite")
	for hash, want := range map[string]Source{"": Exact, "0123456789abcdef": Stale, "same": Exact} {
		m, err := Compile(g, Options{ISA: schedules.AVX2, Mode: kernels.Emulated,
			Choose: func(w schedules.Workload, isa schedules.ISA) (Choice, error) {
				c, err := Default(w, isa)
				c.Source, c.CodeHash, c.Estimate = Exact, hash, time.Second
				if k, kErr := kernels.Build(w, c.Schedule, isa); hash == "same" && kErr == nil {
					c.CodeHash = k.CodeHash()
				}
				return c, err
			}})
		if err != nil {
			t.Fatal(err)
		}
		if l := m.Layers()[0]; l.Source != want || l.Estimate != time.Second {
			t.Errorf("hash %q: %v, %v, want %v", hash, l.Source, l.Estimate, want)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one that says %q", parts)
		return
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q does not say %q", err, p)
		}
	}
}
