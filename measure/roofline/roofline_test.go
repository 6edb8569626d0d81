package roofline

import (
	"slices"
	"testing"

	"qtune/measure"
)

// machine does 100 MACs and 10 instructions a nanosecond, and reads 200, 100, 50
// and 10 bytes from 32 KiB, 1 MiB, 32 MiB and memory.
var machine = Machine{MACs: 100, Instructions: 10, Levels: []Level{
	{"L1", 32 << 10, 200}, {"L2", 1 << 20, 100}, {"L3", 32 << 20, 50}, {"memory", 0, 10},
}}

func TestBounds(t *testing.T) {
	for _, c := range []struct {
		name      string
		layer     Layer
		constants int
		want      Bounds
		limit     measure.Nanos
		binding   Resource
	}{
		// 56x56 pixels of 64 channels from as many by 3x3: 115,605,504 steps.
		{"conv2d", Layer{56 * 56 * 64 * 9 * 64, 3136 * 42, 36864, 2 * 56 * 56 * 64}, 4 << 20,
			Bounds{1156055.04, 13171.2, 737.28, 4014.08, "L3", "L2"}, 1169226.24, Compute},
		// A dense layer of a network larger than the last cache.
		{"dense", Layer{4096 * 1000, 1000, 4096 * 1000, 5096}, 40 << 20,
			Bounds{40960, 100, 409600, 25.48, "memory", "L1"}, 409600, Weights},
		// 1x1 over many pixels and few channels.
		{"epilogue", Layer{1000000, 200000, 64, 1 << 15}, 1 << 20,
			Bounds{10000, 20000, 0.64, 163.84, "L2", "L1"}, 30000, Epilogue},
		// Half of the limit each: the larger one counts, compute if they are equal.
		{"equal", Layer{1000, 100, 0, 0}, 0, Bounds{Compute: 10, Epilogue: 10}, 20, Compute},
		{"no MACs", Layer{ActivationBytes: 2 << 20}, 4 << 20,
			Bounds{Activations: 41943.04, ActivationLevel: "L3"}, 41943.04, Activations},
		{"nothing to do", Layer{}, 4 << 20, Bounds{}, 0, Nothing},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := machine.Bounds(c.layer, c.constants)
			for _, v := range []struct {
				name      string
				got, want measure.Nanos
			}{
				{"compute", b.Compute, c.want.Compute}, {"epilogue", b.Epilogue, c.want.Epilogue},
				{"weights", b.Weights, c.want.Weights}, {"activations", b.Activations, c.want.Activations},
				{"limit", b.Limit(), c.limit},
			} {
				if d := v.got - v.want; d > 1e-6*v.want || -d > 1e-6*v.want {
					t.Errorf("%s: %v ns, want %v", v.name, float64(v.got), float64(v.want))
				}
			}
			if b.WeightLevel != c.want.WeightLevel || b.ActivationLevel != c.want.ActivationLevel {
				t.Errorf("from %q and %q, want %q and %q", b.WeightLevel, b.ActivationLevel, c.want.WeightLevel, c.want.ActivationLevel)
			}
			if got := b.Binding(); got != c.binding {
				t.Errorf("bound by %q, want %q", got, c.binding)
			}
		})
	}
}

func TestLevelOf(t *testing.T) {
	for _, c := range []struct {
		bytes int
		want  string
	}{{0, "L1"}, {32 << 10, "L1"}, {32<<10 + 1, "L2"}, {1 << 20, "L2"}, {32 << 20, "L3"}, {32<<20 + 1, "memory"}, {1 << 40, "memory"}} {
		if got := machine.LevelOf(c.bytes); got.Name != c.want {
			t.Errorf("%d bytes: %s, want %s", c.bytes, got.Name, c.want)
		}
	}
}

func TestTotalsAndLosers(t *testing.T) {
	layers := []Result{
		{Bounds{Compute: 10}, 12},            // loses 2
		{Bounds{Compute: 10, Weights: 5}, 9}, // a limit that is wrong
		{Bounds{}, 7},                        // 7
		{Bounds{Weights: 4}, 6},              // 2
		{Bounds{Activations: 1}, 6},          // 5
	}
	if limit, time := Totals(layers); limit != 25 || time != 40 {
		t.Errorf("totals %v and %v, want 25 and 40", limit, time)
	}
	for _, c := range []struct {
		n    int
		want []int
	}{{0, nil}, {2, []int{2, 4}}, {3, []int{2, 4, 0}}, {9, []int{2, 4, 0, 3}}} {
		if got := MostLost(layers, c.n); !slices.Equal(got, c.want) {
			t.Errorf("%d losers: %v, want %v", c.n, got, c.want)
		}
	}
}
