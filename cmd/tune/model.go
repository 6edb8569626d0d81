package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"qtune/qnn"
	"qtune/qnn/tflite"
	"qtune/schedules"
)

const modelUsage = "quantised network: a .tflite file, or zoo:NAME (see tune zoo)"

// modelFlag is --model, the file of the network or its name in the zoo, and
// --outputs, what of it is wanted.
type modelFlag struct {
	path    string
	outputs []string
}

func (f *modelFlag) register(c *cobra.Command) {
	c.Flags().StringVar(&f.path, "model", "", modelUsage)
	registerOutputs(c, &f.outputs)
}

func registerOutputs(c *cobra.Command, to *[]string) {
	c.Flags().StringSliceVar(to, "outputs", nil, "names of the tensors to compute in place of the network's outputs; what they do not need is cut off")
}

// load reads the network.
func (f *modelFlag) load() (*qnn.Graph, error) {
	if f.path == "" {
		return nil, usageErrorf("--model is missing")
	}
	return loadModel(f.path, f.outputs)
}

// loadModel reads the network, and cuts it down to what outputs need if there
// are any.
func loadModel(path string, outputs []string) (*qnn.Graph, error) {
	g, err := readModel(path)
	if err != nil {
		return nil, err
	}
	if len(outputs) > 0 {
		if g, err = g.Cut(outputs); err != nil {
			return nil, fmt.Errorf("--outputs: %s: %w", path, err)
		}
	}
	if err := g.CheckQuantised(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return g, nil
}

func readModel(path string) (*qnn.Graph, error) {
	if g, ok, err := loadZoo(path); ok {
		return g, err
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	g, err := tflite.Import(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return g, nil
}

// selectTasks returns the numbers of the tasks that sel names: a list such as
// "0,2,5-7,depthwise" of numbers, ranges and operators. Empty means all.
func selectTasks(tasks []schedules.Task, sel string) ([]int, error) {
	chosen := make([]bool, len(tasks))
	if sel == "" {
		sel = fmt.Sprintf("0-%d", len(tasks)-1)
	}
	for _, word := range strings.Split(sel, ",") {
		if err := markTasks(chosen, tasks, strings.TrimSpace(word)); err != nil {
			return nil, usageErrorf("--tasks %q: %w", sel, err)
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
func markTasks(chosen []bool, tasks []schedules.Task, word string) error {
	found := false
	for i, t := range tasks {
		if word == string(t.Workload.Op) {
			chosen[i], found = true, true
		}
	}
	if found {
		return nil
	}
	lo, hi, ok := parseRange(word)
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

// parseRange reads a number, or a range of numbers such as "4-6".
func parseRange(word string) (lo, hi int, ok bool) {
	from, to, isRange := strings.Cut(word, "-")
	if !isRange {
		to = from
	}
	lo, errLo := strconv.Atoi(from)
	hi, errHi := strconv.Atoi(to)
	return lo, hi, errLo == nil && errHi == nil && lo <= hi
}
