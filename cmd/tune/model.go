package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"qtune/qnn"
	"qtune/qnn/tflite"
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
