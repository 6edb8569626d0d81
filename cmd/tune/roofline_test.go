package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"qtune/measure/roofline"
	"qtune/schedules"
)

// aRoofline is a report with round numbers, of two threads and a network of three
// layers.
func aRoofline() *rooflineReport {
	machine := machineReport{
		Threads: 2, GInstructions: 10,
		Peaks: []dotReport{{"avx512vnni", "VPDPBUSD zmm", 400}, {"avx2", "VPMADDWD + VPADDD ymm", 100}},
		Levels: []levelReport{
			{Name: "L1", Bytes: 32 << 10, MedianGBs: 300, MinGBs: 200, MaxGBs: 310},
			{Name: "L2", Bytes: 1 << 20, MedianGBs: 100, MinGBs: 90, MaxGBs: 110},
			{Name: "L3", Bytes: 32 << 20, Assumed: true, Shared: true, MedianGBs: 50, MinGBs: 40, MaxGBs: 60},
			{Name: "memory", Shared: true, MedianGBs: 20, MinGBs: 10, MaxGBs: 30},
		},
	}
	layer := func(op schedules.Op, macs int64, bytes int, time float64, r roofline.Bounds) rooflineLayer {
		return rooflineLayer{
			Op: strings.ToUpper(string(op)), Output: "<" + string(op) + ">", op: op, MACs: macs, ReadBytes: bytes, TimeNS: time,
			ActivationsFrom: "L2", BoundBy: string(r.Binding()), LimitNS: float64(r.Limit()), OfLimit: float64(r.Limit()) / time,
			result: roofline.Result{Bounds: r, Time: 3000},
		}
	}
	return &rooflineReport{
		Target: "avx512vnni", Machine: []machineReport{machine},
		Models: []rooflineModel{{Model: "a & b.tflite", ConstantBytes: 3 << 20, Runs: []rooflineRuns{{
			Threads: 2, LimitNS: 3000, TimeNS: 4000, OfLimit: 0.75, MostLost: []int{1},
			Layers: []rooflineLayer{
				layer(schedules.Conv2D, 600_000, 20_000, 2000, roofline.Bounds{Compute: 1500}),
				layer(schedules.Depthwise, 60_000, 30_000, 1500, roofline.Bounds{Activations: 1000}),
				layer("", 0, 1000, 500, roofline.Bounds{}),
			},
		}}}},
	}
}

// Private caches of two threads hold twice as much, shared ones do not.
func TestMachineModel(t *testing.T) {
	m := aRoofline().Machine[0].model(schedules.AVX2)
	if m.MACs != 100 || m.Instructions != 10 {
		t.Errorf("%v MACs, %v instructions, want 100 and 10", m.MACs, m.Instructions)
	}
	for bytes, want := range map[int]float64{64 << 10: 300, 2 << 20: 100, 2<<20 + 1: 50, 32 << 20: 50, 33 << 20: 20} {
		if got := m.LevelOf(bytes).Bandwidth; got != want {
			t.Errorf("%d bytes are read at %v a nanosecond, want %v", bytes, got, want)
		}
	}
}

func TestRooflineText(t *testing.T) {
	var b strings.Builder
	if err := aRoofline().print(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"peak of VPDPBUSD zmm", "400.0  GMAC/s",
		"32768 KiB, assumed (hidden)       50.0  GB/s (40.0 to 60.0)",
		"a & b.tflite on avx512vnni, 2 threads: constants 3072 KiB; times in us",
		"sum of limits 3.00 us, sum of times 4.00 us, limit/time 75.0%",
		`node 0 DEPTHWISE "<depthwise>": 2.00 us of 3.00 us, bound by activations from L2`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
}

// The picture is well-formed, and holds title, axes, roofs, and a glyph for each
// layer with multiply-accumulate steps beside the one of its legend.
func TestRooflineSVG(t *testing.T) {
	rep := aRoofline()
	svg, err := rep.svg()
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for dec := xml.NewDecoder(strings.NewReader(string(svg))); ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if s, ok := token.(xml.CharData); ok && strings.TrimSpace(string(s)) != "" {
			texts = append(texts, strings.TrimSpace(string(s)))
		}
	}
	all := strings.Join(texts, "\n")
	for _, want := range []string{
		"Roofline of a & b.tflite on avx512vnni, 1 thread", "MAC per byte moved", "GMAC/s",
		"VPDPBUSD zmm", "400 GMAC/s", "100 GMAC/s", "L1: 300 GB/s", "memory: 20 GB/s", "conv2d", "depthwise",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is missing among %q", want, texts)
		}
	}
	if strings.Contains(all, "dense") {
		t.Errorf("a legend for what is not there: %q", texts)
	}
	if n := strings.Count(string(svg), "fill-opacity"); n != 2*2 { // nothing else is translucent
		t.Errorf("%d glyphs, want 2 dots and 2 in the legend", n)
	}
	rep.Models[0].Runs[0].Layers = rep.Models[0].Runs[0].Layers[2:]
	if _, err := rep.svg(); err == nil {
		t.Error("drew a network without multiply-accumulate steps")
	}
}
