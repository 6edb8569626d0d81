package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"qtune/internal/wholefile"
	"qtune/qnn"
	"qtune/qnn/tflite"
	"qtune/qnn/zoo"
)

// zooPrefix marks the name of a published network where a file could stand.
const zooPrefix = "zoo:"

// A zooReport is a line of "tune zoo".
type zooReport struct {
	Name       string `json:"name"`
	Input      string `json:"input"`
	MACs       int64  `json:"macs"`
	Parameters int64  `json:"parameters"`
	File       string `json:"file,omitempty"` // where the network was written
	Bytes      int    `json:"bytes,omitempty"`
}

func zooCommand() *cobra.Command {
	var (
		out  string
		json bool
	)
	c := &cobra.Command{
		Use:   "zoo [NAME -o FILE.tflite]",
		Short: "List published networks, or write one as a file",
		Long: `List the published networks that are built in, or write one as a file. Layers are
those of the papers, weights are random: a network is good for tuning and timing,
and recognises nothing. MobileNets come in any width and resolution:
mobilenet_v1_WIDTH_RESOLUTION, such as mobilenet_v2_0.6_256_int8. Wherever a
command takes --model, zoo:NAME is one of these.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkZoo(c, args, out); err != nil {
				return err
			}
			if len(args) == 0 {
				return listZoo(c, json)
			}
			return writeZoo(c, args[0], out, json)
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "", "the file to write")
	registerJSON(c, &json)
	return c
}

// checkZoo finds what is wrong with the command line.
func checkZoo(c *cobra.Command, args []string, out string) error {
	switch {
	case len(args) > 1:
		return usageErrorf("zoo: one network at a time, not %q", args)
	case len(args) == 0 && c.Flags().Changed("output"):
		return usageErrorf("zoo: which network is to be written to %s?", out)
	case len(args) == 1 && out == "":
		return usageErrorf("zoo %s: -o FILE.tflite is missing", args[0])
	}
	return nil
}

func listZoo(c *cobra.Command, json bool) error {
	var reports []zooReport
	for _, name := range zoo.Names() {
		r, err := reportZoo(name)
		if err != nil {
			return err
		}
		reports = append(reports, r)
	}
	if json {
		return writeJSON(c.OutOrStdout(), reports)
	}
	t := newTable("network", "input", ">MMAC", ">million parameters")
	for _, r := range reports {
		t.add(r.Name, r.Input, fmt.Sprintf("%.1f", float64(r.MACs)/1e6), fmt.Sprintf("%.3f", float64(r.Parameters)/1e6))
	}
	return t.write(c.OutOrStdout())
}

func reportZoo(name string) (zooReport, error) {
	size, err := zoo.SizeOf(name)
	if err != nil {
		return zooReport{}, usageErrorf("%w", err)
	}
	return zooReport{Name: name, Input: size.Input.String(), MACs: size.MACs, Parameters: size.Parameters}, nil
}

func writeZoo(c *cobra.Command, name, path string, json bool) error {
	r, err := reportZoo(name)
	if err != nil {
		return err
	}
	g, err := zoo.Build(name)
	if err != nil {
		return err
	}
	file, err := tflite.Export(g)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := writeWhole(path, file); err != nil {
		return err
	}
	r.File, r.Bytes = path, len(file)
	if json {
		return writeJSON(c.OutOrStdout(), r)
	}
	fmt.Fprintf(c.ErrOrStderr(), "%s: wrote %d bytes to %s\n", r.Name, r.Bytes, path)
	return nil
}

// writeWhole writes a file that is complete or not there at all.
func writeWhole(path string, data []byte) error {
	return writeFile(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// writeFile is writeWhole for what is written in pieces.
func writeFile(path string, write func(io.Writer) error) error {
	return wholefile.Write(path, 0o644, write)
}

// loadZoo builds the network that zoo:NAME names; ok tells whether path is such.
func loadZoo(path string) (g *qnn.Graph, ok bool, err error) {
	name, ok := strings.CutPrefix(path, zooPrefix)
	if !ok {
		return nil, false, nil
	}
	g, err = zoo.Build(name)
	if err != nil {
		return nil, true, usageErrorf("--model %s: %w", path, err)
	}
	return g, true, nil
}
