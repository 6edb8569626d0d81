package schedules

import (
	"slices"
	"testing"
)

func TestSelectTasks(t *testing.T) {
	var tasks []Task
	for _, op := range []Op{Conv2D, Depthwise, Conv2D, Dense} {
		tasks = append(tasks, Task{Workload: Workload{Op: op}})
	}
	for sel, want := range map[string][]int{
		"": {0, 1, 2, 3}, "2": {2}, "0-1,3": {0, 1, 3}, "dense": {3}, "conv2d, 1": {0, 1, 2}, "3,3": {3},
	} {
		if got, err := SelectTasks(tasks, sel); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v, want %v", sel, got, err, want)
		}
	}
	for _, sel := range []string{"4", "-1", "2-1", "x", "1-", "0,,", "1-9"} {
		if got, err := SelectTasks(tasks[:3], sel); err == nil {
			t.Errorf("%q: %v, %v, want an error", sel, got, err)
		}
	}
}
