package main

import (
	"encoding/binary"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"qtune/qnn"
)

// A class is one element of an output: for a classifier, how likely it is.
type class struct {
	Index int     `json:"index"`
	Label string  `json:"label"`
	Value float64 `json:"value"`
}

// topClasses returns the n greatest elements of the output t, whose bytes are
// data; equal ones in the order of their index.
func topClasses(t *qnn.Tensor, data []byte, labels []string, n int) []class {
	values := realValues(t, data)
	all := make([]class, len(values))
	for i, v := range values {
		all[i] = class{Index: i, Label: "class " + strconv.Itoa(i), Value: v}
		if i < len(labels) {
			all[i].Label = labels[i]
		}
	}
	slices.SortStableFunc(all, func(a, b class) int {
		switch {
		case a.Value > b.Value:
			return -1
		case a.Value < b.Value:
			return 1
		}
		return 0
	})
	return all[:min(n, len(all))]
}

// realValues dequantises data; nil for types that are no numbers of a network.
func realValues(t *qnn.Tensor, data []byte) []float64 {
	var values []float64
	switch {
	case t.Type == qnn.Float32:
		for ; len(data) >= 4; data = data[4:] {
			values = append(values, float64(math.Float32frombits(binary.LittleEndian.Uint32(data))))
		}
	case t.Type.Is8Bit() && len(t.Quant.Scale) == 1:
		for _, b := range data {
			q := int32(b)
			if t.Type == qnn.Int8 {
				q = int32(int8(b))
			}
			values = append(values, float64(t.Quant.Scale[0])*float64(q-t.Quant.Zero[0]))
		}
	}
	return values
}

// readLabels reads a label a line; no path means no labels.
func readLabels(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var labels []string
	for line := range strings.Lines(string(file)) {
		labels = append(labels, strings.TrimSpace(line))
	}
	return labels, nil
}
