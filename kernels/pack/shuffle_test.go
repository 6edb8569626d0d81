package pack

import (
	"testing"

	"qtune/kernels/emit"
)

// runsOf are n runs with the given distances in operand and result.
func runsOf(n, in, out int) []emit.MoveRun {
	var all []emit.MoveRun
	for i := range n {
		all = append(all, emit.MoveRun{In: int32(i * in), Out: int32(i * out)})
	}
	return all
}

// TestPlanShuffle: which moves are made vector by vector.
func TestPlanShuffle(t *testing.T) {
	for _, c := range []struct {
		name        string
		runs        []emit.MoveRun
		run, expect int // windows, 0: run by run
	}{
		{"every third byte", runsOf(100, 3, 1), 1, 3},
		{"reversed", runsOf(20, -1, 1), 1, 1},
		{"pairs far apart", runsOf(64, 1000, 2), 2, 8},
		{"bytes far apart", runsOf(64, 1000, 1), 1, 0},
		{"gaps in the result", runsOf(64, 1, 2), 1, 0},
		{"too few bytes", runsOf(7, 3, 2), 2, 0},
		{"too few bytes to read", runsOf(20, 0, 1), 1, 0},
		{"long runs", runsOf(20, 20, 16), 16, 0},
	} {
		plan, ok := PlanShuffle(c.runs, c.run)
		if ok != (c.expect > 0) || ok && plan.Windows != c.expect {
			t.Errorf("%s: %d windows (%v), want %d", c.name, plan.Windows, ok, c.expect)
		}
	}
}
