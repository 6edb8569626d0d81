package schedules

import (
	"fmt"
	"strconv"
	"strings"
)

// SelectTasks returns the numbers of the tasks that sel names: a list such as
// "0,2,5-7,depthwise" of numbers, ranges and operators. Empty means all.
func SelectTasks(tasks []Task, sel string) ([]int, error) {
	chosen := make([]bool, len(tasks))
	if sel == "" {
		sel = fmt.Sprintf("0-%d", len(tasks)-1)
	}
	for _, word := range strings.Split(sel, ",") {
		if err := markTasks(chosen, tasks, strings.TrimSpace(word)); err != nil {
			return nil, fmt.Errorf("%q: %w", sel, err)
		}
	}
	var numbers []int
	for i, c := range chosen {
		if c {
			numbers = append(numbers, i)
		}
	}
	return numbers, nil
}

// markTasks marks the tasks that one word of a selection names.
func markTasks(chosen []bool, tasks []Task, word string) error {
	found := false
	for i, t := range tasks {
		if word == string(t.Workload.Op) {
			chosen[i], found = true, true
		}
	}
	if found {
		return nil
	}
	lo, hi, ok := ParseRange(word)
	switch {
	case !ok:
		return fmt.Errorf("%q is no task number, range or operator of this network", word)
	case lo < 0 || hi >= len(tasks):
		return fmt.Errorf("the tasks are numbered 0 to %d", len(tasks)-1)
	}
	for i := lo; i <= hi; i++ {
		chosen[i] = true
	}
	return nil
}

// ParseRange reads a number, or a range of numbers such as "4-6".
func ParseRange(word string) (lo, hi int, ok bool) {
	from, to, isRange := strings.Cut(word, "-")
	if !isRange {
		to = from
	}
	lo, errLo := strconv.Atoi(from)
	hi, errHi := strconv.Atoi(to)
	return lo, hi, errLo == nil && errHi == nil && lo <= hi
}
