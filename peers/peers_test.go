package main

import (
	"context"
	"flag"
	"math"
	"strings"
	"testing"
	"time"

	"qtune/peers/ort"
	"qtune/qnn"
)

var withORT = flag.Bool("ort", false, "compare results with ONNX Runtime, which must be installed in peers/ort")

// TestAgrees: both engines compute the same networks and layers.
func TestAgrees(t *testing.T) {
	if !*withORT {
		t.Skip("only with -ort")
	}
	options, done, err := compileOptions(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	engine, err := ort.Start("ort", -1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	}()
	s := &stage{ctx: context.Background(), flags: &flags{rounds: 1, turn: 1}, options: options, threads: 1, engine: engine, folder: t.TempDir()}
	for _, name := range []string{"mobilenet_v1_0.25_96", "mobilenet_v2_0.35_96", "inception_v1", "resnet_50"} {
		networks, err := build(name)
		if err != nil {
			t.Fatal(err)
		}
		all, err := s.agreements(networks)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, a := range all {
			t.Logf("%s: %+v", name, a)
		}
	}
	rows, err := s.depthwise("mobilenet_v1_0.25_96", nil)
	if err != nil || len(rows) == 0 {
		t.Errorf("depthwise layers: %d, %v", len(rows), err)
	}
	if again, err := s.depthwise("mobilenet_v1_0.25_96", rows); err != nil || len(again) != 0 {
		t.Errorf("%d depthwise layers are timed again, %v", len(again), err)
	}
}

func TestAgreementOf(t *testing.T) {
	a := agreementOf("x", []pair{
		{[]float64{10, 20, 30}, []float64{11, 20, 32}},
		{[]float64{5, 9, 9}, []float64{5, 9, 8}}, // as great as another
		{[]float64{1, 2, 3}, []float64{1, 3, 2}},
	})
	if a.Inputs != 3 || a.SameTop != 2 || a.MostSteps != 2 || math.Abs(a.MeanSteps-6.0/9) > 1e-12 {
		t.Errorf("%+v", a)
	}
	if a.Correlation < 0.99 || a.Correlation > 1 {
		t.Errorf("correlation %v", a.Correlation)
	}
	if a := agreementOf("x", []pair{{[]float64{1, 2, 3}, []float64{3, 2, 1}}}); math.Abs(a.Correlation+1) > 1e-12 {
		t.Errorf("correlation %v of opposites", a.Correlation)
	}
}

func TestSteps(t *testing.T) {
	x := &qnn.Tensor{Type: qnn.Int8, Shape: qnn.Shape{1, 3}, Quant: qnn.Quant{Scale: []float32{0.5}, Zero: []int32{-28}}}
	data := asUint8(x, []byte{0x80, 0, 0x7f}) // -128, 0, 127
	if data[0] != 0 || data[1] != 128 || data[2] != 255 {
		t.Errorf("as uint8: %v", data)
	}
	for i, v := range stepsOfFloats(x, dequantised(x, data)) {
		if v != float64(data[i]) {
			t.Errorf("value %d is %v after dequantisation, %d before", i, v, data[i])
		}
	}
}

func TestSummarise(t *testing.T) {
	c := &contender{name: "x"}
	for i := range 101 {
		c.times = append(c.times, time.Duration(100-i)*time.Microsecond)
	}
	s := summarise(c)
	if s.MedianNS != 50_000 || s.LoNS != 5_000 || s.HiNS != 95_000 || s.SamplesNS[0] != 100_000 {
		t.Errorf("median %d, %d to %d, first %d", s.MedianNS, s.LoNS, s.HiNS, s.SamplesNS[0])
	}
}

func TestTables(t *testing.T) {
	row := &networkRow{Network: "net", Threads: 1, Agreement: []agreement{{Contender: ortInt8, Inputs: 5, SameTop: 4}}}
	for name, ms := range map[string]int64{oursUint8: 2, oursInt8: 3, oursSymmetric: 1, ortUint8: 8, ortSigned: 6, ortInt8: 12, ortFloat: 10} {
		row.Times = append(row.Times, timing{Contender: name, MedianNS: ms * 1e6, LoNS: ms * 1e6, HiNS: ms * 1e6})
	}
	r := report{Networks: []*networkRow{row}, Version: "1.2.3", CPU: "a CPU", Date: "2026-01-02", Rounds: 2, Turn: 3, Command: "a command"}
	text := r.tables()
	for _, want := range []string{
		"ONNX Runtime 1.2.3 on a CPU, 2026-01-02. Medians of 6 inferences",
		"    a command\n",
		"### 1 thread\n",
		"| net | 2.00 (2.00-2.00) | 3.00 (3.00-3.00) | 8.00 (8.00-8.00) | 6.00 (6.00-6.00) | 12.00 (12.00-12.00) | 10.00 (10.00-10.00) | 3.00x | 4.00x | 5.00x |",
		"| net | 10.00 (10.00-10.00) | 2.00 (2.00-2.00) | 1.00 (1.00-1.00) | 5.00x | +100.0 % |",
		"| net | int8 | 0.00 | 0 | 0.0000 | 4 of 5 |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestFlags(t *testing.T) {
	f, err := parseFlags([]string{"--models", "resnet_50,inception_v1", "--threads", "2"})
	if err != nil || strings.Join(f.models, " ") != "resnet_50 inception_v1" || len(f.threads) != 1 || f.threads[0] != 2 {
		t.Errorf("%+v, %v", f, err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--threads", "1,x"}, `--threads "1,x": want numbers of 1 or more between commas`},
		{[]string{"--rounds", "0"}, "--rounds and --turn must be 1 or more"},
		{[]string{"mobilenet_v1"}, `unknown argument "mobilenet_v1"`},
	} {
		if _, err := parseFlags(c.args); err == nil || err.Error() != c.want {
			t.Errorf("%q: error %v, want %s", c.args, err, c.want)
		}
	}
}

// An engine that is not installed says how to install it.
func TestNotInstalled(t *testing.T) {
	if _, err := ort.Start(t.TempDir(), -1); err == nil || !strings.Contains(err.Error(), "npm install --prefix") {
		t.Errorf("error %v", err)
	}
}
