package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"qtune/kernels/module"
)

// inferFlags are the flags of "tune run".
type inferFlags struct {
	model   modelFlag
	compile compileFlags
	inputs  []string
	labels  string
	top     int
	rawOut  string
	repeat  int
	json    bool
}

func inferCommand() *cobra.Command {
	var f inferFlags
	c := &cobra.Command{
		Use:   "run --model M.tflite --input FILE...",
		Short: "Infer: a picture or raw tensor bytes in, the most likely classes out",
		Long: `Infer with the best schedules that the log knows. Each --input is the file of one
input of the network, in their order: BMP, PNG or JPEG (resized by picking the
nearest pixel), or *.bin with the tensor's bytes. Further arguments count as
inputs.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			f.inputs = append(f.inputs, args...)
			return infer(c, &f)
		},
	}
	f.model.register(c)
	f.compile.register(c)
	c.Flags().StringArrayVar(&f.inputs, "input", nil, "file of an input")
	c.Flags().StringVar(&f.labels, "labels", "", "file with a label a line")
	c.Flags().IntVar(&f.top, "top", 5, "number of classes to print")
	c.Flags().StringVar(&f.rawOut, "raw-out", "", "also write the bytes of output i to PREFIX.out<i>.bin")
	c.Flags().IntVar(&f.repeat, "repeat", 1, "number of inferences")
	registerJSON(c, &f.json)
	return c
}

// An inference is what "tune run" prints.
type inference struct {
	Model   string         `json:"model"`
	Outputs []outputReport `json:"outputs"`
	Latency latencyReport  `json:"latency"`
	sourcesReport
}

type outputReport struct {
	Name  string  `json:"name"`
	Type  string  `json:"type"`
	Shape string  `json:"shape"`
	Top   []class `json:"top"`
}

type latencyReport struct {
	Runs     int   `json:"runs"`
	MedianNS int64 `json:"median_ns"`
	MinNS    int64 `json:"min_ns"`
}

func infer(c *cobra.Command, f *inferFlags) error {
	if f.top < 0 || f.repeat < 1 {
		return usageErrorf("--top must be 0 or more and --repeat 1 or more")
	}
	g, err := f.model.load()
	if err != nil {
		return err
	}
	inputs, err := readInputs(g, f.inputs)
	if err != nil {
		return err
	}
	labels, err := readLabels(f.labels)
	if err != nil {
		return err
	}
	m, err := f.compile.compile(c, g, f.model.path)
	if err != nil {
		return err
	}
	defer m.Close()
	outputs, latency, err := repeatRun(c, m, inputs, f.repeat)
	if err != nil {
		return err
	}
	if err := writeRaw(f.rawOut, outputs); err != nil {
		return err
	}
	rep := inference{Model: f.model.path, Latency: latency, sourcesReport: reportSources(m.Layers())}
	for i, id := range g.Outputs {
		t := &g.Tensors[id]
		rep.Outputs = append(rep.Outputs, outputReport{t.Name, t.Type.String(), t.Shape.String(), topClasses(t, outputs[i], labels, f.top)})
	}
	if f.json {
		return writeJSON(c.OutOrStdout(), rep)
	}
	fmt.Fprintf(c.ErrOrStderr(), "%d runs, median %s, fastest %s\n", latency.Runs,
		ms(time.Duration(latency.MedianNS)), ms(time.Duration(latency.MinNS)))
	return printClasses(c.OutOrStdout(), rep.Outputs)
}

// repeatRun runs m n times, and once before that counts where n is above 1.
func repeatRun(c *cobra.Command, m *module.Module, inputs [][]byte, n int) ([][]byte, latencyReport, error) {
	var outputs [][]byte
	times := make([]int64, 0, n)
	for i := range n + min(n-1, 1) {
		if err := c.Context().Err(); err != nil {
			return nil, latencyReport{}, err
		}
		start := time.Now()
		var err error
		if outputs, err = m.Run(inputs); err != nil {
			return nil, latencyReport{}, err
		}
		if i > 0 || n == 1 {
			times = append(times, time.Since(start).Nanoseconds())
		}
	}
	slices.Sort(times)
	return outputs, latencyReport{Runs: n, MedianNS: times[len(times)/2], MinNS: times[0]}, nil
}

func writeRaw(prefix string, outputs [][]byte) error {
	if prefix == "" {
		return nil
	}
	for i, b := range outputs {
		if err := writeWhole(fmt.Sprintf("%s.out%d.bin", prefix, i), b); err != nil {
			return err
		}
	}
	return nil
}

func printClasses(w io.Writer, outputs []outputReport) error {
	for _, o := range outputs {
		if len(outputs) > 1 {
			fmt.Fprintf(w, "%s %s %s\n", o.Name, o.Type, o.Shape)
		}
		t := newTable("label", ">value")
		for _, k := range o.Top {
			t.add(k.Label, fmt.Sprintf("%.6g", k.Value))
		}
		if err := t.write(w); err != nil {
			return err
		}
	}
	return nil
}
