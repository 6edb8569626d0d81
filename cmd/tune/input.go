package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"qtune/internal/photo"
	"qtune/qnn"
)

// readInputs reads a file for each input of g.
func readInputs(g *qnn.Graph, paths []string) ([][]byte, error) {
	if len(paths) != len(g.Inputs) {
		return nil, usageErrorf("--input: %s, the network has %s", plural(len(paths), "file"), plural(len(g.Inputs), "input"))
	}
	inputs := make([][]byte, len(paths))
	for i, path := range paths {
		var err error
		if inputs[i], err = readInput(&g.Tensors[g.Inputs[i]], path); err != nil {
			return nil, err
		}
	}
	return inputs, nil
}

// readInput reads the bytes of tensor t from path: as they are from *.bin, else
// from a picture, whose bytes are moved to signed ones for an int8 input.
func readInput(t *qnn.Tensor, path string) ([]byte, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(filepath.Ext(path), ".bin") {
		if len(file) != t.Bytes() {
			return nil, fmt.Errorf("%s: %d bytes, the input is %s %s, which has %d", path, len(file), t.Type, t.Shape, t.Bytes())
		}
		return file, nil
	}
	s := t.Shape
	if len(s) != 4 || s[0] != 1 || !t.Type.Is8Bit() {
		return nil, fmt.Errorf("%s: the input is %s %s, which no picture fits; give its bytes as a .bin file", path, t.Type, s)
	}
	img, err := photo.Decode(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	px, err := photo.Sample(img, s[1], s[2], s[3])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if t.Type == qnn.Int8 {
		for i := range px {
			px[i] -= 128
		}
	}
	return px, nil
}
